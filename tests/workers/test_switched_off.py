"""On every worker: functions that use what extensions give them work, also while these are off, or have no destination.

What they find does nothing then, nothing is sent, and one line says why.
"""

from __future__ import annotations

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.workers import apps, drive

TELEMETRY = """
DEF {def_name}(req: func.HttpRequest, context) -> func.HttpResponse:
    import ext_telemetry

    with context.tracer.span("part") as span:
        span.add_attribute("rows", 7)
    with context.telemetry.track_dependency("ask", "ERP", "erp"):
        context.telemetry.track_event("seen")
    ext_telemetry.track_event("seen")
    logging.getLogger("shop").info("seen", extra={"rows": 7})
    return func.HttpResponse("served")
"""
OPENCENSUS = """
DEF {def_name}(req: func.HttpRequest, context) -> func.HttpResponse:
    with context.tracer.span("part") as span:
        span.add_attribute("rows", 7)
        with context.tracer.span("inside"):
            pass
    return func.HttpResponse("served")
"""
USES = {
    "opencensus": (OPENCENSUS, ["ext_opencensus"]),
    "telemetry": (TELEMETRY, ["ext_opentelemetry", "ext_telemetry"]),
}
OFF = "Extensions are switched off: PYTHON_ENABLE_WORKER_EXTENSIONS is set to a false value. "
WHY_OFF = {
    "opencensus": OFF + "context.tracer does nothing.",
    "telemetry": OFF + "context.telemetry and context.tracer do nothing.",
}
NOWHERE = "Spans are not exported: "


@pytest.fixture(params=USES)
def uses(request):
    return request.param


@pytest.fixture
def app(new_app, uses):
    """An app with a sync and an async function that use what the extension gives them."""
    source, extensions = USES[uses]
    functions = [
        apps.Function("sync", source.replace("DEF", "def")),
        apps.Function("asynchronous", source.replace("DEF", "async def")),
    ]
    return new_app(functions, extensions=extensions)


def served(worker):
    for _ in range(2):
        for function in ("sync", "asynchronous"):
            answer = worker.invoke(function)
            assert answer.get("body") == "served", (answer, worker.log())


def said(worker, start):
    """Return the lines that begin so; only the workers that are driven over gRPC send any to a host."""
    return [one["message"] for one in worker.logs if one["message"].startswith(start)]


@pytest.mark.parametrize("value", ["0", "False"])
def test_switched_off_functions_work_and_one_line_says_why(kind, app, uses, value):
    with InsightsServer() as server:
        settings = {"APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string}
        with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS=value, **settings) as worker:
            served(worker)
        assert not any(server.store.counts().values())
    if kind in drive.GRPC:
        assert said(worker, "Extensions are switched off") == [WHY_OFF[uses]]


def test_without_a_connection_string_functions_work_and_one_line_says_why(kind, app):
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        served(worker)
    if kind in drive.GRPC:
        assert len(said(worker, NOWHERE)) == 1, worker.logs


def test_where_the_switch_is_not_set_everything_is_there(kind, app, uses):
    """The classic worker runs no extension of the official kind then; ours do, for the seam does not need it."""
    with InsightsServer() as server:
        settings = {"APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string}
        with drive.Worker(kind, app, **settings) as worker:
            served(worker)
            parts = [row for row in server.wait_for("dependencies", 8, drive.WAIT) if row["name"] == "part"]
            if uses == "telemetry":
                server.wait_for("customEvents", 8, drive.WAIT)
    assert len(parts) == 4
