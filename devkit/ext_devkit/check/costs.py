"""What an extension costs each invocation, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading as threads_of
import tracemalloc
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING, Any

from ext_devkit.check.calls import _attach
from ext_devkit.check.seen import expect
from ext_devkit.check.subject import Subject
from ext_sdk.testing import run, run_async

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKING = 0.05
"""Seconds that hooks may hold the event loop, once an extension is set up."""

CALL = 1_000.0
"""Microseconds that a call may take in the median."""

_WARM = 20
_CALLS = 100
_MEMORY = 400
"""Bytes that each call may leave behind."""


def blocking(target: str) -> None:
    """Measure how long hooks hold an event loop; what the first calls set up is not counted."""

    async def function(**_: Any) -> str:
        return "ok"

    async def longest() -> float:
        took = []
        for number in range(_WARM + 20):
            started = perf_counter()
            await run_async(function)
            took.append(perf_counter() - started if number >= _WARM else 0.0)
        return median(sorted(took[_WARM:])[-3:])

    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        held = asyncio.run(longest())
    expect(
        held <= BLOCKING,
        f"its hooks hold the event loop for {held * 1000:.0f} ms; {BLOCKING * 1000:g} ms is the limit.",
    )


def call(target: str) -> None:
    """Measure a call."""
    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        took = _each_call(_CALLS)
    cost = median(took[_WARM:]) / 1000
    expect(cost <= CALL, f"a call through it takes {cost:.0f} us; {CALL:g} us is the limit.")


def memory(target: str) -> None:
    """Measure what many calls leave behind, once caches are warm."""
    subject = Subject.named(target)
    calls = 300
    with subject.alone():
        _attach(subject, "HttpTrigger")
        _each_call(calls)
        grown = []
        tracemalloc.start()
        for _ in range(3):
            before = _held()
            _each_call(calls)
            grown.append((_held() - before) / calls)
        tracemalloc.stop()
    # A cache that fills, or a list that doubles, grows once; what leaks grows each time.
    expect(min(grown) <= _MEMORY, f"each call leaves {min(grown):.0f} bytes behind.")


def threads(target: str) -> None:
    """Count threads while many calls come in."""
    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        _each_call(_WARM)
        before = threads_of.active_count()
        most = 0

        def counts() -> None:
            nonlocal most
            most = max(most, threads_of.active_count())

        _each_call(_CALLS, counts)
    expect(most <= before + 2, f"{_CALLS} calls make {most - before} threads more.")


def descriptors(target: str) -> None:
    """Count file descriptors before and after many calls."""
    subject = Subject.named(target)
    with subject.alone():
        _attach(subject, "HttpTrigger")
        _each_call(_WARM)
        before = _open_descriptors()
        _each_call(_CALLS)
        after = _open_descriptors()
    expect(after <= before + 5, f"{_CALLS} calls leave {after - before} file descriptors open.")


def _each_call(count: int, then: Callable[[], object] | None = None) -> list[int]:
    took = []
    for _ in range(count):
        started = perf_counter_ns()
        run(_function)
        took.append(perf_counter_ns() - started)
        if then is not None:
            then()
    return took


def _function(**_: Any) -> str:
    return "ok"


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _open_descriptors() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return len(os.listdir(folder))
    return 0
