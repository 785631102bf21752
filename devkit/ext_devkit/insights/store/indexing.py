"""Makes stored items ready to be searched, after they were acknowledged: it takes as long as to store them.

The index is a row of shelves: full-text tables of up to `SHELF` items each, of all tables, in the order of arrival. An
item's row number there is its time, then its table and its place on the shelf, so that what is found comes in the order
of time without being sorted, and leads to its row without a look anywhere else. What a search filters by is a token
beside the words. A Python whose SQLite has no FTS5 stores as any other, and searches by a look at each item. Nothing is
ever taken from a shelf: one whose items have all been deleted is dropped.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ext_devkit.insights.store.schema import TABLES
from ext_devkit.insights.store.words import MILLISECONDS, TOKENS, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKENIZE = "unicode61 remove_diacritics 2"
"""Letters and digits of any script make a word; case and accents do not count."""

TOGETHER = 1500
"""Items that one step takes: those who store wait for it, some 30 ms."""

MOST_WAITING = 3 * TOGETHER
"""Items that may wait for a moment in which nobody stores anything: a search has to look at each of them."""

COUNTED = {"cloud_RoleName": TABLES, "name": ("requests", "dependencies", "customEvents"), "resultCode": ("requests",)}
"""Columns whose values are counted, so that a search can offer them, and the tables in which they are."""

SHELF = 100_000
PLACE_BITS = 17
"""More than `SHELF` places for each table: numbers of items are given in turn, but some may be deleted."""

PLACES = 1 << PLACE_BITS
KIND_BITS = 3
TIME_BITS = PLACE_BITS + KIND_BITS
"""Where the time begins in a key."""

MOMENT = 1 << TIME_BITS
"""How far the keys of one millisecond are from those of the next."""

LAST_KEY = (1 << 63) - 1

_SELECT = " UNION ALL ".join(
    f"SELECT ({MILLISECONDS} << {TIME_BITS}) + {kind << PLACE_BITS} + itemId - ?, {WORDS[table]}, {TOKENS[table]} "  # noqa: S608
    f"FROM {table} WHERE itemId > ? AND itemId <= ?"
    for kind, table in enumerate(TABLES)
)
_NEWEST = ", ".join(f"coalesce((SELECT max(itemId) FROM {table}), 0)" for table in TABLES)  # noqa: S608


class Shelf(NamedTuple):
    """One part of the index: `newest` is the latest time on it, `first` the number of each table's first item."""

    number: int
    items: int
    newest: str
    first: tuple[int, ...]

    @property
    def name(self) -> str:
        """Return the name of its full-text table."""
        return f"_search_{self.number}"


def create(connection: sqlite3.Connection) -> None:
    """Create what tells of the shelves; they themselves are made when there is something to put on them."""
    first = ", ".join(f"first_{kind} INTEGER NOT NULL" for kind in range(len(TABLES)))
    connection.execute(
        f"CREATE TABLE _shelves (number INTEGER PRIMARY KEY, items INTEGER NOT NULL, newest TEXT NOT NULL, {first})"
    )
    connection.execute("CREATE TABLE _indexed (kind INTEGER PRIMARY KEY, itemId INTEGER NOT NULL)")
    connection.execute(
        "CREATE TABLE _values (field TEXT NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, "
        "PRIMARY KEY (field, value)) WITHOUT ROWID"
    )
    connection.executemany("INSERT INTO _indexed VALUES (?, 0)", [(kind,) for kind in range(len(TABLES))])


def shelves(connection: sqlite3.Connection) -> list[Shelf]:
    """Return the shelves, the one with the latest item first."""
    rows = connection.execute("SELECT * FROM _shelves ORDER BY newest DESC, number DESC")
    return [Shelf(number, items, newest, tuple(first)) for number, items, newest, *first in rows]


def indexed(connection: sqlite3.Connection) -> list[int]:
    """Return the number of the last item of each table that is indexed, 0 for none."""
    return [number for (number,) in connection.execute("SELECT itemId FROM _indexed ORDER BY kind")]


def key_of(connection: sqlite3.Connection, timestamp: str) -> int:
    """Return the lowest key that an item of this time can have."""
    sql = f"SELECT {MILLISECONDS} << {TIME_BITS} FROM (SELECT ? AS timestamp)"  # noqa: S608
    return int(connection.execute(sql, (timestamp,)).fetchone()[0])


def waiting(connection: sqlite3.Connection) -> list[int]:
    """Return how many items of each table are not indexed yet, or a little more."""
    newest = connection.execute(f"SELECT {_NEWEST}").fetchone()
    return [max(last - done, 0) for last, done in zip(newest, indexed(connection), strict=True)]


def work(connection: sqlite3.Connection, idle: bool) -> bool:
    """Index some items if nobody stores any just now, or if too many are waiting; return whether there are more."""
    if not idle:
        while sum(waiting(connection)) > MOST_WAITING:
            step(connection)
    return step(connection) if idle else True


def step(connection: sqlite3.Connection) -> bool:
    """Index the next items, a table's oldest first; return whether there are more of them.

    It looks first without the right to write, so that a server with nothing to do is in nobody's way.
    """
    if not any(waiting(connection)):
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        _index(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return any(waiting(connection))


def _index(connection: sqlite3.Connection) -> None:
    done = indexed(connection)
    spans = _spans(connection, done)
    if not spans:
        return  # another server on this file has just done it
    shelf = _shelf_for(connection, done, spans)
    last = [spans[kind][1] if kind in spans else number for kind, number in enumerate(done)]
    # In the order of keys: the full-text module writes a part of its own each time that they go back.
    connection.execute(
        f"INSERT INTO {shelf.name} (rowid, words, facts) {_SELECT} ORDER BY 1",
        [value for bounds in zip(shelf.first, done, last, strict=True) for value in bounds],
    )
    connection.executemany("UPDATE _indexed SET itemId = ? WHERE kind = ?", [(last[kind], kind) for kind in spans])
    for kind in spans:
        count(connection, TABLES[kind], 1, "itemId > ? AND itemId <= ?", (done[kind], last[kind]))
    items = sum(last) - sum(done)
    newest = max(_newest(connection, kind, done[kind], last[kind]) for kind in spans)
    connection.execute(
        "UPDATE _shelves SET items = items + ?, newest = max(newest, ?) WHERE number = ?", (items, newest, shelf.number)
    )


def count(connection: sqlite3.Connection, table: str, sign: int, which: str, values: Sequence[object]) -> None:
    """Add the values of some rows of a table to those that are counted, or with the sign -1 take them away."""
    for field, tables in COUNTED.items():
        if table in tables:
            connection.execute(
                f"INSERT INTO _values SELECT '{field}', {field}, ? * count(*) FROM {table} "  # noqa: S608
                f"WHERE {which} AND {field} <> '' GROUP BY {field} "
                "ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (sign, *values),
            )
    if sign < 0:
        connection.execute("DELETE FROM _values WHERE count <= 0")


def _spans(connection: sqlite3.Connection, done: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return the numbers of the first and the last item of each table that are next.

    Each table has its share, so that items of one time come onto the same shelf.
    """
    spans, many = {}, waiting(connection)
    for kind, table in enumerate(TABLES):
        if many[kind]:
            first, last = connection.execute(
                "SELECT min(itemId), max(itemId) FROM (SELECT itemId FROM "  # noqa: S608
                f"{table} WHERE itemId > ?1 AND itemId < "
                f"(SELECT min(itemId) FROM {table} WHERE itemId > ?1) + ?2 ORDER BY itemId LIMIT ?3)",
                (done[kind], PLACES - 1, -(-TOGETHER * many[kind] // sum(many))),
            ).fetchone()
            spans[kind] = first, last
    return spans


def _shelf_for(connection: sqlite3.Connection, done: Sequence[int], spans: Mapping[int, tuple[int, int]]) -> Shelf:
    """Return the shelf that these items go onto, a new one if the last is full or has no place for their numbers."""
    shelf = max(shelves(connection), default=None)
    if (
        shelf is not None
        and shelf.items < SHELF
        and all(
            shelf.first[kind] < first and last - shelf.first[kind] < PLACES for kind, (first, last) in spans.items()
        )
    ):
        return shelf
    first = tuple(spans[kind][0] - 1 if kind in spans else number for kind, number in enumerate(done))
    shelf = Shelf(shelf.number + 1 if shelf else 1, 0, "", first)
    connection.execute(
        f"CREATE VIRTUAL TABLE {shelf.name} USING fts5 "
        f"(words, facts, content = '', columnsize = 0, tokenize = '{TOKENIZE}')"
    )
    places = ", ".join("?" * len(first))
    connection.execute(f"INSERT INTO _shelves VALUES (?, 0, '', {places})", (shelf.number, *first))  # noqa: S608
    return shelf


def _newest(connection: sqlite3.Connection, kind: int, done: int, last: int) -> str:
    sql = f"SELECT max(timestamp) FROM {TABLES[kind]} WHERE itemId > ? AND itemId <= ?"  # noqa: S608
    return str(connection.execute(sql, (done, last)).fetchone()[0])


def forget(connection: sqlite3.Connection) -> None:
    """Drop the shelves whose items have all been deleted, inside the transaction that deleted the last of them."""
    # SQLite gives a number again if the largest one is deleted; who got it would count as indexed.
    for kind, table in enumerate(TABLES):
        connection.execute(
            "UPDATE _indexed SET itemId = min(itemId, coalesce((SELECT max(itemId) FROM "  # noqa: S608
            f"{table}), 0)) WHERE kind = ?",
            (kind,),
        )
    oldest = oldest_time(connection)
    for shelf in shelves(connection):
        if oldest is None or shelf.newest < oldest:
            # A Python without full-text search cannot drop it; one that has it will, with the next items that go.
            with suppress(sqlite3.OperationalError):
                connection.execute(f"DROP TABLE {shelf.name}")
                connection.execute("DELETE FROM _shelves WHERE number = ?", (shelf.number,))


def oldest_time(connection: sqlite3.Connection) -> str | None:
    """Return the time of the oldest item there is."""
    times = " UNION ALL ".join(f"SELECT min(timestamp) AS oldest FROM {table}" for table in TABLES)  # noqa: S608
    (oldest,) = connection.execute(f"SELECT min(oldest) FROM ({times})").fetchone()  # noqa: S608
    return None if oldest is None else str(oldest)
