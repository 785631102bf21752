"""Runs one statement on a file, in a process of its own that can be killed and may have only so much memory.

A statement can be made to take for ever in one step, or to make text that fills the memory, where no handler of SQLite
is asked. So this runs as a program: `python -I -S sql_process.py` with the question as JSON on standard input. It
imports nothing of this package, which keeps its start short.
"""

from __future__ import annotations

import json
import math
import sqlite3
import sys
import time
from contextlib import suppress
from typing import Any

MOST_MEMORY = 512 * 1024 * 1024
MOST_HEAP = 256 * 1024 * 1024
"""What SQLite itself may have of it, on every system."""

LONGEST_VALUE = 4 * 1024 * 1024
LONGEST_PATTERN = 1000
LONGEST_SHOWN = 65536
"""Characters of a cell that are given; what is longer ends with an ellipsis."""

MOST_BYTES = 16 * 1024 * 1024
"""What all rows may have together, as JSON."""

OPERATIONS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""

NO_MEMORY = "The query needs more memory than it may have. Select fewer rows or shorter values."

READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
TABLES_OF_JSON = ("json_each", "json_tree")
FORBIDDEN = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "fts5_decode"}


def main() -> None:
    """Answer what standard input asks on standard output, both JSON."""
    asked = json.load(sys.stdin)
    limit_memory()
    try:
        answer = run(asked["uri"], asked["sql"], asked["limit"], asked["timeout"])
    except MemoryError:
        answer = {"error": NO_MEMORY}
    json.dump(answer, sys.stdout)


def limit_memory() -> None:
    """Have the system refuse more memory than is allowed, where it can."""
    try:
        import resource
    except ImportError:  # Windows: there only SQLite is limited
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
    with suppress(ValueError, OSError):  # macOS knows the limit, and does not take it
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def run(uri: str, sql: str, limit: int, timeout: float) -> dict[str, Any]:
    """Return columns and rows, or an error as one sentence."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    if sys.version_info >= (3, 11):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    # For Pythons without setlimit, too: a longer value than this cannot be made.
    connection.execute(f"PRAGMA hard_heap_limit = {MOST_HEAP}")
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA temp_store = MEMORY")
    # A table that is a function is made when it is first named, which the authorizer would take for CREATE TABLE.
    for table in TABLES_OF_JSON:
        connection.execute(f"SELECT 1 FROM {table}('[]')")  # noqa: S608
    deadline = time.monotonic() + timeout
    refused: list[str] = []
    connection.set_authorizer(lambda action, one, two, *_: authorize(action, one, two, refused))
    connection.set_progress_handler(lambda: time.monotonic() > deadline, OPERATIONS)
    try:
        cursor = connection.execute(sql)
        if cursor.description is None:
            return {"error": "Nothing was selected. Write a statement that begins with SELECT or WITH."}
        return read(cursor, limit)
    except sqlite3.Error as error:
        return {"error": explain(str(error), refused, timeout)}
    except sqlite3.Warning as error:  # more than one statement, until Python 3.11
        return {"error": str(error)}


def authorize(action: int, one: str | None, two: str | None, refused: list[str]) -> int:
    """Allow what reads; note what else was asked for."""
    if action in READING and not (action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in FORBIDDEN):
        return sqlite3.SQLITE_OK
    refused.append(two if action == sqlite3.SQLITE_FUNCTION and two else one or "")
    return sqlite3.SQLITE_DENY


def explain(message: str, refused: list[str], timeout: float) -> str:
    """Return what is told of an error of SQLite."""
    if message == "interrupted":
        return f"The query took longer than {timeout:g} s. Limit it by time (timestamp > ...), or allow it more."
    if "not authorized" in message or "prohibited" in message or (refused and "authoriz" in message):
        what = f" ({refused[0]})" if refused and refused[0] else ""
        return f"Only reading is allowed here{what}. Write a statement that begins with SELECT or WITH."
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."


def read(cursor: sqlite3.Cursor, limit: int) -> dict[str, Any]:
    """Return the first rows, as many as are allowed by number and size."""
    rows: list[list[Any]] = []
    size = 0
    truncated = False
    for row in cursor:
        shown = [cell(value) for value in row]
        size += len(json.dumps(shown))  # a character can be twelve bytes there
        if len(rows) == limit or size > MOST_BYTES:
            truncated = True
            break
        rows.append(shown)
    return {"columns": [column[0] for column in cursor.description], "rows": rows, "truncated": truncated}


def cell(value: Any) -> Any:
    """Return a value as JSON can have it."""
    if isinstance(value, bytes):
        value = f"x'{value[: LONGEST_SHOWN // 2].hex()}'"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return value[:LONGEST_SHOWN] + "…"
    return value


if __name__ == "__main__":
    main()
