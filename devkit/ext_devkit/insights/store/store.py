"""The store of a running server: a writer and a reader of one file, and a way to wait for what arrives."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ext_devkit.insights.store import indexing
from ext_devkit.insights.store.database import identity, open_for_writing
from ext_devkit.insights.store.reader import Reader
from ext_devkit.insights.store.retention import MAX_BYTES, Retention
from ext_devkit.insights.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from ext_devkit.insights.store.reader import Row
    from ext_devkit.insights.store.writer import Chore, Rows

    Listener = Callable[[Sequence[Rows]], object]


class Store(Reader):
    """Everything that `Reader` has, and storing. Raises DevkitError if the file cannot be used.

    Items are deleted when they are older than `keep_days`, and the oldest of them when the file is larger than
    `max_bytes`; None is no bound.
    """

    def __init__(self, path: Path, *, keep_days: float | None = None, max_bytes: int | None = MAX_BYTES) -> None:
        self._changed = threading.Condition()
        retention = Retention(keep_days, max_bytes)
        connection = open_for_writing(path)
        try:
            super().__init__(path)
        except BaseException:
            connection.close()
            raise
        self._place = path.absolute()
        self._opened = identity(self._place)
        self._listeners: tuple[Listener, ...] = ()
        self._writer = Writer(
            connection, self._tell, [partial(self._chore, work) for work in (indexing.work, retention.work)]
        )

    def store(self, rows: Rows) -> Future[None]:
        """Queue rows; the future is done when they are committed, so that no crash of this process can lose them.

        Raises sqlite3.OperationalError if the file is no longer where it was: SQLite would write on into a file that
        nobody finds.
        """
        if identity(self._place) != self._opened:
            raise sqlite3.OperationalError("the file was moved, deleted or replaced; start the server again")
        return self._writer.store(rows)

    def subscribe(self, listener: Listener) -> None:
        """Have a function called after each commit with the rows of its requests, in the writer's thread.

        Until it returns nothing else is stored, and nobody is told that those rows are; what it raises is dropped.
        """
        with self._changed:
            self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Call it no more."""
        with self._changed:
            self._listeners = tuple(one for one in self._listeners if one != listener)

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._writer.close()
        super().close()

    def wait_for(self, table: str, count: int = 1, timeout: float = 10.0) -> list[Row]:
        """Return a table's rows, oldest first, as soon as there are `count` of them; `timeout` is in seconds.

        Raises TimeoutError that says what did arrive.
        """
        return self.wait_until(lambda: self._enough(table, count), timeout, f"{count} in {table}")

    def wait_until(self, look: Callable[[], list[Row] | None], timeout: float, wanted: str) -> list[Row]:
        """Call `look` now, after every commit and when more is indexed, until it returns rows.

        Raises TimeoutError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := look()) is None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    if (found := look()) is not None:
                        return found
                    raise TimeoutError(f"Waited {timeout:g} s for {wanted}; stored are {self._summary()}.")
            return found

    def _enough(self, table: str, count: int) -> list[Row] | None:
        return self.rows(table) if self.count(table) >= count else None

    def _summary(self) -> str:
        stored = [f"{count} in {table}" for table, count in self.counts().items() if count]
        return ", ".join(stored) or "no items at all"

    def _chore(self, work: Chore, connection: sqlite3.Connection, idle: bool) -> bool:
        more = work(connection, idle)
        if idle:
            with self._changed:
                self._changed.notify_all()
        return more

    def _tell(self, committed: Sequence[Rows]) -> None:
        with self._changed:
            self._changed.notify_all()
        for listener in self._listeners:
            with suppress(Exception):
                listener(committed)
