"""One thread that writes: it takes what has queued up, commits it together, and only then says so.

Between commits it does chores.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store.schema import INSERTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Rows = Mapping[str, Sequence[Sequence[Any]]]
    Job = tuple[Rows, Future[None]]
    Chore = Callable[[sqlite3.Connection, bool], bool]

MOST_TOGETHER = 64
"""How many requests share one commit at most, so that the first of them is not kept waiting."""

IDLE_SECONDS = 0.1
"""How long nobody stores anything until the chores begin that can wait for it."""


class Writer:
    """Stores rows through one connection from one thread.

    `on_commit` is called in that thread after each commit with what was stored, before those who wait for it are told.
    A chore does a part of its work, in transactions of its own. After each commit it is told that the writer is not
    idle, and does what must not wait; once it is idle it is asked again and again for small parts, until it returns
    that there is nothing left to do.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        on_commit: Callable[[Sequence[Rows]], None],
        chores: Sequence[Chore] = (),
    ) -> None:
        self._connection = connection
        self._on_commit = on_commit
        self._chores = tuple(chores)
        self._open = list(chores)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="azfunc-ext insights writer", daemon=True)
        self._thread.start()

    def store(self, rows: Rows) -> Future[None]:
        """Queue rows (table -> rows in the order of `schema.COLUMNS`); the future is done when they are committed."""
        future: Future[None] = Future()
        self._jobs.put((rows, future))
        return future

    def close(self) -> None:
        """Commit what is queued, stop the thread and close the connection."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            jobs, going_on = self._next_jobs()
            if jobs:
                self._commit(jobs)
                self._open = list(self._chores)
                for chore in self._chores:
                    self._do(chore, idle=False)
        self._connection.close()

    def _next_jobs(self) -> tuple[list[Job], bool]:
        """Wait for one job and take those that are there besides; False when it is time to stop."""
        jobs: list[Job] = []
        job = self._first_job()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MOST_TOGETHER:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _first_job(self) -> Job | None:
        """Return the next job; do chores until it comes, once there has been none for a while."""
        patience = IDLE_SECONDS
        while self._open:
            try:
                return self._jobs.get(timeout=patience)
            except queue.Empty:
                patience = 0.0
                self._do(self._open[0], idle=True)
        return self._jobs.get()

    def _do(self, chore: Chore, *, idle: bool) -> None:
        try:
            more = chore(self._connection, idle)
        except sqlite3.Error:
            more = False  # a full disk, or another process that holds the file: again after the next commit
        if not more and chore in self._open:
            self._open.remove(chore)

    def _commit(self, jobs: list[Job]) -> None:
        try:
            self._insert(jobs)
        except Exception as error:
            for _, future in jobs:
                future.set_exception(error)
            return
        self._on_commit([rows for rows, _ in jobs])
        for _, future in jobs:
            future.set_result(None)

    def _insert(self, jobs: list[Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for rows, _ in jobs:
                for table, values in rows.items():
                    self._connection.executemany(INSERTS[table], values)
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled back already, and then ROLLBACK itself would fail.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
