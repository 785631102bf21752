"""Deletes the oldest items, by their age or because the file gets too large, and gives the room back to the disk.

All of it happens in small parts between commits, so that nobody waits long.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError
from ext_devkit.insights.store import indexing
from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    import sqlite3

MAX_BYTES = 2 * 1024**3
"""How large the file may get unless told otherwise: some two million items.

There is no such age: what somebody imports to look at it may be of last year.
"""

LEAST_BYTES = 100_000_000
"""A smaller file would hold less than what a shelf of the index is for, which only goes as a whole."""

TOGETHER = 500
"""Items that are deleted in one go: those who store wait for it, some 20 ms."""

SPARE = 0.1
"""Part of the largest size that is made free at once, so that not every commit has something to delete."""

PAGES_TOGETHER = 1000
FEW_PAGES = 256
"""Free pages that stay in the file, to be used again soon: 1 MB."""

LOOK_SECONDS = 1.0
"""How often sizes and ages are looked at."""


_UNITS = {"B": 1, "": 1} | {
    f"{prefix}{kind}B": (1024 if kind else 1000) ** power
    for power, prefix in enumerate("KMGT", 1)
    for kind in ("", "i")
}


def size(text: str) -> int | None:
    """Return how many bytes are meant by `500MB`, `2 GiB` or a number alone, None by `none`.

    Raises DevkitError for anything else.
    """
    if text.strip().lower() == "none":
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) *([KMGT]?I?B|)", text.strip().upper(), re.ASCII)
    if match is None or match[2] == "IB":
        raise DevkitError(f"'{text[:40]}' is no size. Use a number with MB, GB, MiB or GiB, as in 500MB, or none.")
    return int(float(match[1]) * _UNITS[match[2].replace("I", "i")])


class Retention:
    """Keeps a file within its bounds: `keep_days` by the times of the items, and `max_bytes`; None is no bound.

    Raises DevkitError for bounds within which nothing could be kept.
    """

    def __init__(self, keep_days: float | None = None, max_bytes: int | None = MAX_BYTES) -> None:
        if keep_days is not None and not keep_days > 0:
            raise DevkitError(
                f"Items cannot be kept for {keep_days:g} days. Use more than 0, as in 0.5 for half a day."
            )
        if max_bytes is not None and max_bytes < LEAST_BYTES:
            raise DevkitError(f"A file of {max_bytes} bytes is too small. Use {LEAST_BYTES} (100 MB) or more.")
        self._keep_days = keep_days
        self._max_bytes = max_bytes
        self._next_look = 0.0
        self._making_room = False

    def work(self, connection: sqlite3.Connection, idle: bool) -> bool:
        """Delete some items if there is something to delete; return whether there may be more."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        busy = self.step(connection)
        if not busy:
            self._next_look = now + LOOK_SECONDS
        return busy and idle

    def step(self, connection: sqlite3.Connection) -> bool:
        """Do one small part; return whether there may be more."""
        if self._keep_days is not None:
            oldest = indexing.oldest_time(connection)
            limit = _ago(self._keep_days)
            if oldest is not None and oldest < limit:
                delete(connection, limit, TOGETHER)
                return True
        if self._too_large(connection):
            until = _time_of_oldest(connection, TOGETHER)
            if until is not None:
                delete(connection, until, TOGETHER, including=True)
                return True
        return shrink(connection)

    def _too_large(self, connection: sqlite3.Connection) -> bool:
        if self._max_bytes is None:
            return False
        used = used_bytes(connection)
        if used > self._max_bytes:
            self._making_room = True
        elif used <= self._max_bytes * (1 - SPARE):
            self._making_room = False
        return self._making_room


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return how large the file would be without its free pages, and without the write-ahead log."""
    pages, free, size = (_pragma(connection, name) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def delete(connection: sqlite3.Connection, limit: str, most: int = -1, *, including: bool = False) -> None:
    """Delete the oldest items of each table, up to `most`, from before a time or also from that time itself."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for kind, table in enumerate(TABLES):
            _delete_from(connection, kind, table, (limit, most), "<=" if including else "<")
        indexing.forget(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _delete_from(connection: sqlite3.Connection, kind: int, table: str, oldest: tuple[str, int], sign: str) -> None:
    which = f"itemId IN (SELECT itemId FROM {table} WHERE timestamp {sign} ? ORDER BY timestamp LIMIT ?)"  # noqa: S608
    done = indexing.indexed(connection)[kind]
    indexing.count(connection, table, -1, f"{which} AND itemId <= ?", (*oldest, done))
    connection.execute(f"DELETE FROM {table} WHERE {which}", oldest)  # noqa: S608


def _time_of_oldest(connection: sqlite3.Connection, number: int) -> str | None:
    """Return the time of the oldest item but `number`, or of the last one if there are fewer."""
    times = " UNION ALL ".join(
        f"SELECT * FROM (SELECT timestamp FROM {table} ORDER BY timestamp LIMIT {number})"  # noqa: S608
        for table in TABLES
    )
    (latest,) = connection.execute(
        f"SELECT max(timestamp) FROM (SELECT timestamp FROM ({times}) ORDER BY timestamp LIMIT {number})"  # noqa: S608
    ).fetchone()
    return None if latest is None else str(latest)


def shrink(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the disk; return whether there are more.

    Of a file from before this was possible nothing is given back: what is free there is used again.
    """
    if not _wasteful(connection) or not _pragma(connection, "auto_vacuum"):
        return False
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_TOGETHER})").fetchall()
    if _wasteful(connection):
        return True
    # Only now does the file itself become smaller: until then all of it is in the write-ahead log.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return False


def _wasteful(connection: sqlite3.Connection) -> bool:
    """Tell whether more than a few pages, and more than a twentieth of the file, are free."""
    return _pragma(connection, "freelist_count") > max(FEW_PAGES, _pragma(connection, "page_count") // 20)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _ago(days: float) -> str:
    try:
        moment = datetime.now(timezone.utc) - timedelta(days=days)
    except OverflowError:
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
