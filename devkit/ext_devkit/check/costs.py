"""What an extension costs each invocation, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading as threads_of
import tracemalloc
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING, Any

from ext_devkit.check import undisturbed
from ext_devkit.check.functions import fails, says_ok, says_ok_async
from ext_devkit.check.seen import NotHereError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import AppExtension
from ext_sdk.testing import isolated, run, run_async

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BLOCKING = 0.05
"""Seconds that hooks may hold the event loop, once an extension is set up."""

CALL = 1_000.0
"""Microseconds that it may add to a call in the median, beyond an extension that does nothing."""

MEMORY = 400
"""Bytes that each call may leave behind."""

_WARM = 10
_CALLS = 100
_LEAST = 10
_SPARE = 5
"""File descriptors that may be opened once, in whatever call."""

_ENOUGH = 1.0
"""Seconds after which fewer calls will do, `_LEAST` of them."""


def blocking(target: str) -> str:
    """Measure how long hooks hold an event loop; what the first calls set up is not counted."""

    async def longest(calls: int) -> float:
        took = []
        for _ in range(calls):
            started = undisturbed.seconds()
            await run_async(says_ok_async)
            took.append(undisturbed.seconds() - started)
        return sorted(took)[-2]

    held = 0.0
    with Subject.named(target).ready():
        asyncio.run(longest(_WARM))
        for _ in range(3):  # a machine that is busy with other things holds it now and then; an extension each time
            held = asyncio.run(longest(20))
            if held <= BLOCKING:
                break
    expect(
        held <= BLOCKING,
        f"its hooks hold the event loop for {held * 1000:.0f} ms; {BLOCKING * 1000:g} ms is the limit.",
    )
    return f"{held * 1000:.1f} ms"


def call(target: str) -> str:
    """Measure a call beside one with an extension that does nothing, by turns."""
    subject = Subject.named(target)
    with_it, beside = [], []
    for _ in range(3):
        with subject.alone():
            subject.attach()
            with_it += _timed(_CALLS)
        with isolated():
            _noop()
            beside += _timed(_CALLS)
    nothing = median(beside)
    more = max(0.0, median(with_it) - nothing)
    expect(more <= CALL, f"it adds {more:.0f} us to a call; {CALL:g} us is the limit.")
    return f"{more:.0f} us more than the {nothing:.0f} us with an extension that does nothing"


def memory(target: str) -> str:
    """Measure what many calls, some of which fail, leave behind once caches are warm."""
    with Subject.named(target).ready():
        _each_call(_CALLS * 2)
        grown = []
        tracemalloc.start()
        for _ in range(3):
            before = _held()
            done = _each_call(_CALLS * 2)
            grown.append((_held() - before) / done)
        tracemalloc.stop()
    # A cache that fills, or a list that doubles, grows once; what leaks grows each time.
    left = max(0.0, min(grown))
    expect(left <= MEMORY, f"each call leaves {left:.0f} bytes behind; {MEMORY} are the limit.")
    return f"{left:.0f} bytes a call"


def threads(target: str) -> str:
    """Count threads while many calls come in."""
    most = 0

    def counts() -> None:
        nonlocal most
        most = max(most, threads_of.active_count())

    subject = Subject.named(target)
    before = threads_of.active_count()
    with subject.ready():
        _each_call(_WARM)
        warm = threads_of.active_count()
        done = _each_call(_CALLS, counts)
    expect(most <= warm + 2, f"{done} calls make {most - warm} threads more.")
    return f"{max(most, warm) - before} in all"


def descriptors(target: str) -> str:
    """Count file descriptors before and after many calls."""
    with Subject.named(target).ready():
        _each_call(_WARM)
        before = _open_descriptors()
        done = _each_call(_CALLS)
        left = _open_descriptors() - before
    expect(left <= _SPARE, f"{done} calls leave {left} file descriptors open.")
    return f"{max(0, left)} left open by {done} calls"


def _each_call(count: int, then: Callable[[], object] | None = None) -> int:
    """Make so many calls, or as many as there is time for; return how many."""
    ends = monotonic() + _ENOUGH
    for number in range(count):
        if number >= _LEAST and monotonic() > ends:
            return number
        run(says_ok if number % 3 else fails)
        if then is not None:
            then()
    return count


def _timed(count: int) -> list[float]:
    """Return the microseconds of calls."""
    took: list[float] = []
    ends = monotonic() + _ENOUGH
    for number in range(_WARM + count):
        if len(took) >= _LEAST and monotonic() > ends:
            break
        started = undisturbed.seconds()
        run(says_ok)
        if number >= _WARM:
            took.append((undisturbed.seconds() - started) * 1e6)
    return took


def _noop() -> None:
    class Noop(AppExtension):
        @classmethod
        def around_invocation(cls, _invocation: Any) -> Generator[None, Any, None]:
            yield


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _open_descriptors() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return len(os.listdir(folder))
    raise NotHereError("this system does not tell which file descriptors are open.")
