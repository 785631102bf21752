"""A clock that stands still, for tests that are about times."""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ext_sdk import registry
from ext_sdk.testing import ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EPOCH = 1_700_000_000_000_000_000
"""Nanoseconds: when the clock begins. 2023-11-14 22:13:20 UTC."""


class Clock:
    """Stands still unless it is told how much time has passed."""

    def __init__(self) -> None:
        self._passed_ns = 1_000_000_000  # never 0, at which the lifecycle takes a function for not called
        self.functions: dict[Any, Callable[[], float]] = {
            time.perf_counter_ns: lambda: self._passed_ns,
            time.perf_counter: lambda: self._passed_ns / 1e9,
            time.monotonic_ns: lambda: self._passed_ns,
            time.monotonic: lambda: self._passed_ns / 1e9,
            time.time_ns: lambda: _EPOCH + self._passed_ns,
            time.time: lambda: (_EPOCH + self._passed_ns) / 1e9,
            time.thread_time_ns: lambda: self._passed_ns,
            time.thread_time: lambda: self._passed_ns / 1e9,
            time.process_time_ns: lambda: self._passed_ns,
            time.process_time: lambda: self._passed_ns / 1e9,
        }

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError if it is to go back."""
        if seconds < 0:
            raise ValueError(f"advance({seconds}): a clock does not go back.")
        self._passed_ns += round(seconds * 1e9)


@contextmanager
def frozen(*packages: str) -> Iterator[Clock]:
    """Freeze the clocks of ext_sdk, of the packages of all active extensions, and of those named; count ids.

    Functions of the module `time` are replaced where these packages' modules have them, by whatever name, also as
    `time.perf_counter_ns`; nobody else's clock changes, so that event loops, locks and threads go on. Ids of
    invocations and traces that the kit makes are counted from 1. All of it is undone at the end.
    """
    clock = Clock()
    of = {"ext_sdk", *packages, *(one.type.__module__.partition(".")[0] for one in registry.active())}
    undo = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in of and module is not None and not name.startswith("ext_sdk.testing.clock"):
            undo += list(_freeze(module, clock))
    before, ids.counted = ids.counted, itertools.count(1)
    try:
        yield clock
    finally:
        ids.counted = before
        for module, attribute, original in undo:
            setattr(module, attribute, original)


def _freeze(module: ModuleType, clock: Clock) -> Iterator[tuple[ModuleType, str, Any]]:
    for attribute, value in list(vars(module).items()):
        if value is time:
            replacement: Any = _time_with(clock)
        elif callable(value) and _hashable(value) and value in clock.functions:
            replacement = clock.functions[value]
        else:
            continue
        setattr(module, attribute, replacement)
        yield module, attribute, value


def _time_with(clock: Clock) -> ModuleType:
    copy = ModuleType("time")
    vars(copy).update(vars(time))
    vars(copy).update({function.__name__: frozen_one for function, frozen_one in clock.functions.items()})
    return copy


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
