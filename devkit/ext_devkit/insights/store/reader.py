"""The questions that views and tests ask."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store.database import unusable
from ext_devkit.insights.store.pool import Pool
from ext_devkit.insights.store.schema import JSON_COLUMNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

Row = dict[str, Any]
"""Column -> value, with JSON columns decoded (an empty one is {}) and `success` as bool."""

NO_OPERATION = "0" * 32
"""The invalid trace id (W3C Trace Context, 3.2.2.3), which OpenCensus puts on logs outside of any trace."""

LAST_CHARACTER = "\U0010ffff"


class Reader:
    """Reads the file through read-only connections; usable from many threads, beside a writer in any process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pool = Pool(path)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close the connections."""
        self.close()

    def rows(self, table: str, *, operation_id: str | None = None, limit: int = -1) -> list[Row]:
        """Return a table's rows, of one operation or of all, oldest first; `limit` < 0 means all of them."""
        if table not in TABLES:
            raise ValueError(f"There is no table {table!r}. Known: {', '.join(TABLES)}.")
        where = "" if operation_id is None else "WHERE operation_Id = ?"
        values = () if operation_id is None else (operation_id,)
        rows = self.query(
            f"SELECT * FROM {table} {where} ORDER BY timestamp, itemId LIMIT ?",  # noqa: S608
            (*values, limit),
        )
        return [decode(row) for row in rows]

    def count(self, table: str, *, operation_id: str | None = None) -> int:
        """Return how many rows a table has, of one operation or in all."""
        where = "" if operation_id is None else "WHERE operation_Id = ?"
        values = () if operation_id is None else (operation_id,)
        return int(self.query(f"SELECT count(*) AS n FROM {table} {where}", values)[0]["n"])  # noqa: S608

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        return {table: self.count(table) for table in TABLES}

    def recent_operations(
        self, limit: int, since: str | None = None, until: str | None = None, role: str | None = None
    ) -> list[str]:
        """Return the ids of the operations that started last, latest first.

        `since` and `until` are times as they are stored; an operation is among them if it has an item in between, of
        the role that is named.
        """
        starts = " UNION ALL ".join(
            f"SELECT operation_Id, min(timestamp) AS start FROM {table} "  # noqa: S608
            "WHERE operation_Id IS NOT NULL AND operation_Id <> ?1 "
            "AND (?3 IS NULL OR timestamp >= ?3) AND (?4 IS NULL OR timestamp < ?4) "
            "AND (?5 IS NULL OR cloud_RoleName = ?5) GROUP BY operation_Id"
            for table in TABLES
        )
        rows = self.query(
            f"SELECT operation_Id FROM ({starts}) GROUP BY operation_Id ORDER BY min(start) DESC LIMIT ?2",  # noqa: S608
            (NO_OPERATION, limit, since, until, role),
        )
        return [row["operation_Id"] for row in rows]

    def operations_like(self, prefix: str, limit: int) -> list[str]:
        """Return ids of operations that start with a prefix; only the id itself if there is one that equals it."""
        ids = " UNION ".join(
            f"SELECT operation_Id FROM {table} WHERE operation_Id >= ?1 AND operation_Id < ?2"  # noqa: S608
            for table in TABLES
        )
        rows = self.query(f"{ids} ORDER BY 1 LIMIT ?3", (prefix, prefix + LAST_CHARACTER, limit))
        found = [row["operation_Id"] for row in rows]
        return [prefix] if prefix in found else found

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees the file as it is now until the end of the block, whatever is stored meanwhile.

        Raises DevkitError if the file cannot be read.
        """
        try:
            with self._pool.connection() as connection:
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from error

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Return what a statement selects, a dict for each row; JSON columns are text (see `decode`).

        Raises DevkitError if the file cannot be read.
        """
        try:
            with self._pool.connection() as connection:
                cursor = connection.execute(sql, values)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from error


def decode(row: Row) -> Row:
    """Return the row itself, with its JSON columns and `success` as what they stand for."""
    for column in JSON_COLUMNS & row.keys():
        row[column] = {} if row[column] is None else json.loads(row[column])
    if "success" in row:
        row["success"] = bool(row["success"])
    return row
