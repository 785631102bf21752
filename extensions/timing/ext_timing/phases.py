"""Phases: named parts of an invocation. They nest, also across `await`, and what other threads do counts as well."""

from __future__ import annotations

import inspect
import logging
import os
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ext_sdk import current_invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    F = TypeVar("F", bound=Callable[..., Any])

KEY = "timing"
"""Where `invocation.attributes`, which is `context.app_ext_attributes`, has the invocation's `Timing`."""

MOST = 100
"""Phases that are told apart in an invocation."""

OTHERS = "(others)"
UNNAMED = "(unnamed)"
_LONGEST = 100
"""Characters of a phase's name, with the names of those around it: it is part of a header and of a dimension's name."""

_log = logging.getLogger("ext_timing")

_NONE: Mapping[str, tuple[int, int]] = {}

_lock = Lock()
"""One for all: what it is held for takes less than to make one for each invocation."""

_inside: ContextVar[tuple[_Entered, ...]] = ContextVar("ext_timing.inside", default=())
"""The phases that this thread or task is in, the innermost one last."""


class Timing:
    """The phases of one invocation: `context.app_ext_attributes["timing"]`. Any thread or task may use it."""

    __slots__ = ("_spent", "told")

    def __init__(self) -> None:
        self._spent: dict[str, list[int]] = {}
        self.told = False
        """Whether the invocation's line has been written: phases that end later are in no line."""

    def phase(self, name: str) -> Phase:
        """Return what times a part of the invocation: a `with` block, or a function that it decorates.

        A phase within another one of the same thread or task is told as `outer.inner`. In a thread that does not run
        for the invocation (`ext_sdk.propagate`) phases nest among each other.
        """
        return Phase(name, self)

    @property
    def phases(self) -> Mapping[str, tuple[int, int]]:
        """How often each phase was run to its end, and the nanoseconds that it took in all, by name, in order."""
        if not self._spent:
            return _NONE
        with _lock:
            return {name: (count, spent) for name, (count, spent) in sorted(self._spent.items())}

    def add(self, name: str, nanoseconds: int) -> None:
        """Add to a phase what it took once."""
        with _lock:
            spent = self._spent.get(name)
            if spent is None:
                name = name if len(self._spent) < MOST else OTHERS
                spent = self._spent.setdefault(name, [0, 0])
            spent[0] += 1
            spent[1] += nanoseconds


class Untimed(Timing):
    """Stands in where nothing is timed."""

    __slots__ = ()

    def add(self, name: str, nanoseconds: int) -> None:
        """Do nothing."""


class _Entered(NamedTuple):
    """A phase that began."""

    phase: Phase
    timing: Timing | None
    """What it is a phase of; None where nothing is timed."""
    path: str
    began_ns: int


class Phase:
    """Times a `with` block, or each call of a function that it decorates, coroutine functions included.

    One object may be used again and again, also by threads, tasks and invocations that run at the same time.
    """

    __slots__ = ("_entered", "_name", "_timing")

    def __init__(self, name: str, timing: Timing | None = None) -> None:
        self._name = _usable(name)
        self._timing = timing
        self._entered: list[_Entered] = []

    def __enter__(self) -> Self:
        timing, stack, path = self._timing or _current(), _inside.get(), self._name
        if stack and stack[-1].timing is timing:
            path = f"{stack[-1].path}.{path}"[:_LONGEST]
        entered = _Entered(self, timing, path, perf_counter_ns())
        self._entered.append(entered)
        _inside.set((*stack, entered))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        now = perf_counter_ns()
        entered = self._leave()
        if entered is not None and entered.timing is not None:
            entered.timing.add(entered.path, now - entered.began_ns)

    def _leave(self) -> _Entered | None:
        """Return what of this object this thread or task entered last, where it is no more then."""
        stack = _inside.get()
        try:
            for at in range(len(stack) - 1, -1, -1):  # not always the last one: generators may take turns
                if stack[at].phase is self:
                    _inside.set(stack[:at] + stack[at + 1 :])
                    self._entered.remove(stack[at])
                    return stack[at]
            return self._entered.pop()  # a generator goes on, or is closed, in another thread or task than it began in
        except (ValueError, IndexError):  # it was left already, in a context that was copied from this one
            return None

    def __call__(self, function: F) -> F:
        """Return the function, each call of which is the phase.

        Raises TypeError for a generator function, whose steps are somebody else's calls.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"phase({self._name!r}) cannot time the generator function {function.__qualname__}: "
                "put a `with` block inside it, or around the loop that uses it."
            )
        name, timing = self._name, self._timing
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def timed(*args: Any, **kwargs: Any) -> Any:
                with Phase(name, timing):
                    return await function(*args, **kwargs)
        else:

            @wraps(function)
            def timed(*args: Any, **kwargs: Any) -> Any:
                with Phase(name, timing):
                    return function(*args, **kwargs)

        return timed  # type: ignore[return-value]


def phase(name: str) -> Phase:
    """Return what times a part of the invocation that runs it: a `with` block, or a function that it decorates.

    As `Timing.phase` of the current invocation, which is looked up when the part begins. Where nothing is timed, as in
    a unit test, it does nothing.
    """
    return Phase(name)


STAND_INS: Mapping[str, Callable[[], object]] = {f"app_ext_attributes.{KEY}": Untimed}
"""Phases may be named where nothing is timed."""


def timing_of(attributes: dict[str, Any]) -> Timing | None:
    """Return the Timing among an invocation's attributes; None if there is none, or what stands in for one."""
    found = attributes.get(KEY)
    return found if type(found) is Timing else None


def _current() -> Timing | None:
    invocation = current_invocation()
    return None if invocation is None else timing_of(invocation.attributes)


def _usable(name: Any) -> str:
    if callable(name):
        raise TypeError(f'@phase has no name: write @phase("db") above {name!r}, with a name of yours for "db".')
    if isinstance(name, str) and name and not name.isspace():
        return name[:_LONGEST]
    _log.warning('A phase has a name, as in phase("db"), not %r: it is told as %s.', name, UNNAMED)
    return UNNAMED


def _renew() -> None:
    global _lock
    _lock = Lock()  # after a fork the other may be held by a thread that is not there


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
