"""What a sample stores, whole: every row of every table, with what differs from run to run replaced by its name.

A snapshot is `tests/samples/rows/<sample>.json`: the `requests` to make, written by hand, and the `rows` that the local
Application Insights then has, written by `UPDATE_ROWS=1` and read by eye. One file holds for every worker.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ext_devkit.insights.server import InsightsServer

    Rows = dict[str, list[dict[str, Any]]]

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
ROWS = Path(__file__).resolve().parents[1] / "samples" / "rows"
WAIT = 20.0
UPDATE = "UPDATE_ROWS"
ROLE = "shop"
"""The app's name in Azure, which the tests give it."""

QUIET = 2.0
"""Seconds without a new item after which nothing more is expected, where that is not known."""

TIMELESS = {
    "timestamp": "<time>",
    "duration": "<duration>",
    "iKey": "<key>",
    "sdkVersion": "<sdk>",
    "cloud_RoleInstance": "<instance>",
    "client_IP": "<address>",
    "client_OS": "<system>",
    "client_Type": "<type>",
    "client_Model": "<model>",
    "faas.invocation_id": "<invocation>",
    "code.line.number": "<line>",
    "thread.id": "<thread>",
    "thread.name": "<thread>",
    "line": "<line>",
    "InvocationId": "<invocation>",
    "ProcessId": "<process>",
    "server.port": "<port>",
}
"""Columns, properties and fields of stack frames that differ from run to run, or from worker to worker."""

TIMES = re.compile(r"(duration|[._](ms|s|seconds)|time)$")
"""The metrics whose values are times."""

VALUES = ("value", "valueSum", "valueMin", "valueMax", "valueStdDev")

_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_LOOPBACK = re.compile(r"\b(127\.0\.0\.1|localhost)(:\d+)?\b")
_LIBRARY = re.compile(r"[^\s\"]*/(?=ext_(sdk|appinsights|opentelemetry|opencensus|timing|telemetry)/)")
_TAKES = re.compile(r"\b\d+(\.\d+)? ?(ms|us|s)\b")
_LINE = re.compile(r"\bline \d+")
_AGENT = re.compile(r"(python-requests|Python-urllib)/[\d.]+")


@dataclass(frozen=True)
class Sent:
    """A request of a snapshot."""

    function: str
    path: str
    method: str = "GET"
    body: str = ""
    params: dict[str, str] | None = None
    """What the function's route takes from the path: a real worker is told that by the host."""
    status: int = 200


class Snapshot:
    """The snapshot of one sample, in its file."""

    def __init__(self, sample: str) -> None:
        self.sample = sample
        self.path = ROWS / f"{sample}.json"
        self._read = json.loads(self.path.read_text("utf-8"))
        self.requests = [Sent(**one) for one in self._read["requests"]]

    @property
    def rows(self) -> Rows:
        """The rows that are expected, by table; a table without rows is left out."""
        return self._read.get("rows", {})

    @property
    def settings(self) -> dict[str, str]:
        """The app settings that the sample gets, beside those that say where telemetry and the backend are."""
        return self._read.get("settings", {})

    def wait(self, server: InsightsServer) -> None:
        """Wait until what the sample stores while it runs is there; metrics come when it ends."""
        if os.environ.get(UPDATE):
            _wait_for_quiet(server)
            return
        wanted = {table: len(rows) for table, rows in self.rows.items() if table != "customMetrics"}
        for table, count in wanted.items():
            server.wait_for(table, count, WAIT)

    def check(self, server: InsightsServer, app: Path, backend: str) -> None:
        """Compare what is stored with the file; with UPDATE_ROWS=1 write the file."""
        found = normalised(server, app, backend)
        if os.environ.get(UPDATE):
            self._read["rows"] = found
            self.path.write_text(json.dumps(self._read, indent=1, ensure_ascii=False) + "\n", "utf-8")
            return
        assert found == self.rows


def trace_of(number: int) -> str:
    """Return the trace that a snapshot's request number `number` is part of."""
    return f"{number + 1:032x}"


def traceparent(number: int) -> str:
    """Return what its caller sends."""
    return f"00-{trace_of(number)}-b7ad6b7169203331-01"


def samples() -> list[str]:
    """Return the names of the samples, each of which has its snapshot."""
    return sorted(path.name for path in SAMPLES.iterdir() if (path / "host.json").is_file())


def normalised(server: InsightsServer, app: Path, backend: str) -> Rows:
    """Return all rows of all tables, those that are empty left out, with names for what differs from run to run."""
    stored = {table: server.store.rows(table) for table in server.store.counts()}
    names = _names_of(stored)
    places = {
        str(app): "<app>", str(app.resolve()): "<app>", backend: "<backend>", backend.partition("//")[2]: "<backend>",
        sys.prefix: "<python>", sys.base_prefix: "<python>",
    }  # fmt: skip
    renamed = _Renamed(names | places)
    return {
        table: sorted((_row(renamed, one) for one in rows), key=lambda row: (row.get("operation_Id", ""), _plain(row)))
        for table, rows in stored.items()
        if rows
    }


def _row(renamed: _Renamed, row: dict[str, Any]) -> dict[str, Any]:
    found = renamed({name: value for name, value in row.items() if value not in (None, "", {}) and name != "itemId"})
    if "operation_Id" in found and not row["operation_Id"].startswith("0" * 28):
        found["operation_Id"] = "<trace>"
    if "details" in row:
        found["details"] = [_exception(one) for one in found["details"]]
        found.update({name: _frame(value) for name, value in found.items() if name.lower().endswith("method")})
    if row["itemType"] == "customMetric" and TIMES.search(row["name"]):
        found.update({name: "<duration>" for name in VALUES if name in found})
    return found


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    """Return an exception with the frames from the app's first one on: those before are the worker's."""
    frames = list(one.get("parsedStack", ()))
    while frames and "<app>" not in frames[-1].get("fileName", ""):
        frames.pop()
    for number, frame in enumerate(reversed(frames)):
        frame["level"] = len(frames) - 1 - number
    return {**one, "id": "<id>", **({"outerId": "<id>"} if "outerId" in one else {}), "parsedStack": frames}


def _frame(text: Any) -> Any:
    return _LINE.sub("line <line>", text) if isinstance(text, str) else text


class _Renamed:
    """Replaces texts, wherever they stand, and what is known by its key."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        longest_first = sorted(filter(None, names), key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, value: Any, key: str = "") -> Any:
        if key in TIMELESS:
            return TIMELESS[key]
        if key.endswith("_ms"):
            return "<duration>"
        if isinstance(value, dict):
            return {name: self(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = self._any.sub(lambda found: self._names[found[0]], text)
        text = _TAKES.sub("<duration>", _LIBRARY.sub("<library>/", text))
        text = _AGENT.sub(r"\1/<version>", text)
        return _LOOPBACK.sub("<host>", _UUID.sub("<uuid>", text))


def _names_of(stored: Rows) -> dict[str, str]:
    """Return a name for each id of a span: what it is of, counted where there are several, by parent and time."""
    spans = [row for rows in stored.values() for row in rows if row.get("id")]
    seen: Counter[str] = Counter()
    names = {}
    of = {row["id"]: row["name"] for row in spans}
    for row in sorted(spans, key=lambda row: (of.get(row["operation_ParentId"], ""), row["timestamp"])):
        number = int(row["operation_Id"] or "0", 16)
        name = f"{row['itemType']} {row['name']}, trace {number if number < 0xFFFF else '?'}"
        seen[name] += 1
        names[row["id"]] = f"<{name}>" if seen[name] == 1 else f"<{name}, {seen[name]}>"
    return names


def _plain(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _wait_for_quiet(server: InsightsServer) -> None:
    before, since = server.store.counts(), time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(0.1)
        now = server.store.counts()
        if now != before:
            before, since = now, time.monotonic()
