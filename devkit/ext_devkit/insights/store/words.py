"""What an item is found by: its words, its facts, and its place in time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEXTS = (
    "name", "message", "url", "data", "target", "type", "resultCode", "problemId", "outerType", "outerMessage",
    "innermostType", "innermostMessage", "method", "location", "operation_Name", "operation_Id", "id", "cloud_RoleName",
    "cloud_RoleInstance",
)  # fmt: skip
"""Columns whose words are found."""

MAPS = ("customDimensions", "customMeasurements")
"""Columns whose keys and values are found."""

FACTS = {
    "name": "n", "cloud_RoleName": "r", "resultCode": "c", "problemId": "p", "operation_Id": "o", "operation_Name": "m",
    "type": "y", "target": "g",
}  # fmt: skip
"""Columns that a search can name a value of, and the letter that the value's token begins with."""

COLUMNS = ("itemId", "timestamp", "success", "severityLevel", *dict.fromkeys((*TEXTS, *MAPS, *FACTS)))
"""What of a row is looked at, where its table has it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = (1 << 52) - 1
TIME_BITS, KIND_BITS = 11, 8
"""Where the time and the number of the table begin in a key."""


def words(row: Mapping[str, Any]) -> str:
    """Return all text of an item in which words are looked for."""
    found = [str(value) for column in TEXTS if (value := row.get(column))]
    for column in MAPS:
        if row.get(column):
            found += _texts(json.loads(row[column]))
    # JSON can name half characters, which SQLite does not take.
    return "\n".join(found).encode(errors="replace").decode()


def _texts(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield key
        yield str(value)


def facts(table: str, row: Mapping[str, Any]) -> str:
    """Return the tokens of what a search can ask an item for besides words."""
    found = [f"t{TABLES.index(table)}"]
    if row.get("success") is not None:
        found.append(success(bool(row["success"])))
    if row.get("severityLevel") is not None:
        found += [severity(level) for level in range(row["severityLevel"] + 1)]
    found += [fact(column, value) for column in FACTS if (value := row.get(column)) is not None]
    return " ".join(found)


def kind(table: str) -> str:
    """Return the token that all items of a table have."""
    return f"t{TABLES.index(table)}"


def success(value: bool) -> str:
    """Return the token of calls that succeeded, or of those that did not."""
    return "s1" if value else "s0"


def severity(level: int) -> str:
    """Return the token that items of at least a severity have."""
    return f"v{level}"


def fact(column: str, value: str) -> str:
    """Return the token that items have with a value in one of `FACTS`."""
    return FACTS[column] + blake2b(value.encode(errors="replace"), digest_size=8).hexdigest()


def key(timestamp: str, table: str, number: int) -> int:
    """Return an item's place in time: larger for a later time, whatever its table.

    `timestamp` is as it is stored; `number` (0 to 255) tells items of one table and microsecond from each other.
    Times before 1970 and after 2112 count as these.
    """
    moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    microseconds = min(max((moment - _EPOCH) // _MICROSECOND, 0), _LATEST)
    return microseconds << TIME_BITS | TABLES.index(table) << KIND_BITS | number
