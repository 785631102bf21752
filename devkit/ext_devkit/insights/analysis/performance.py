"""How long requests or dependencies take: by operation, over time, as a histogram, and the slowest of them.

Durations are milliseconds. Counts are of what the items stand for (`itemCount`: a sampled item is one of several), and
percentiles are weighted by it, as Application Insights' own do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.percentiles import SHARES, percentiles, rank, weighted
from ext_devkit.insights.analysis.window import Steps
from ext_devkit.insights.store.reader import decode

if TYPE_CHECKING:
    import sqlite3

    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

KINDS = ("requests", "dependencies")
MOST_OPERATIONS = 500
BUCKETS = 40


class Calls:
    """The requests or the dependencies that a question is about, as a condition in SQL."""

    def __init__(self, kind: str, window: Window, role: str | None = None, name: str | None = None) -> None:
        if kind not in KINDS:
            raise DevkitError(f"'kind' is '{kind[:40]}'. Expected: {' or '.join(KINDS)}.")
        self.kind = kind
        sql, self.values = window.where()
        parts = [sql]
        for column, value in (("cloud_RoleName", role), ("name", name)):
            if value is not None:
                parts.append(f"{column} = ?")
                self.values.append(value)
        self.where = " AND ".join(parts)


def performance(
    reader: Reader, window: Window, *, kind: str = "requests", role: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """Return `operations` (the `MOST_OPERATIONS` with most time in all), `overall`, and `series` in steps.

    Raises DevkitError for another kind.
    """
    calls = Calls(kind, window, role, name)
    steps = Steps.of(reader, window, [kind])
    with reader.snapshot() as connection:
        operations = _operations(connection, calls)
        series, overall = _series(connection, Calls(kind, type(window)(), role, name), window, steps)
    return {"operations": operations, "overall": overall, "series": series, "step_s": steps.seconds}


def slowest(
    reader: Reader,
    window: Window,
    *,
    kind: str = "requests",
    role: str | None = None,
    name: str | None = None,
    limit: int = 10,
) -> dict[str, Any]:
    """Return in `items` the calls that took longest."""
    calls = Calls(kind, window, role, name)
    rows = reader.query(
        f"SELECT * FROM {kind} WHERE itemId IN (SELECT itemId FROM {kind} WHERE {calls.where} "  # noqa: S608
        "ORDER BY duration DESC LIMIT ?) ORDER BY duration DESC, itemId",
        [*calls.values, limit],
    )
    return {"items": [decode(row) for row in rows]}


def histogram(
    reader: Reader, window: Window, *, kind: str = "requests", role: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """Return in `buckets` how many calls took how long; ten of them make a factor of ten."""
    calls = Calls(kind, window, role, name)
    edges = [0.0] + [round(10 ** (n / 10), 6) for n in range(-10, 71)]
    cases = " ".join(f"WHEN duration < {edge} THEN {n}" for n, edge in enumerate(edges[1:]))
    rows = reader.query(
        f"SELECT CASE {cases} ELSE {len(edges) - 1} END AS bucket, sum(itemCount) AS count "  # noqa: S608
        f"FROM {kind} WHERE {calls.where} GROUP BY bucket",
        calls.values,
    )
    counts = {row["bucket"]: row["count"] for row in rows}
    if not counts:
        return {"buckets": []}
    longest = slowest(reader, window, kind=kind, role=role, name=name, limit=1)["items"][0]["duration"]
    edges.append(max(edges[-1], longest))
    return {
        "buckets": [
            {"from": edges[n], "to": edges[n + 1], "count": counts.get(n, 0)}
            for n in range(min(counts), max(counts) + 1)
        ]
    }


def _operations(connection: sqlite3.Connection, calls: Calls) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT name, count(*), sum(itemCount), sum(CASE success WHEN 0 THEN itemCount ELSE 0 END) AS failed, "  # noqa: S608
        "sum(duration * itemCount) AS spent, max(duration) "
        f"FROM {calls.kind} WHERE {calls.where} GROUP BY name ORDER BY spent DESC LIMIT ?",
        (*calls.values, MOST_OPERATIONS),
    ).fetchall()
    found = []
    for name, stored, count, failed, spent, longest in rows:
        where = f"{calls.where} AND name IS ?"
        values = [*calls.values, name]
        one = {"name": name or "", "count": count, "failed": failed, "mean": spent / count}
        shares = (
            _ranked(connection, calls.kind, where, values, stored)
            if stored == count
            else weighted(_pairs(connection, calls.kind, where, values))
        )
        found.append(one | shares | {"max": longest, "sum": spent})
    return found


def _ranked(connection: sqlite3.Connection, kind: str, where: str, values: list[str], count: int) -> dict[str, float]:
    """Return percentiles of durations that an index has in their order, from the nearer end."""
    found = {}
    for share_name, share in SHARES.items():
        place = rank(share, count)
        order, offset = ("ASC", place) if place < count / 2 else ("DESC", count - 1 - place)
        found[share_name] = connection.execute(
            f"SELECT duration FROM {kind} WHERE {where} ORDER BY duration {order} LIMIT 1 OFFSET ?",  # noqa: S608
            (*values, offset),
        ).fetchone()[0]
    return found


def _pairs(connection: sqlite3.Connection, kind: str, where: str, values: list[str]) -> list[tuple[float, int]]:
    return connection.execute(
        f"SELECT duration, itemCount FROM {kind} WHERE {where} ORDER BY duration",  # noqa: S608
        values,
    ).fetchall()


def _series(
    connection: sqlite3.Connection, calls: Calls, window: Window, steps: Steps
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    series = []
    everything: list[tuple[float, int]] = []
    failures, plain = 0, True
    for begin, end in steps:
        since = max(begin, window.since or begin)
        until = min(end, window.until or end)
        rows = connection.execute(
            f"SELECT duration, itemCount, success FROM {calls.kind} "  # noqa: S608
            f"WHERE timestamp >= ? AND timestamp < ? AND {calls.where}",
            (since, until, *calls.values),
        ).fetchall()
        failed = sum(row[1] for row in rows if not row[2])
        count = sum(row[1] for row in rows)
        plain = plain and count == len(rows)
        pairs = sorted([row[:2] for row in rows])
        shares = _shares(pairs, plain=count == len(rows))
        shown = {"p50": shares.get("p50"), "p95": shares.get("p95")}
        series.append({"t": begin, "count": count, "failed": failed} | shown)
        everything += pairs
        failures += failed
    if not everything:
        return series, None
    everything.sort()
    count = sum(pair[1] for pair in everything)
    spent = sum(pair[0] * pair[1] for pair in everything)
    overall = {"count": count, "failed": failures, "mean": spent / count}
    return series, overall | _shares(everything, plain=plain) | {"max": everything[-1][0], "sum": spent}


def _shares(pairs: list[tuple[float, int]], *, plain: bool) -> dict[str, float]:
    if not pairs:
        return {}
    return percentiles([pair[0] for pair in pairs]) if plain else weighted(pairs)
