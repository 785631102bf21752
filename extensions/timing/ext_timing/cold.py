"""What a cold start took: the import of the app, what configures its extensions, what they set up at the first call."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ext_sdk import Invocation

_marks: dict[str, int] = {}
"""Where the import began and ended, on the clock of `perf_counter_ns`."""

_facts: dict[str, float] = {}


class _Noting(ModuleSpec):
    """A module's spec that takes note of the end of the module's import, and is an ordinary one again then.

    The import system sets `_initializing` to False when the module has run (importlib/_bootstrap.py,
    `_load_unlocked`). Where it does so no more, the end is not known, and the import's time is left out.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_initializing" and not value:
            self.__class__ = ModuleSpec  # type: ignore[assignment]
            _marks["imported"] = perf_counter_ns()
        object.__setattr__(self, name, value)


def start() -> None:
    """Begin to measure: the import of the app's module that, directly or not, imports the extension right now."""
    if "began" in _marks:
        return
    _marks["began"] = perf_counter_ns()
    spec = _outermost(sys._getframe(1))
    if type(spec) is ModuleSpec:
        spec.__class__ = _Noting


def _outermost(frame: Any) -> Any:
    """Return the spec of the module that is being imported furthest out; None if none but our own is."""
    found = None
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            spec = frame.f_globals.get("__spec__")
            if getattr(spec, "_initializing", False) and spec.name.partition(".")[0] != __package__:
                found = spec
        frame = frame.f_back
    return found


def parts(invocation: Invocation, called_ns: int) -> dict[str, float]:
    """Return what each part took before the function was called for the first time, in milliseconds.

    `import` is without `configure`; it is left out where it is not known.
    """
    from ext_sdk import extensions  # not before: its import is a part of what is measured

    configure = sum(one.microseconds.get("configure", 0.0) for one in extensions()) / 1000
    found = {}
    if "imported" in _marks:
        found["import"] = max(0.0, (_marks["imported"] - _marks["began"]) / 1e6 - configure)
    found["configure"] = configure
    found["extensions"] = max(0.0, (called_ns - invocation.began_ns) / 1e6)
    return found


def keep(found: dict[str, float], first_call_ms: float) -> None:
    """Keep them for `facts`."""
    _facts.update({f"{name}_ms": round(value, 3) for name, value in found.items()})
    _facts["first_call_ms"] = round(first_call_ms, 3)


def facts() -> dict[str, object]:
    """Return what the cold start took, if there was a first call that was timed."""
    return {"cold_start": dict(_facts)} if _facts else {}


start()
