"""What an item is found by: its words, its facts and its time, each as SQL, so that indexing needs no Python."""

from __future__ import annotations

from ext_devkit.insights.store.schema import COLUMNS, TABLES

TEXTS = (
    "name", "message", "url", "data", "target", "type", "resultCode", "problemId", "outerType", "outerMessage",
    "innermostType", "innermostMessage", "method", "location", "operation_Name", "operation_Id", "id", "cloud_RoleName",
    "cloud_RoleInstance",
)  # fmt: skip
"""Columns whose words are found."""

OFTEN_THE_SAME = {
    "operation_Name": "name", "outerType": "type", "innermostType": "type", "outerMessage": "message",
    "innermostMessage": "message",
}  # fmt: skip
"""Columns that mostly repeat another one, whose words need not be kept twice."""

MAPS = ("customDimensions", "customMeasurements")
"""Columns of JSON text whose keys and values are found."""

FACTS = {
    "name": "n", "cloud_RoleName": "r", "resultCode": "c", "problemId": "p", "operation_Id": "o", "operation_Name": "m",
    "type": "y", "target": "g",
}  # fmt: skip
"""Columns that a search can name a value of, and the letter that the value's token begins with."""

LATEST_MS = (1 << 42) - 1
"""In the year 2109; times after it, or before 1970, count as this one, or that."""

MILLISECONDS = f"max(0, min({LATEST_MS}, strftime('%s', substr(timestamp, 1, 19)) * 1000 + substr(timestamp, 21, 3)))"
"""The time of a row in milliseconds since 1970. SQLite would round the fraction, up to another second."""


def _map(column: str) -> str:
    """Return JSON text, written as `ingest.maps` does, with a space for each escape that would run into a word."""
    text = column
    for escape in (r"\\", r"\n", r"\r", r"\t", r"\f", r"\b"):
        text = f"replace({text}, '{escape}', ' ')"
    return text


def _words(table: str) -> str:
    known = COLUMNS[table]
    texts = [
        f"nullif({column}, {same})" if (same := OFTEN_THE_SAME.get(column)) in known else column
        for column in TEXTS
        if column in known
    ]
    return " || char(10) || ".join(f"coalesce({text}, '')" for text in [*texts, *map(_map, MAPS)])


def _facts(table: str) -> str:
    known = COLUMNS[table]
    parts = [f"'{kind(table)}'"]
    if "success" in known:
        parts.append("CASE success WHEN 1 THEN ' s1' WHEN 0 THEN ' s0' ELSE '' END")
    if "severityLevel" in known:
        parts.append("coalesce(substr(' v0 v1 v2 v3 v4', 1, (severityLevel + 1) * 3), '')")
    parts += [f"coalesce(' {letter}' || hex({column}), '')" for column, letter in FACTS.items() if column in known]
    return " || ".join(parts)


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
    return FACTS[column] + value.encode(errors="replace").hex()


WORDS = {table: _words(table) for table in TABLES}
"""The text of a row in which words are looked for, as SQL."""

TOKENS = {table: _facts(table) for table in TABLES}
"""The tokens of what a search can ask a row for besides words, as SQL."""
