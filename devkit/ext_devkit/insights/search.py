"""The question "which items have these words, and are like this?": newest first, page by page.

Items come in the order (time, table, number), latest first, and a cursor is the place of the last one in it: pages
follow each other without gaps and doubles whatever is stored, indexed or deleted between them.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.matching import Asked
from ext_devkit.insights.store import indexing, words
from ext_devkit.insights.store.reader import decode
from ext_devkit.insights.store.schema import COLUMNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ext_devkit.insights.store.indexing import Shelf
    from ext_devkit.insights.store.reader import Reader, Row

    Place = tuple[str, int, int]

SEVERITIES = range(5)
END = "\U0010ffff"
"""After every time."""

_CURSOR = re.compile(r"(\d{4}-[\d:.T-]{10,22}Z)~([0-7])~(\d{1,18})", re.ASCII)


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
        self._check()
        before = _place(cursor)
        with reader.snapshot() as connection:
            found = sorted(_Look(connection, self, before, limit + 1).places(), reverse=True)
            rows = _rows(connection, found[:limit])
        more = len(found) > limit
        return {"items": rows, "next": "~".join(map(str, found[limit - 1])) if more else None}

    def _check(self) -> None:
        for table in self.tables:
            if table not in TABLES:
                raise DevkitError(f"There is no table '{table}'. Known: {', '.join(TABLES)}.")
        if self.severity is not None and self.severity not in SEVERITIES:
            raise DevkitError(f"There is no severity {self.severity}. Use 0 (verbose) to 4 (critical).")
        for column in self.having:
            if column not in words.FACTS:
                raise DevkitError(f"Items cannot be filtered by '{column}'. Known: {', '.join(words.FACTS)}.")

    def facts(self) -> list[str]:
        """Return the tokens that an item has to have besides one of a table's."""
        found = [] if self.success is None else [words.success(self.success)]
        found += [] if self.severity is None else [words.severity(self.severity)]
        return found + [words.fact(column, value) for column, value in self.having.items()]

    def where(self, table: str) -> tuple[list[str], list[Any]] | None:
        """Return the same as conditions and their values, None if no row of this table can be like that."""
        asked: list[tuple[str, str, Any]] = [(column, "=", value) for column, value in self.having.items()]
        asked += [] if self.success is None else [("success", "=", int(self.success))]
        asked += [] if self.severity is None else [("severityLevel", ">=", self.severity)]
        if not {column for column, _, _ in asked} <= set(COLUMNS[table]):
            return None
        if self.since is not None:
            asked.append(("timestamp", ">=", self.since))
        if self.until is not None:
            asked.append(("timestamp", "<", self.until))
        values = [value.encode(errors="replace").decode() if isinstance(value, str) else value for *_, value in asked]
        return [f"{column} {sign} ?" for column, sign, _ in asked], values


class _Look:
    """One look for the places of up to `limit` items that come after a place, in one snapshot of the file."""

    def __init__(self, connection: sqlite3.Connection, search: Search, before: Place, limit: int) -> None:
        self._connection = connection
        self._search = search
        self._before = before
        self._limit = limit
        self._asked = Asked.parse(search.q)
        self._kinds = [kind for kind, table in enumerate(TABLES) if not search.tables or table in search.tables]

    def places(self) -> list[Place]:
        """Return at least the first `limit` places, in any order."""
        facts, text = self._search.facts(), self._asked.match()
        if facts or text:
            try:
                return self._indexed(facts, text)
            except sqlite3.OperationalError as error:
                if "no such module" not in str(error):
                    raise  # but a Python without full-text search looks at each item
        return [place for kind in self._kinds for place in self._scan(kind, 0)]

    def _indexed(self, facts: list[str], text: str) -> list[Place]:
        """Return what the index finds, and what is found among those that are not indexed yet."""
        if len(self._kinds) < len(TABLES):
            facts = [*facts, f"({' OR '.join(words.kind(TABLES[kind]) for kind in self._kinds)})"]
        match = " AND ".join([f"words : ({text})"] * bool(text) + [f"facts : ({' AND '.join(facts)})"] * bool(facts))
        done = indexing.indexed(self._connection)
        found = [place for kind in self._kinds for place in self._scan(kind, done[kind])]
        for shelf in indexing.shelves(self._connection):
            found = sorted(found, reverse=True)[: self._limit]
            if len(found) == self._limit and shelf.newest < found[-1][0]:
                break
            found += self._on(shelf, match)
        return found

    def _scan(self, kind: int, done: int) -> list[Place]:
        """Return the first places of a table's items with numbers above `done`, by a look at each of them."""
        table = TABLES[kind]
        where = self._search.where(table)
        if where is None:
            return []
        conditions, values = where
        time, before, number = self._before
        if kind == before:
            conditions, values = [*conditions, "(timestamp, itemId) < (?, ?)"], [*values, time, number]
        else:
            conditions, values = [*conditions, f"timestamp {'<=' if kind < before else '<'} ?"], [*values, time]
        if done:
            conditions, values = [*conditions, "itemId > ?"], [*values, done]
        if self._asked:
            self._connection.create_function("_found", 1, self._asked.found, deterministic=True)
            conditions = [*conditions, f"_found({words.WORDS[table]})"]
        # The few new items are taken by their numbers, whatever the planner thinks of the other indexes.
        source = f"{table} NOT INDEXED" if done else table
        sql = (
            f"SELECT timestamp, {kind}, itemId FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608
            "ORDER BY timestamp DESC, itemId DESC LIMIT ?"
        )
        return self._connection.execute(sql, [*values, self._limit]).fetchall()

    def _on(self, shelf: Shelf, match: str) -> list[Place]:
        """Return at least the first places of a shelf."""
        first = indexing.key_of(self._connection, self._search.since) if self._search.since else 0
        ends = [time for time in (self._before[0], self._search.until) if time not in (None, END)]
        last = indexing.key_of(self._connection, min(ends)) + indexing.MOMENT - 1 if ends else indexing.LAST_KEY
        sql = (
            f"SELECT rowid FROM {shelf.name} WHERE {shelf.name} MATCH ? AND rowid >= ? AND rowid <= ? "  # noqa: S608
            "ORDER BY rowid DESC LIMIT ?"
        )
        found: list[tuple[int, Place]] = []
        many = self._limit
        while True:
            keys = [key for (key,) in self._connection.execute(sql, (match, first, last, many))]
            found += self._stored(shelf, keys)
            found.sort(reverse=True)
            # Items of one millisecond are on the shelf in no order: all of them have to be seen.
            known = len(found) >= self._limit and found[self._limit - 1][0] > keys[-1] >> indexing.TIME_BITS
            if len(keys) < many or known:
                return [place for _, place in found[: self._limit]]
            last, many = keys[-1] - 1, min(many * 2, 10_000)

    def _stored(self, shelf: Shelf, keys: Sequence[int]) -> Iterator[tuple[int, Place]]:
        """Return millisecond and place of those that are still stored, and in the time that is asked for."""
        times: dict[int, dict[int, int]] = {}
        for key in keys:
            kind, offset = key >> indexing.PLACE_BITS & 7, key & indexing.PLACES - 1
            times.setdefault(kind, {})[shelf.first[kind] + offset] = key >> indexing.TIME_BITS
        since, until = self._search.since or "", self._search.until or END
        for kind, numbers in times.items():
            marks = ", ".join("?" * len(numbers))
            sql = f"SELECT timestamp, itemId, {words.MILLISECONDS} FROM {TABLES[kind]} WHERE itemId IN ({marks})"  # noqa: S608
            for time, number, moment in self._connection.execute(sql, list(numbers)):
                place = (time, kind, number)
                # A number may have been given to another item since the first one was deleted.
                if moment == numbers[number] and since <= time < until and place < self._before:
                    yield moment, place


def _place(cursor: str | None) -> Place:
    if cursor is None:
        return END, 0, 0
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise DevkitError(f"'{cursor[:40]}' is no cursor. Take the one that 'next' of a page has.")
    return match[1], int(match[2]), int(match[3])


def _rows(connection: sqlite3.Connection, places: Sequence[Place]) -> list[Row]:
    found: dict[tuple[int, int], Row] = {}
    for kind in {kind for _, kind, _ in places}:
        numbers = [number for _, one, number in places if one == kind]
        marks = ", ".join("?" * len(numbers))
        cursor = connection.execute(f"SELECT * FROM {TABLES[kind]} WHERE itemId IN ({marks})", numbers)  # noqa: S608
        names = [column[0] for column in cursor.description]
        for values in cursor:
            row = dict(zip(names, values, strict=True))
            found[kind, row["itemId"]] = decode(row)
    return [found[kind, number] for _, kind, number in places]
