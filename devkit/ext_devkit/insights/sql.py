"""Answers a statement in SQL, which can only read, and ends in time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ext_devkit.errors import DevkitError
from ext_devkit.insights import sql_process

if TYPE_CHECKING:
    from ext_devkit.insights.store.reader import Reader

LONGEST_SQL = 100_000
MOST_ROWS = 10_000
LONGEST_SECONDS = 30.0
GRACE_SECONDS = 1.0
"""How long after its time a process is killed that does not end by itself."""


def query(
    reader: Reader, sql: str, limit: int = 1000, timeout: float = 5.0, statement: Statement | None = None
) -> dict[str, Any]:
    """Return `columns`, `rows`, whether there would have been more (`truncated`), and how many `ms` it took.

    `limit` is a number of rows, `timeout` seconds; `statement` lets another thread end it. Raises DevkitError that
    says what is wrong with the SQL, that it would write, or that it takes too long or too much memory.
    """
    if not sql.strip():
        raise DevkitError("The query is empty. Write a statement, for example: select * from requests limit 10")
    if "\0" in sql:
        raise DevkitError("The query has a NUL character. Take it out.")
    if len(sql) > LONGEST_SQL:
        raise DevkitError(f"The query has {len(sql)} characters; {LONGEST_SQL} are allowed.")
    if not 1 <= limit <= MOST_ROWS:
        raise DevkitError(f"'limit' is {limit}. Expected 1 to {MOST_ROWS}.")
    if not 0 < timeout <= LONGEST_SECONDS:
        raise DevkitError(f"'timeout' is {timeout:g}. Expected more than 0 and at most {LONGEST_SECONDS:g} seconds.")
    began = time.monotonic()
    uri = f"file:{quote(str(reader.path.absolute()))}?mode=ro"
    # Half characters are what SQLite takes for nothing; JSON can name them.
    asked = {"uri": uri, "sql": sql.encode(errors="replace").decode(), "limit": limit, "timeout": timeout}
    answer = (statement or Statement()).ask(asked, timeout)
    if "error" in answer:
        raise DevkitError(answer["error"])
    return answer | {"ms": round((time.monotonic() - began) * 1000, 1)}


class Statement:
    """A statement in a process of its own, which another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def end(self) -> None:
        """End it, whether or not it has begun."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.kill()

    def ask(self, asked: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return what the process answers, whatever becomes of it."""
        with self._lock:
            if self._ended:
                return {"error": "The query was ended before it began."}
            program = [sys.executable, "-I", "-S", str(Path(sql_process.__file__))]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        with self._process as process:
            try:
                content, _ = process.communicate(json.dumps(asked).encode(), timeout + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                return {"error": sql_process.explain("interrupted", [], timeout)}
            finally:
                process.kill()
        try:
            answer: dict[str, Any] = json.loads(content)
        except ValueError:
            return {"error": sql_process.NO_MEMORY}
        return answer
