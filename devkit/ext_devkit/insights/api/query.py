"""`POST /api/query`: what a statement in SQL selects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.api.resource import NUMBER, TEXT, array, listing
from ext_devkit.insights.sql import LONGEST_SECONDS, LONGEST_SQL, MOST_ROWS, query

if TYPE_CHECKING:
    from ext_devkit.insights.sql import Statement
    from ext_devkit.insights.store.reader import Reader

MOST_BYTES = 4 * LONGEST_SQL + 1000

ASKED: dict[str, Any] = {
    "type": "object",
    "required": ["sql"],
    "additionalProperties": False,
    "properties": {
        "sql": {"type": "string", "minLength": 1, "maxLength": LONGEST_SQL},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 1000},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_SECONDS, "default": 5},
    },
}
ANSWERED = listing(columns=array(TEXT), rows=array({"type": "array"}), truncated={"type": "boolean"}, ms=NUMBER)


def answer(reader: Reader, body: bytes, statement: Statement | None = None) -> dict[str, Any]:
    """Answer a body, which `statement` can end; raise DevkitError for one that is not as `ASKED` says."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise DevkitError('The body is not JSON. Expected: {"sql": "select ..."}') from None
    if not isinstance(asked, dict):
        raise DevkitError('The body is no object. Expected: {"sql": "select ..."}')
    for name in asked:
        if name not in ASKED["properties"]:
            raise DevkitError(f"There is no field '{name[:40]}'. Known: {', '.join(ASKED['properties'])}.")
    sql, limit, timeout = asked.get("sql"), asked.get("limit", 1000), asked.get("timeout", 5)
    if not isinstance(sql, str):
        raise DevkitError('The field \'sql\' is missing or no text. Expected: {"sql": "select ..."}')
    if type(limit) is float and limit.is_integer():
        limit = int(limit)  # 3.0 is a whole number in JSON
    if type(limit) is not int:
        raise DevkitError(f"'limit' has to be a whole number from 1 to {MOST_ROWS}.")
    if type(timeout) not in (int, float):
        raise DevkitError(f"'timeout' has to be a number of seconds, at most {LONGEST_SECONDS:g}.")
    return query(reader, sql, limit, timeout, statement)
