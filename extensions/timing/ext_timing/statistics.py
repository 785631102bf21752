"""What is known of each function: what is the same for all of its invocations, and what these took so far."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakSet

from ext_timing import waited
from ext_timing.percentiles import Percentiles
from ext_timing.phases import MOST, OTHERS

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from ext_sdk import Invocation


class Function:
    """One function: its logger, whether its trigger tells when a message was sent, and its times."""

    __slots__ = ("errors", "logger", "name", "phases", "took", "trigger", "waits")

    def __init__(self, invocation: Invocation) -> None:
        self.name = invocation.function_name
        self.logger: logging.Logger = invocation.logger
        self.trigger = invocation.trigger
        self.waits = waited.tells(self.trigger.type)
        self.took = Percentiles()
        self.errors = 0
        self.phases: dict[str, Percentiles] = {}

    def facts(self) -> dict[str, object]:
        """Return its times in milliseconds."""
        found: dict[str, object] = {**self.took.facts(), "errors": self.errors}
        if self.phases:
            found["phases"] = {name: took.facts() for name, took in self.phases.items()}
        return found


class Statistics:
    """The functions that one extension saw."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self.forget_lock()
        _all.add(self)

    def forget_lock(self) -> None:
        """Take a new lock: after a fork the other may be held by a thread that is not there."""
        self._lock = Lock()

    def of(self, invocation: Invocation) -> Function:
        """Return what is known of the invocation's function."""
        name = invocation.function_name
        found = self._functions.get(name)
        if found is None:
            found = self._functions.setdefault(name, Function(invocation))
        return found

    def add(
        self, function: Function, nanoseconds: int, error: BaseException | None, phases: Mapping[str, tuple[int, int]]
    ) -> None:
        """Take note of an invocation, and of what each of its phases took in all."""
        with self._lock:
            function.took.add(nanoseconds)
            if error is not None:
                function.errors += 1
            if phases:
                for name, (_, spent) in phases.items():
                    _phase(function.phases, name).add(spent)

    def facts(self) -> dict[str, object]:
        """Return all of it, by function."""
        with self._lock:
            return {"functions": {name: one.facts() for name, one in self._functions.items()}}


def _phase(phases: dict[str, Percentiles], name: str) -> Percentiles:
    found = phases.get(name)
    if found is None:
        found = phases.setdefault(name if len(phases) < MOST else OTHERS, Percentiles())
    return found


_all: WeakSet[Statistics] = WeakSet()


def _renew() -> None:
    for one in _all:
        one.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
