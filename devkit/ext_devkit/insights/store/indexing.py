"""Makes stored items ready to be searched, after they were acknowledged: it takes longer than to store them.

One full-text table has the items of all tables. Its row number is the item's time (`words.key`), so that what is found
comes in the order of time without being sorted, and what a search filters by is a token beside the words.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store import words
from ext_devkit.insights.store.schema import COLUMNS, TABLES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

TOKENIZE = "unicode61 remove_diacritics 2"
"""Letters and digits of any script make a word; case and accents do not count."""

TOGETHER = 1000
"""Items that one step takes: those who store wait for it, some 20 ms at most."""

COUNTED = {"cloud_RoleName": (), "name": ("requests", "dependencies", "customEvents"), "resultCode": ("requests",)}
"""Columns whose values are counted, and the tables in which they are; none means all."""

NUMBERS = 1 << words.KIND_BITS

SELECTED = {
    table: ", ".join(column for column in words.COLUMNS if column == "itemId" or column in COLUMNS[table])
    for table in TABLES
}
"""Columns of each table that the index is made of."""


def create(connection: sqlite3.Connection) -> None:
    """Create the index's own tables."""
    connection.execute(f"CREATE VIRTUAL TABLE _search USING fts5 (words, facts, content = '', tokenize = '{TOKENIZE}')")
    connection.execute("CREATE TABLE _items (key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, itemId INTEGER NOT NULL)")
    connection.execute("CREATE TABLE _indexed (kind INTEGER PRIMARY KEY, itemId INTEGER NOT NULL)")
    connection.execute(
        "CREATE TABLE _values (field TEXT NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, "
        "PRIMARY KEY (field, value)) WITHOUT ROWID"
    )
    connection.executemany("INSERT INTO _indexed VALUES (?, 0)", [(kind,) for kind in range(len(TABLES))])


def step(connection: sqlite3.Connection) -> bool:
    """Index the next items, a table's oldest first; return whether there may be more of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _index(connection, TOGETHER)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found == TOGETHER


def _index(connection: sqlite3.Connection, most: int) -> int:
    left = most
    for kind, table in enumerate(TABLES):
        if left == 0:
            break
        rows = list(waiting(connection, table, left))
        if rows:
            for row in rows:
                insert(connection, kind, row)
            _count(connection, (value for row in rows for value in _counted(table, row)), 1)
            connection.execute("UPDATE _indexed SET itemId = ? WHERE kind = ?", (rows[-1]["itemId"], kind))
            left -= len(rows)
    return most - left


def waiting(connection: sqlite3.Connection, table: str, limit: int, order: str = "ASC") -> Iterator[dict[str, Any]]:
    """Return what of a table is not indexed yet."""
    cursor = connection.execute(
        f"SELECT {SELECTED[table]} FROM {table} WHERE itemId > "  # noqa: S608
        f"(SELECT itemId FROM _indexed WHERE kind = ?) ORDER BY itemId {order} LIMIT ?",
        (TABLES.index(table), limit),
    )
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def insert(connection: sqlite3.Connection, kind: int, row: Mapping[str, Any]) -> None:
    """Put an item into the index: the number of its table, and what is selected of its row."""
    table, item = TABLES[kind], row["itemId"]
    key = words.key(row["timestamp"], table, item % NUMBERS)
    while connection.execute("INSERT OR IGNORE INTO _items VALUES (?, ?, ?)", (key, kind, item)).rowcount == 0:
        key += 1
    connection.execute(
        "INSERT INTO _search (rowid, words, facts) VALUES (?, ?, ?)", (key, words.words(row), words.facts(table, row))
    )


def _counted(table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the values of an item that are counted, so that a search can offer them."""
    for field, tables in COUNTED.items():
        if (not tables or table in tables) and row.get(field):
            yield field, row[field]


def _count(connection: sqlite3.Connection, values: Iterable[tuple[str, str]], sign: int) -> None:
    connection.executemany(
        "INSERT INTO _values VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(field, value, sign * count) for (field, value), count in Counter(values).items()],
    )
    if sign < 0:
        connection.execute("DELETE FROM _values WHERE count <= 0")


def remove(connection: sqlite3.Connection, keys: list[int]) -> None:
    """Delete items with these keys from the index, from which nothing goes by itself, and from their tables."""
    gone: list[tuple[str, str]] = []
    for key in keys:
        found = connection.execute("SELECT kind, itemId FROM _items WHERE key = ?", (key,)).fetchone()
        table = TABLES[found[0]]
        cursor = connection.execute(f"SELECT {SELECTED[table]} FROM {table} WHERE itemId = ?", (found[1],))  # noqa: S608
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        connection.execute(
            "INSERT INTO _search (_search, rowid, words, facts) VALUES ('delete', ?, ?, ?)",
            (key, words.words(row), words.facts(table, row)),
        )
        connection.execute(f"DELETE FROM {table} WHERE itemId = ?", (found[1],))  # noqa: S608
        connection.execute("DELETE FROM _items WHERE key = ?", (key,))
        gone += _counted(table, row)
    _count(connection, gone, -1)
    # SQLite gives a number again if the largest one is deleted; who got it would count as indexed.
    for kind, table in enumerate(TABLES):
        connection.execute(
            f"UPDATE _indexed SET itemId = min(itemId, coalesce((SELECT max(itemId) FROM {table}), 0)) WHERE kind = ?",  # noqa: S608
            (kind,),
        )
