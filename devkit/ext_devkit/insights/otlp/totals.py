"""Running totals as what they grew by: OTLP's exporters send totals, while queries of customMetrics add up rows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.otlp.points import Distribution

if TYPE_CHECKING:
    from typing_extensions import Self

    from ext_devkit.insights.otlp.points import Point

MOST_SERIES = 50_000
"""Series whose last total is remembered; the one that was longest not sent is forgotten first."""


class Total(NamedTuple):
    """What a series had come to, and when it was begun and read."""

    start: int
    time: int
    value: float
    number: int


class Totals:
    """The last total of each series. As a context it belongs to one request alone, until that is stored or given up."""

    def __init__(self, most: int = MOST_SERIES) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._known: OrderedDict[bytes, Total] = OrderedDict()
        self._new: dict[bytes, Total] = {}

    def __enter__(self) -> Self:
        """Wait for other requests with totals."""
        self._lock.acquire()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Forget what was not kept."""
        self._new.clear()
        self._lock.release()

    def growth(self, series: bytes, start: int, point: Point) -> Point | None:
        """Return by how much a series grew since it was stored last, or all of it if it is new or began again.

        None if it did not grow, or is older than what is known. Least and most are known only of a whole total.
        """
        total = _total(start, point)
        last = self._new.get(series) or self._known.get(series)
        if last is None or start > last.start or (total.time > last.time and _shrank(last, total)):
            return point
        if total.time <= last.time or (total.value, total.number) == (last.value, last.number):
            return None
        return _difference(point, last)

    def note(self, series: bytes, start: int, point: Point) -> None:
        """Note the total of a series, to be remembered once this request is stored."""
        self._new[series] = _total(start, point)

    def keep(self) -> None:
        """Remember the totals of this request: it is stored."""
        for series, total in self._new.items():
            self._known[series] = total
            self._known.move_to_end(series)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def series_of(resource: Any, scope: Any, metric: Any, point: Any) -> bytes:
    """Return what identifies a series: who measures what, with which attributes, in any order."""
    digest = blake2b(digest_size=16)
    attributes = sorted(pair.SerializeToString(deterministic=True) for pair in point.attributes)
    for part in (
        resource.SerializeToString(deterministic=True),
        scope.SerializeToString(deterministic=True),
        metric.name.encode(),
        *attributes,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _total(start: int, point: Point) -> Total:
    value, count = (point.sum, point.count) if isinstance(point, Distribution) else (point.value, 0)
    return Total(start, point.time_unix_nano, value or 0, count)


def _shrank(last: Total, total: Total) -> bool:
    # The sum of a histogram may shrink, its count cannot.
    return total.number < last.number or (last.number == 0 == total.number and total.value < last.value)


def _difference(point: Point, last: Total) -> Point:
    if isinstance(point, Distribution):
        return replace(point, sum=(point.sum or 0) - last.value, count=point.count - last.number, min=None, max=None)
    return replace(point, value=(point.value or 0) - last.value)
