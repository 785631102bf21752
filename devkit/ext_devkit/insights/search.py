"""The question "which items have these words, and are like this?": newest first, page by page."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.store import indexing, words
from ext_devkit.insights.store.reader import decode
from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ext_devkit.insights.store.reader import Reader, Row

MOST_UNINDEXED = 20_000
"""Items that are not in the index yet and are looked at all the same, the newest of each table."""

SEVERITIES = range(5)

_PART = re.compile(r'"([^"]*)"?|(\S+)')
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Search:
    """What is asked for: all of it has to hold.

    `q` has words, `"a phrase"` and `begin*`; case, accents and punctuation do not count. `tables` are some of the
    eight, none means all. `severity` is the least one, 0 to 4. `having` names values of the columns in `words.FACTS`.
    `since` and `until` are times as they are stored, the second is left out itself.
    """

    q: str = ""
    tables: Sequence[str] = ()
    success: bool | None = None
    severity: int | None = None
    having: dict[str, str] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None

    def page(self, reader: Reader, limit: int = 50, cursor: str | None = None) -> dict[str, Any]:
        """Return `items`, and in `next` the cursor of the page behind them, None at the end.

        Raises DevkitError for a table, severity or column that does not exist, and for a cursor that is not one.
        """
        match = self._match()
        first, last = self._keys(cursor)
        with reader.snapshot() as connection:
            found = _find(connection, match, first, last, limit + 1)
            found += _find_unindexed(connection, match, first, last, limit + 1)
            found.sort(reverse=True)
            rows = list(_rows(connection, found[:limit]))
        more = len(found) > limit
        return {"items": rows, "next": str(found[limit - 1][0]) if more else None}

    def _match(self) -> str:
        """Return the question in the index's own language; empty if everything is asked for."""
        asked = list(_quoted(self.q))
        tokens = [fact for fact in self._facts() if fact]
        parts = [f"words : ({' AND '.join(asked)})"] if asked else []
        parts += [f"facts : ({' AND '.join(tokens)})"] if tokens else []
        return " AND ".join(parts)

    def _facts(self) -> Iterator[str]:
        for table in self.tables:
            if table not in TABLES:
                raise DevkitError(f"There is no table '{table}'. Known: {', '.join(TABLES)}.")
        if self.tables and set(self.tables) != set(TABLES):
            yield f"({' OR '.join(words.kind(table) for table in self.tables)})"
        if self.success is not None:
            yield words.success(self.success)
        if self.severity is not None:
            if self.severity not in SEVERITIES:
                raise DevkitError(f"There is no severity {self.severity}. Use 0 (verbose) to 4 (critical).")
            yield words.severity(self.severity)
        for column, value in self.having.items():
            if column not in words.FACTS:
                raise DevkitError(f"Items cannot be filtered by '{column}'. Known: {', '.join(words.FACTS)}.")
            yield words.fact(column, value)

    def _keys(self, cursor: str | None) -> tuple[int, int]:
        """Return the first and the last key that can be on the page."""
        first = words.key(self.since, TABLES[0], 0) if self.since else 0
        last = words.key(self.until, TABLES[0], 0) - 1 if self.until else (1 << 63) - 1
        if cursor is None:
            return first, last
        if not re.fullmatch(r"\d{1,19}", cursor, re.ASCII):
            raise DevkitError(f"'{cursor[:40]}' is no cursor. Take the one that 'next' of a page has.")
        return first, min(last, int(cursor) - 1)


def _quoted(q: str) -> Iterator[str]:
    """Return each word or phrase as the index takes it; signs alone ask for nothing."""
    for phrase, word in _PART.findall(q.encode(errors="replace").decode().replace("\0", " ")):
        text = phrase or word
        if _WORD.search(text):
            yield '"' + text.replace('"', " ") + ('" *' if word.endswith("*") else '"')


def _find(connection: sqlite3.Connection, match: str, first: int, last: int, limit: int) -> list[tuple[int, int, int]]:
    """Return key, number of the table and of the item, newest first."""
    if match:
        sql = (
            "SELECT key, kind, itemId FROM (SELECT rowid AS found FROM _search WHERE _search MATCH ?4 "
            "AND rowid >= ?1 AND rowid <= ?2 ORDER BY rowid DESC LIMIT ?3) JOIN _items ON key = found ORDER BY key DESC"
        )
        return connection.execute(sql, (first, last, limit, match)).fetchall()
    sql = "SELECT key, kind, itemId FROM _items WHERE key >= ?1 AND key <= ?2 ORDER BY key DESC LIMIT ?3"
    return connection.execute(sql, (first, last, limit)).fetchall()


def _find_unindexed(
    connection: sqlite3.Connection, match: str, first: int, last: int, limit: int
) -> list[tuple[int, int, int]]:
    """Return the same of what is not indexed yet, from an index of its own."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as own:
        indexing.create(own)
        for kind, table in enumerate(TABLES):
            for row in indexing.waiting(connection, table, MOST_UNINDEXED, "DESC"):
                indexing.insert(own, kind, row)
        return _find(own, match, first, last, limit)


def _rows(connection: sqlite3.Connection, found: Iterable[tuple[int, int, int]]) -> Iterator[Row]:
    for _key, kind, item in found:
        cursor = connection.execute(f"SELECT * FROM {TABLES[kind]} WHERE itemId = ?", (item,))  # noqa: S608
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
        if row is not None:
            yield decode(dict(zip(names, row, strict=True)))
