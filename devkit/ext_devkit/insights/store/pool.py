"""Read-only connections to the file, each used by one thread at a time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ext_devkit.insights.store.database import open_for_reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

MOST_IDLE = 8
"""Connections that are kept open for the next who asks."""


class Pool:
    """Lends connections; opens another one while all are lent.

    Raises DevkitError at once if the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle = [open_for_reading(path)]
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection until the end of the block."""
        with self._lock:
            if self._closed:
                raise ValueError("The reader is closed.")
            lent = self._idle.pop() if self._idle else None
        if lent is None:
            lent = open_for_reading(self._path)
        try:
            yield lent
        finally:
            with self._lock:
                keep = not self._closed and len(self._idle) < MOST_IDLE
                if keep:
                    self._idle.append(lent)
            if not keep:
                lent.close()

    def close(self) -> None:
        """Close those that nobody has; the others are closed when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
