"""A limit to how often one line of code may log: what is beyond it is counted, left out, and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import logging

MOST_SITES = 1000
"""Lines of code that are told apart in one invocation; more come only from code that makes code."""


class Site(NamedTuple):
    """A line of code that logs, at one level."""

    name: str
    path: str
    line: int
    level: int


class _Bucket:
    """Tokens that fill up with time: a record costs one."""

    __slots__ = ("at", "left_out", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at
        self.left_out = 0


class Flood:
    """The limit of each line of code, in one invocation, or in all threads that belong to none.

    It has no lock, which a record would have to wait for: two threads on one line may log a few records too many.
    """

    __slots__ = ("_buckets", "_burst", "_rate")

    def __init__(self, burst: int, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        self._buckets: dict[Site | tuple[str, str, int, int], _Bucket] = {}

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether a record may be exported; if not, it is counted."""
        burst = self._burst
        if not burst:
            return True
        bucket = self._buckets.get((record.name, record.pathname, record.lineno, record.levelno))
        if bucket is None:
            if len(self._buckets) < MOST_SITES:
                site = Site(record.name, record.pathname, record.lineno, record.levelno)
                self._buckets[site] = _Bucket(burst - 1.0, record.created)
            return True
        waited = record.created - bucket.at
        bucket.at = record.created
        tokens = bucket.tokens + waited * self._rate if waited > 0 else bucket.tokens
        if tokens < 1.0:
            bucket.tokens = tokens
            bucket.left_out += 1
            return False
        bucket.tokens = (min(burst, tokens)) - 1.0
        return True

    def calmed(self, record: logging.LogRecord) -> int:
        """Return how many records of a line were left out, once it has half its room again; they are told once."""
        bucket = self._buckets.get((record.name, record.pathname, record.lineno, record.levelno))
        if bucket is None or not bucket.left_out or bucket.tokens < self._burst / 2:
            return 0
        left_out, bucket.left_out = bucket.left_out, 0
        return left_out

    def forget(self) -> None:
        """Forget each line: all of them have their room again."""
        self._buckets = {}

    def rest(self) -> list[tuple[Site, int]]:
        """Return each line of which records were left out that nobody was told of, and how many."""
        told = []
        for site, bucket in list(self._buckets.items()):
            if bucket.left_out:
                told.append((Site(*site), bucket.left_out))
                bucket.left_out = 0
        return told
