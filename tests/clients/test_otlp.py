"""OpenTelemetry's own exporters over HTTP: those of Python, and those of Node.js in both encodings."""

from __future__ import annotations

import pytest

from tests.support.clients import columns, found, run_node, run_python, stored, tree

pytestmark = pytest.mark.timeout(300)  # The first one installs.

ERRORS = {"python": "LookupError", "node http": "RangeError", "node proto": "RangeError"}
"""The type of the exception that each of the programs records."""


@pytest.fixture(params=ERRORS)
def client(request, server):
    """What has sent all that it has to the server."""
    language, _, encoding = request.param.partition(" ")
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
    if language == "python":
        run_python("otlp.py", **settings)
    else:
        assert run_node(request.getfixturevalue("packages"), "otlp.cjs", encoding, **settings) == set()
    return request.param


def test_spans_logs_and_metrics_are_stored_and_shown(client, server):
    assert stored(server) == {
        "requests": 1,
        "dependencies": 1,
        "traces": 2,
        "exceptions": 1,
        "customEvents": 1,
        "customMetrics": 3,
    }
    check_calls(server, client)
    check_logs(server, client)
    check_metrics(server)
    (request,) = server.store.rows("requests")
    assert tree(server, request["operation_Id"]) == [
        (0, "request", "GET /items"),
        (1, "customEvent", "bought"),
        (1, "dependency", "stock"),
        (1, "exception", "no such item"),
        (1, "trace", "sold out"),
        (2, "trace", "asked"),
    ]
    assert found(server, "sold") == [("trace", "sold out")]
    assert found(server, "sales") == [("customMetric", "sales")]


def check_calls(server, client):
    (request,), (call,) = server.store.rows("requests"), server.store.rows("dependencies")

    assert columns(request, "name", "resultCode", "success", "url") == (
        "GET /items", "500", False, "http://shop.example/items?size=1",
    )  # fmt: skip
    assert columns(request, "cloud_RoleName", "application_Version", "operation_Name") == ("shop", "7", "GET /items")
    assert request["sdkVersion"].startswith("otelpython:" if client == "python" else "otelnodejs:")
    assert columns(call, "type", "target", "data", "success") == ("postgresql", "db|stock", "select 1", True)


def check_logs(server, client):
    traces = {row["message"]: row for row in server.store.rows("traces")}
    (error,), (event,) = server.store.rows("exceptions"), server.store.rows("customEvents")

    assert columns(traces["asked"], "severityLevel", "customDimensions") == (None, {"rows": "3"})
    assert columns(traces["sold out"], "severityLevel", "customDimensions") == (2, {"item": "7", "logger_name": "shop"})
    assert columns(error, "type", "message") == (ERRORS[client], "no such item")
    assert columns(event, "name", "customDimensions") == ("bought", {"item": "9", "logger_name": "shop"})


def check_metrics(server):
    metrics = {row["name"]: row for row in server.store.rows("customMetrics")}

    assert columns(metrics["sales"], "value", "customDimensions") == (3.0, {"tenant": "a"})
    assert columns(metrics["wait"], "valueSum", "valueCount", "valueMin", "valueMax") == (1.5, 1, 1.5, 1.5)
    assert columns(metrics["left"], "value", "origin") == (5.0, "application")
