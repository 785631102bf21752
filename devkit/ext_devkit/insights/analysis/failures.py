"""What went wrong: how often, in which operations, with which results, exceptions and dependencies.

Counts are of what the items stand for (`itemCount`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.window import Steps

if TYPE_CHECKING:
    import sqlite3

    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

MOST_GROUPS = 100
TABLES = ("requests", "dependencies", "exceptions")


def failures(reader: Reader, window: Window, *, role: str | None = None) -> dict[str, Any]:
    """Return how many calls failed and exceptions there were; each list has its largest `MOST_GROUPS`."""
    where, values = window.where()
    if role is not None:
        where, values = f"{where} AND cloud_RoleName = ?", [*values, role]
    steps = Steps.of(reader, window, TABLES)
    with reader.snapshot() as connection:
        ask = _Asker(connection, where, values)
        return {
            "requests": ask.totals("requests"),
            "dependencies": ask.totals("dependencies"),
            "exceptions": {
                "count": ask.one("SELECT coalesce(sum(itemCount), 0) AS n FROM exceptions WHERE {where}")["n"]
            },
            "by_operation": ask.all(
                "SELECT coalesce(name, '') AS name, sum(itemCount) AS count, "
                "sum(CASE success WHEN 0 THEN itemCount ELSE 0 END) AS failed FROM requests WHERE {where} "
                "GROUP BY requests.name HAVING failed > 0 ORDER BY failed DESC, name LIMIT {most}"
            ),
            "by_result_code": ask.all(
                "SELECT resultCode, sum(itemCount) AS count FROM requests WHERE success = 0 AND {where} "
                "GROUP BY resultCode ORDER BY count DESC, resultCode LIMIT {most}"
            ),
            "by_exception": ask.all(
                # SQLite takes the other columns from the row that has the latest time.
                "SELECT problemId, type, message, sum(itemCount) AS count, max(timestamp) AS last, "
                "count(DISTINCT operation_Id) AS operations FROM exceptions WHERE {where} "
                "GROUP BY problemId, type ORDER BY count DESC, problemId LIMIT {most}"
            ),
            "by_dependency": ask.all(
                "SELECT type, target, name, sum(itemCount) AS failed FROM dependencies WHERE success = 0 AND {where} "
                "GROUP BY type, target, name ORDER BY failed DESC, name LIMIT {most}",
                counted=True,
            ),
            "series": [ask.step(begin, end) for begin, end in steps],
            "step_s": steps.seconds,
        }


class _Asker:
    def __init__(self, connection: sqlite3.Connection, where: str, values: list[str]) -> None:
        self._connection = connection
        self._where = where
        self._values = values

    def all(self, sql: str, *, counted: bool = False) -> list[dict[str, Any]]:
        """Return the rows of a statement that may have `{where}` and `{most}`."""
        cursor = self._connection.execute(sql.format(where=self._where, most=MOST_GROUPS), self._values)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return [row | {"count": self._calls(row)} for row in rows] if counted else rows

    def one(self, sql: str) -> dict[str, Any]:
        """Return the only row."""
        (row,) = self.all(sql)
        return row

    def totals(self, table: str) -> dict[str, int]:
        """Return how many calls there were, and how many failed."""
        return self.one(
            "SELECT coalesce(sum(itemCount), 0) AS count, "  # noqa: S608
            f"coalesce(sum(CASE success WHEN 0 THEN itemCount ELSE 0 END), 0) AS failed FROM {table} WHERE {{where}}"
        )

    def step(self, begin: str, end: str) -> dict[str, Any]:
        """Return what one step had."""
        counted = {
            "failed_requests": "requests WHERE success = 0",
            "failed_dependencies": "dependencies WHERE success = 0",
            "exceptions": "exceptions WHERE 1",
        }
        found: dict[str, Any] = {"t": begin}
        for name, source in counted.items():
            (found[name],) = self._connection.execute(
                f"SELECT coalesce(sum(itemCount), 0) FROM {source} "  # noqa: S608
                f"AND timestamp >= ? AND timestamp < ? AND {self._where}",
                (begin, end, *self._values),
            ).fetchone()
        return found

    def _calls(self, row: dict[str, Any]) -> int:
        """Return how often a dependency was called."""
        (count,) = self._connection.execute(
            f"SELECT sum(itemCount) FROM dependencies WHERE {self._where} AND type IS ? AND target IS ? AND name = ?",  # noqa: S608
            (*self._values, row["type"], row["target"], row["name"]),
        ).fetchone()
        return int(count)
