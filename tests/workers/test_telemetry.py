"""`context.telemetry` and the module's functions on the real workers: each item once, in its operation."""

from __future__ import annotations

import pytest

from tests.support.ingestion import IngestionServer
from tests.workers import apps, drive

TRACE_ID = drive.TRACEPARENT[3:35]

BODY = """
    import threading
    import ext_telemetry
    ext_telemetry.track_event("module")
    context.telemetry.track_event("context", {"a": [1]}, {"b": 2})
    thread = threading.Thread(target=context.telemetry.track_event, args=("thread",))
    thread.start()
    thread.join()
    context.telemetry.track_metric("Parts sold", 2, {"kind": "tea"}, "counter")
    context.telemetry.track_availability("front page", 0.5)
    try:
        {}["tea"]
    except KeyError:
        context.telemetry.track_exception()
    with context.telemetry.track_dependency("ask", "ERP", "erp"):
        ext_telemetry.track_event("inside")
"""
HEAD = "def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:"
END = '    return func.HttpResponse("done")\n'
FUNCTIONS = {
    "work": HEAD + BODY + END,
    "awaits": "async " + HEAD + BODY + END,
    "deliver": HEAD + "\n    import ext_sdk\n    return func.HttpResponse(str(ext_sdk.flush(20.0)))\n",
}


@pytest.fixture
def app(new_app):
    return new_app([apps.Function(name, source) for name, source in FUNCTIONS.items()], extensions=["ext_telemetry"])


@pytest.fixture
def server():
    with IngestionServer() as running:
        yield running


def start(kind, app, server, **settings) -> drive.Worker:
    given = {"APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string, "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}
    return drive.Worker(kind, app, **{**given, **settings})


def of(server, kind):
    return [one for one in server.items if one["data"]["baseType"] == kind]


@pytest.mark.parametrize("function", ["work", "awaits"])
def test_each_item_is_stored_once_in_its_operation(kind, app, server, function):
    with start(kind, app, server) as worker:
        assert worker.invoke(function)["body"] == "done", worker.log()
        assert worker.invoke("deliver", traceparent="")["body"] == "True", worker.log()

    (request,) = [one for one in of(server, "RequestData") if one["tags"]["ai.operation.id"] == TRACE_ID]
    (dependency,) = of(server, "RemoteDependencyData")
    root, block = (one["data"]["baseData"]["id"] for one in (request, dependency))
    events = {one["data"]["baseData"]["name"]: one["tags"] for one in of(server, "EventData")}
    parents = {"module": root, "context": root, "thread": root, "inside": block}
    assert {name: tags["ai.operation.parentId"] for name, tags in events.items()} == parents
    assert len(of(server, "EventData")) == len(parents)
    single = [*of(server, "ExceptionData"), *of(server, "AvailabilityData")]
    assert [one["tags"]["ai.operation.parentId"] for one in single] == [root, root]
    tags = [*events.values(), *(one["tags"] for one in single), dependency["tags"]]
    assert {one["ai.operation.id"] for one in tags} == {TRACE_ID}
    assert {one["ai.operation.name"] for one in tags} == {request["tags"]["ai.operation.name"]}
    (metric,) = [one["data"]["baseData"] for one in of(server, "MetricData")]
    assert (metric["metrics"][0]["name"], metric["metrics"][0]["value"]) == ("Parts sold", 2)
