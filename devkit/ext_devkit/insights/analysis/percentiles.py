"""Percentiles by nearest rank: the least value that so many of all do not exceed. Exact, and always one of them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def rank(share: float, count: int) -> int:
    """Return the place of a percentile among `count` sorted values, from 0 on."""
    # 0.95 * 100 is a little less than 95 in binary, 0.07 * 100 a little more than 7.
    return max(ceil(round(share * count, 6)) - 1, 0)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return `SHARES` of values that are sorted; there is at least one."""
    return {name: values[rank(share, len(values))] for name, share in SHARES.items()}


def weighted(pairs: Sequence[tuple[float, int]]) -> dict[str, float]:
    """Return `SHARES` of sorted (value, how many items it stands for)."""
    total = sum(count for _, count in pairs)
    wanted = {name: rank(share, total) for name, share in SHARES.items()}
    found: dict[str, float] = {}
    seen = 0
    for value, count in pairs:
        seen += count
        for name, place in wanted.items():
            if name not in found and seen > place:
                found[name] = value
    return found
