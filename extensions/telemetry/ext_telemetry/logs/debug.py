"""The records below the level of one invocation, kept within so many bytes, in case it fails."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ext_opentelemetry.records import Record

OVERHEAD = 250
"""Bytes that a record counts for beside its texts."""

LEFT_OUT = "debug_buffer.left_out"
"""Custom dimension of the first record that there was room for: how many older ones there was no room for."""

_PATIENCE = 0.05


def size_of(record: Record) -> int:
    """Return about how many bytes a record takes."""
    size = OVERHEAD + len(str(record.body))
    for key, value in record.attributes.items():
        size += len(key) + (len(value) if isinstance(value, str) else 8)
    return size


class Buffer:
    """Keeps the newest records; the oldest go first."""

    __slots__ = ("_kept", "_left_out", "_limit", "_lock", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: deque[tuple[int, Record]] = deque()
        self._size = 0
        self._left_out = 0
        self._lock = Lock()

    def add(self, record: Record) -> None:
        """Keep a record, in place of the oldest ones if there is no room."""
        size = size_of(record)
        if not self._lock.acquire(timeout=_PATIENCE):  # held by a thread that a fork left behind
            return
        try:
            if size > self._limit:  # it must not cost the others their place
                self._left_out += 1
                return
            self._kept.append((size, record))
            self._size += size
            while self._size > self._limit:
                self._size -= self._kept.popleft()[0]
                self._left_out += 1
        finally:
            self._lock.release()

    def take(self) -> list[Record]:
        """Return what there is, oldest first; the first one says how many are gone. The buffer is empty then."""
        kept, self._kept = self._kept, deque()
        self._size = 0
        found = [record for _, record in kept]
        if self._left_out and found:
            found[0].attributes[LEFT_OUT] = self._left_out
        self._left_out = 0
        return found
