"""Telemetry items and plain HTTP, for the tests of the local Application Insights."""

from __future__ import annotations

import contextlib
import copy
import http.client
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

from ext_devkit.insights.store.schema import COLUMNS

OPERATION = "0af7651916cd43dd8448eb211c80319c"

BASE = {
    "RequestData": {"id": "00f067aa0ba902b7", "name": "GET /items", "duration": "0.00:00:00.125", "responseCode": "200", "success": True},
    "RemoteDependencyData": {"id": "53995c3f42cd8ad8", "name": "GET /stock", "duration": "00:00:01.5"},
    "MessageData": {"message": "sold out", "severityLevel": 2},
    "ExceptionData": {"exceptions": [{"typeName": "ValueError", "message": "no such item"}]},
    "EventData": {"name": "bought"},
    "MetricData": {"metrics": [{"name": "basket", "value": 3}]},
    "PageViewData": {"id": "b7ad6b7169203331", "name": "shop"},
    "AvailabilityData": {"id": "1", "name": "ping", "duration": "00:00:00.2", "success": True},
}  # fmt: skip
"""The least that each item type needs."""

TABLE_OF = {
    "RequestData": "requests",
    "RemoteDependencyData": "dependencies",
    "MessageData": "traces",
    "ExceptionData": "exceptions",
    "EventData": "customEvents",
    "MetricData": "customMetrics",
    "PageViewData": "pageViews",
    "AvailabilityData": "availabilityResults",
}


def ago(**delta):
    """Return the time that many hours, seconds ... ago as an envelope has it."""
    moment = datetime.now(timezone.utc) - timedelta(**delta)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def envelope(base_type="RequestData", /, *, tags=None, **data):
    """Return a valid envelope; a field given as `...` is left out."""
    base_data = {"ver": 2} | copy.deepcopy(BASE[base_type]) | data
    return {
        "name": f"Microsoft.ApplicationInsights.{base_type.removesuffix('Data')}",
        "time": ago(),
        "iKey": "00000000-0000-0000-0000-000000000000",
        "tags": {"ai.operation.id": OPERATION} | (tags or {}),
        "data": {"baseType": base_type, "baseData": {k: v for k, v in base_data.items() if v is not ...}},
    }


def raw(server, content):
    """Return bytes to be sent as they are, with the server's own name where they say HERE."""
    return content.replace(b"HERE", b"127.0.0.1:%d" % server.port)


def post(server, body, path="/v2.1/track", **headers):
    """Send a body (bytes, or anything that JSON can write); return status and decoded answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(server, "POST", path, content, headers)


def ask(server, method, path, body=None, headers=None):
    """Send one request on a connection of its own; return status and decoded answer."""
    sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        assert response.headers["content-type"] == "application/json"
        return response.status, json.loads(response.read())


def reason(answer):
    """Return the only error of an answer as its text."""
    status, body = answer
    (error,) = body["errors"]
    assert error["index"] == 0
    assert error["statusCode"] == status
    return error["message"]


def row(table, item_id, **values):
    """Return a decoded row as a reader gives it."""
    item_type = {"dependencies": "dependency"}.get(table, table.removesuffix("s"))
    defaults = {"timestamp": f"2026-01-02T03:04:{item_id % 60:02}.000000Z", "operation_Id": OPERATION, "itemCount": 1}
    return (
        dict.fromkeys(COLUMNS[table])
        | {"customDimensions": {}, "customMeasurements": {}}
        | defaults
        | {"itemId": item_id, "itemType": item_type}
        | values
    )


@contextlib.contextmanager
def insights_process(*arguments):
    """Run `azfunc-ext insights --json` in a process of its own; give the process and what it printed."""
    process = start(*arguments, "--json")
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def start(*arguments):
    """Start `azfunc-ext insights`; the caller ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "ext_devkit", "insights", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(name, *arguments, **environment):
    """Run a command of azfunc-ext to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ext_devkit", name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | environment,
    )
