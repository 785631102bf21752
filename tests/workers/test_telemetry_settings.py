"""On every worker: the worker's own telemetry settings beside OpenTelemetryExtension. Each span arrives once.

The rows of docs/explanation/who-reports-what.md that a worker without a host can show.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest

from tests.support.backend import backend
from tests.support.ingestion import IngestionServer
from tests.workers import apps, drive

FUNCTIONS = {
    "work": """
def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    import requests
    with context.tracer.span("part"):
        requests.get(req.params["q"], timeout=20)
    logging.getLogger("shop").warning("shop is open")
    return func.HttpResponse("done")
""",
    "deliver": """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import ext_sdk
    return func.HttpResponse(str(ext_sdk.flush(20.0)))
""",
}
QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "OTEL_TRACES_SAMPLER": "always_on",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "urllib3,urllib,httpx,azure_sdk",
    "OTEL_BLRP_SCHEDULE_DELAY": "100",
    "PYTHON_ENABLE_WORKER_EXTENSIONS": "1",
}
OFF: dict[str, str] = {}
OPENTELEMETRY = {"PYTHON_ENABLE_OPENTELEMETRY": "true"}
APPINSIGHTS = {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"}
SETTINGS = {"off": OFF, "opentelemetry": OPENTELEMETRY, "appinsights": APPINSIGHTS}


def configures_the_distribution(kind: str, setting: str) -> bool:
    """Whether the worker calls `configure_azure_monitor()`: who does so at which setting differs."""
    if kind == "classic":
        return setting == "opentelemetry"
    return kind in ("runtime", "proxy") and setting == "appinsights"


def items_of(server: IngestionServer, *kinds: str) -> list[dict]:
    """Return items of these types; Microsoft's exporter sends arrays, ours lines."""
    lines = [line for request in server.requests if request.path.endswith("track") for line in request.items]
    found = [item for line in lines for item in (line if isinstance(line, list) else [line])]
    return [item for item in found if item["data"]["baseType"] in kinds]


def texts_of(server: IngestionServer) -> list[str]:
    return [item["data"]["baseData"]["message"] for item in items_of(server, "MessageData")]


@pytest.fixture
def app(new_app):
    return new_app(
        [apps.Function(name, source) for name, source in FUNCTIONS.items()], extensions=["ext_opentelemetry"]
    )


def run(kind: str, app, server: IngestionServer, url: str, *, logs: bool = False, **settings: str) -> drive.Worker:
    """Serve one invocation, deliver what came of it, and with `logs` wait for log records: these have a timer alone."""
    string = f"{server.connection_string};LiveEndpoint={server.url}/"
    given = {"APPLICATIONINSIGHTS_CONNECTION_STRING": string, **QUIET, **settings}
    with drive.Worker(kind, app, **given) as worker:
        answer = worker.invoke("work", q=f"{url}/stock")
        assert answer["body"] == "done", worker.log()
        assert worker.invoke("deliver")["body"] == "True", worker.log()
        end = time.monotonic() + drive.WAIT
        while logs and "shop is open" not in texts_of(server):
            assert time.monotonic() < end, worker.log()
            time.sleep(0.05)
    return worker


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_each_span_arrives_once_whatever_the_worker_sets_up(kind, app, setting: str):
    """By Microsoft's exporter where the worker has set it up, else by ours; in one trace."""
    with IngestionServer() as server, backend() as service:
        run(kind, app, server, service.url, **SETTINGS[setting])
        items = items_of(server, "RequestData", "RemoteDependencyData")

    names = Counter(item["data"]["baseData"]["name"] for item in items)
    assert names["GET /api/of/work"] == names["part"] == names["GET /stock"] == 1
    assert names["GET"] == 0
    assert {item["tags"]["ai.operation.id"] for item in items} == {drive.TRACEPARENT[3:35]}
    ours = {item["tags"]["ai.internal.sdkVersion"].startswith("azfuncext") for item in items}
    assert ours == {not configures_the_distribution(kind, setting)}


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_the_workers_logs_are_exported_here_only_where_it_was_set_up_so(kind, app, setting: str):
    """Else they are the host's to forward: it gets them in any case."""
    with IngestionServer() as server, backend() as service:
        logs = configures_the_distribution(kind, setting)
        worker = run(kind, app, server, service.url, logs=logs, **SETTINGS[setting])

    assert texts_of(server).count("shop is open") == configures_the_distribution(kind, setting)
    if kind in drive.GRPC:
        assert [log["message"] for log in worker.logs].count("shop is open") == 1


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_under_a_host_that_reports_requests_ours_is_inside(kind, app, setting: str):
    """Whatever the worker sets up: what it tells the host is about logs."""
    with IngestionServer() as server, backend() as service:
        run(kind, app, server, service.url, **SETTINGS[setting], WEBSITE_INSTANCE_ID="one")
        kinds = Counter(
            item["data"]["baseType"]
            for item in items_of(server, "RequestData", "RemoteDependencyData")
            if item["data"]["baseData"]["name"] == "GET /api/of/work"
        )

    assert kinds == {"RemoteDependencyData": 1}


def test_the_environment_of_the_tests_names_no_host():
    """Else the kinds above would differ."""
    assert not {"WEBSITE_INSTANCE_ID", "FUNCTIONS_CORETOOLS_ENVIRONMENT", "FUNCTIONS_WORKER_DIRECTORY"} & set(
        os.environ
    )
