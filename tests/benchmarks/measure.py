"""Time callables in turn, so that a machine whose speed drifts treats them alike, and print medians and ratios."""

from __future__ import annotations

from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def compare(title: str, candidates: dict[str, Callable[[], object]], *, rounds: int = 25, calls: int = 5000) -> None:
    """Print microseconds per call of each candidate, and its ratio to the first one, which is the peer."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds + 1):
        for name, call in candidates.items():
            started = perf_counter_ns()
            for _ in range(calls):
                call()
            times[name].append((perf_counter_ns() - started) / calls / 1000)
    print(f"{title} (median of {rounds} rounds of {calls} calls, in turn)")
    peer = next(iter(candidates))
    for name, taken in times.items():
        ratios = [mine / theirs for mine, theirs in zip(taken[1:], times[peer][1:], strict=True)]
        print(f"  {name:<58} {median(taken[1:]):8.2f} us   {median(ratios):5.2f}x")
    print(flush=True)
