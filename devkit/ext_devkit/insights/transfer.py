"""Items as lines of JSON: written out of a file, and read into one.

A line is an item as the API shows it (`itemType` and the columns that are not empty), or an envelope as SDKs send it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.window import Window
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.moment import AnyTime
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.store.reader import decode
from ext_devkit.insights.store.schema import COLUMNS, JSON_COLUMNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ext_devkit.insights.store.reader import Reader

TABLE_OF = {"dependency" if table == "dependencies" else table.removesuffix("s"): table for table in TABLES}
"""Table of each `itemType`."""

THE_FILES_OWN = frozenset({"itemId", "itemType"})
NUMBERS = frozenset({"duration", "value", "valueSum", "valueMin", "valueMax", "valueStdDev"})
WHOLE_NUMBERS = frozenset({"itemCount", "severityLevel", "valueCount"})
LARGEST = 2**63 - 1
TOGETHER = 1000


def count(reader: Reader, tables: Sequence[str], window: Window) -> int:
    """Return how many items there are."""
    where, values = window.where()
    return sum(
        int(reader.query(f"SELECT count(*) AS n FROM {table} WHERE {where}", values)[0]["n"])  # noqa: S608
        for table in tables
    )


def lines(reader: Reader, tables: Sequence[str], window: Window) -> Iterator[str]:
    """Go through the items as lines, a table after the other, each in the order in which they were stored."""
    where, values = window.where()
    with reader.snapshot() as connection:
        for table in tables:
            cursor = connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY itemId", values)  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in cursor:
                item = decode(dict(zip(names, row, strict=True)))
                del item["itemId"]
                yield json.dumps({name: value for name, value in item.items() if value not in (None, {})})


def read_line(line: str | bytes) -> tuple[str, list[Any]]:
    """Return the table and the row of a line; raise RejectedError with the reason."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise RejectedError("It is not JSON.") from None
    if not isinstance(found, dict):
        raise RejectedError("It is not a JSON object.")
    if "data" in found and "itemType" not in found:
        return read_item(found, AnyTime())
    return _read_item(found)


def _read_item(item: dict[str, Any]) -> tuple[str, list[Any]]:
    kind = item.get("itemType")
    table = TABLE_OF.get(kind) if isinstance(kind, str) else None
    if table is None:
        raise RejectedError(f"'itemType' is {_short(kind)}. Expected one of {', '.join(TABLE_OF)}.")
    columns = COLUMNS[table]
    for name in item:
        if name not in columns and name not in THE_FILES_OWN:
            raise RejectedError(f"The table {table} has no column {_short(name)}.")
    if "timestamp" not in item:
        raise RejectedError("'timestamp' is missing.")
    return table, [_value(name, item.get(name)) for name in columns]


def _value(name: str, value: Any) -> Any:  # noqa: PLR0911
    """Return what is stored in a column."""
    if name == "timestamp":
        return _time(value)
    if name in JSON_COLUMNS:
        return _json(name, value)
    if value is None:
        return {"itemCount": 1}.get(name)
    if name == "success":
        return int(_of(name, value, "true or false", isinstance(value, bool)))
    if name in WHOLE_NUMBERS:
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
        return _of(name, value, "a whole number", whole)
    if name in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(_of(name, value, "a number", number))
    # JSON can name half characters, which SQLite does not take.
    return _of(name, value, "text", isinstance(value, str)).encode(errors="replace").decode()


def _time(value: Any) -> str:
    try:
        return Window.parse(from_=_of("timestamp", value, "text", isinstance(value, str))).since or ""
    except Exception as error:
        raise RejectedError(f"'timestamp' is {_short(value)}. Expected a time as in 2026-01-02T03:04:05Z.") from error


def _json(name: str, value: Any) -> str | None:
    if name == "details":
        return json.dumps(_of(name, value if value is not None else [], "an array", isinstance(value or [], list)))
    if value is None:
        return None
    return json.dumps(_of(name, value, "an object", isinstance(value, dict)))


def _of(name: str, value: Any, expected: str, right: bool) -> Any:
    if not right:
        raise RejectedError(f"'{name}' is {_short(value)}. Expected {expected}.")
    return value


def _short(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004


def batches(rows: Iterable[tuple[str, list[Any]]]) -> Iterator[dict[str, list[list[Any]]]]:
    """Put rows together as the store takes them."""
    batch: dict[str, list[list[Any]]] = {}
    size = 0
    for table, row in rows:
        batch.setdefault(table, []).append(row)
        size += 1
        if size == TOGETHER:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch
