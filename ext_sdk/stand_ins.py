"""What functions find on their context where an extension that gives them something does not run.

A function that uses `context.tracer` must not fail because extensions are switched off, or because one of them is
suspended or did not start: what it finds then does nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ext_sdk.invocation import Invocation, Outcome

    StandIns = Mapping[str, Callable[[], object]]

_log = logging.getLogger("ext_sdk")

_made: dict[Callable[[], object], object] = {}

SHARED = "app_ext_attributes"
"""The dict on the context that extensions and functions share; `app_ext_attributes.timing` names what is in it."""

_IMPOSSIBLE = object()
"""In the place of one that could not be made, so that it is not tried, and said, at each invocation."""


def plant(stand_ins: StandIns, context: Any) -> list[str]:
    """Put them on a context that lacks them; return the names of those."""
    planted = []
    for name, make in stand_ins.items():
        attribute, _, key = name.partition(".")
        if key in getattr(context, SHARED, ()) if key else hasattr(context, attribute):
            continue
        made = _made[make] if make in _made else _make(name, make)
        if made is _IMPOSSIBLE:
            continue
        try:
            if key:
                _shared_by(context)[key] = made
            else:
                setattr(context, attribute, made)
            planted.append(name)
        except (AttributeError, TypeError):  # the worker's own object, where it takes no new attribute
            pass
    return planted


def _shared_by(context: Any) -> dict[str, object]:
    shared: dict[str, object] | None = getattr(context, SHARED, None)
    if shared is None:  # extensions are switched off
        context.app_ext_attributes = shared = {}
    return shared


def _make(name: str, make: Callable[[], object]) -> object:
    try:
        made = make()
    except Exception:
        made = _IMPOSSIBLE
        _log.exception("context.%s is missing: what was to stand in for it could not be made.", name)
    return _made.setdefault(make, made)


def planting(stand_ins: StandIns) -> Callable[[Invocation], Generator[None, Outcome, None]]:
    """Return an `around_invocation` that does no more than that, in the place of an extension that is not active."""

    def around(invocation: Invocation) -> Generator[None, Outcome, None]:
        plant(stand_ins, invocation.context)
        yield from ()

    return around
