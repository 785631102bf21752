"""Which metrics there are, and how one of them went over time.

An item of a metric is a measurement or several that were put together before: `valueCount` of them with the sum
`valueSum`, the least `valueMin` and the largest `valueMax` (learn.microsoft.com, "Azure Monitor Logs reference",
AppMetrics).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.window import Steps

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

AGGREGATIONS = ("avg", "sum", "min", "max", "count")
MOST_METRICS = 1000
MOST_SERIES = 20
SAMPLED = 100
"""Latest items of a metric whose dimensions are listed."""

OTHERS = "(others)"
NONE = "(none)"

Point = tuple[float, int, "float | None", "float | None"]
"""Sum, count, least and largest of the measurements of one item."""


def metrics(reader: Reader, window: Window) -> dict[str, Any]:
    """Return in `metrics` each metric with how many items it has, the latest one's time, and its dimensions.

    `origin` is `application`, or what the SDK counts by itself: `standard`, `statistics`, `resource`.
    """
    where, values = window.where()
    with reader.snapshot() as connection:
        cursor = connection.execute(
            "SELECT name, namespace, origin, count(*), max(timestamp) FROM customMetrics "  # noqa: S608
            f"WHERE {where} GROUP BY name, namespace, origin ORDER BY name, namespace, origin LIMIT ?",
            (*values, MOST_METRICS),
        )
        names = ("name", "namespace", "origin", "count", "last")
        found = [dict(zip(names, row, strict=True)) for row in cursor]
        return {"metrics": [one | {"dimensions": _dimensions(connection, one, window)} for one in found]}


def series(
    reader: Reader,
    window: Window,
    *,
    name: str,
    namespace: str | None = None,
    aggregation: str = "avg",
    split: str | None = None,
    step_s: int | None = None,
) -> dict[str, Any]:
    """Return in `series` the values of a metric in steps, None where there was nothing.

    It is one line, or one for each value of the dimension `split`: the `MOST_SERIES` with most items, and the others
    together. Raises DevkitError for another aggregation, and for a step that is too short.
    """
    if aggregation not in AGGREGATIONS:
        raise DevkitError(f"'aggregation' is '{aggregation[:40]}'. Expected one of {', '.join(AGGREGATIONS)}.")
    where, values = window.where()
    where += " AND name = ?" + (" AND namespace = ?" if namespace is not None else "")
    values += [name] if namespace is None else [name, namespace]
    dimension = "customDimensions" if split is not None else "NULL"
    steps = Steps.of(reader, window, ["customMetrics"], step_s)
    points: dict[str, dict[int, list[Point]]] = defaultdict(lambda: defaultdict(list))
    items: Counter[str] = Counter()
    with reader.snapshot() as connection:
        for number, (begin, end) in enumerate(steps):
            rows = connection.execute(
                f"SELECT valueSum, valueCount, valueMin, valueMax, {dimension} FROM customMetrics "  # noqa: S608
                f"WHERE {where} AND timestamp >= ? AND timestamp < ?",
                (*values, begin, end),
            )
            for row in rows:
                label = name if split is None else _label(row[4], split)
                points[label][number].append(row[:4])
                items[label] += 1
    lines = _most(points, items)
    return {
        "name": name,
        "aggregation": aggregation,
        "step_s": steps.seconds,
        "series": [
            {
                "label": label,
                "points": [[begin, _aggregate(aggregation, line.get(n, ()))] for n, (begin, _) in enumerate(steps)],
            }
            for label, line in lines.items()
        ],
    }


def _dimensions(connection: sqlite3.Connection, metric: dict[str, Any], window: Window) -> list[str]:
    where, values = window.where()
    rows = connection.execute(
        "SELECT customDimensions FROM customMetrics WHERE customDimensions IS NOT NULL AND name = ? "  # noqa: S608
        f"AND namespace IS ? AND origin = ? AND {where} ORDER BY timestamp DESC LIMIT ?",
        (metric["name"], metric["namespace"], metric["origin"], *values, SAMPLED),
    )
    return sorted({key for (text,) in rows for key in json.loads(text)})


def _label(dimensions: str | None, split: str) -> str:
    value = json.loads(dimensions).get(split) if dimensions else None
    return NONE if value is None else str(value)


def _most(points: dict[str, dict[int, list[Point]]], items: Counter[str]) -> dict[str, dict[int, list[Point]]]:
    """Return the lines with most items first; what is too much as one more line."""
    order = sorted(items, key=lambda label: (-items[label], label))
    if len(order) <= MOST_SERIES + 1:
        return {label: points[label] for label in order}
    others: dict[int, list[Point]] = defaultdict(list)
    for label in order[MOST_SERIES:]:
        for number, some in points[label].items():
            others[number] += some
    return {label: points[label] for label in order[:MOST_SERIES]} | {OTHERS: others}


def _aggregate(aggregation: str, points: Iterable[Point]) -> float | None:
    points = list(points)
    count = sum(point[1] for point in points)
    if not points:
        return None
    if aggregation == "count":
        return count
    if aggregation == "sum":
        return sum(point[0] for point in points)
    if aggregation == "avg":
        return sum(point[0] for point in points) / count if count else None
    place, choose = (2, min) if aggregation == "min" else (3, max)
    # Who gives a sum of several without its least value tells nothing of it.
    known = [value for point in points if (value := point[place]) is not None]
    return choose(known) if known else None
