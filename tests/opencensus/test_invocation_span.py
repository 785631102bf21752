"""An invocation's own span, if that is wanted; and the exporter without the extension."""

from __future__ import annotations

from contextvars import copy_context

import azure.functions as func
import pytest
from opencensus.trace.samplers import ProbabilitySampler
from opencensus.trace.span import SpanKind
from opencensus.trace.span_context import SpanContext
from opencensus.trace.tracer import Tracer

from ext_opencensus import AppInsightsExporter
from tests.support.ingestion import KEY
from tests.support.invocations import ITEMS, request
from tests.support.lifecycle import TRACEPARENT, invoke

TRACE, CALLER = TRACEPARENT.split("-")[1:3]


def test_the_invocation_has_a_span_of_its_own_if_that_is_wanted(fresh, memory):
    fresh.configure(exporter=memory, invocation_span=True)

    def function(req, context):
        with context.tracer.span("work"):
            return func.HttpResponse("made", status_code=201)

    invoke(function, trigger=ITEMS, req=request())

    work, own = memory.spans
    assert (own.name, own.span_kind, own.parent_span_id, work.parent_span_id) == (
        "HttpTrigger", SpanKind.SERVER, CALLER, own.span_id,
    )  # fmt: skip
    attributes = dict(own.attributes)
    assert isinstance(attributes.pop("faas.coldstart"), bool)
    assert attributes == {
        "faas.invocation_id": "8f07ec1b",
        "http.method": "GET",
        "http.route": "/api/items/{id}",
        "http.host": "localhost:7071",
        "http.path": "/api/items/7",
        "http.url": "http://localhost:7071/api/items/7",
        "http.status_code": 201,
    }


@pytest.mark.parametrize(
    ("host", "route"),
    [
        ('{"extensions": {"http": {"routePrefix": ""}}}', "/items/{id}"),
        ("{", "/api/items/{id}"),
        ("[]", "/api/items/{id}"),
    ],
)
def test_a_route_begins_as_host_json_says(fresh, memory, tmp_path, monkeypatch, host, route):
    (tmp_path / "host.json").write_text(host)
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())

    assert memory.spans[0].attributes["http.route"] == route
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__http__routePrefix", "v1/")
    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())
    assert memory.spans[1].attributes["http.route"] == "/v1/items/{id}"


def test_the_invocations_span_is_not_the_functions_to_end(fresh, memory, caplog):
    """OpenCensusExtension of Microsoft has none, so that `finish` and one `end_span` too many did no harm."""
    fresh.configure(exporter=memory, invocation_span=True)

    def function(req, context):
        tracer = context.tracer
        tracer.start_span("work")
        tracer.finish()
        tracer.end_span()
        with tracer.span("after"):
            return func.HttpResponse(status_code=201)

    invoke(function, trigger=ITEMS, req=request())

    assert [span.name for span in memory.spans] == ["work", "after", "HttpTrigger"]
    own = memory.named("HttpTrigger")
    assert own.attributes["http.status_code"] == 201
    assert {memory.named(name).parent_span_id for name in ("work", "after")} == {own.span_id}
    assert [record.message for record in caplog.records] == ["No active span, cannot do end_span."]


def test_a_url_that_cannot_be_read_is_left_out(fresh, memory):
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request(url="http://[nonsense/x"))

    (own,) = memory.spans
    assert own.attributes["http.route"] == "/api/items/{id}"
    assert not own.attributes.keys() & {"http.url", "http.host", "http.path"}


@pytest.mark.parametrize(
    ("result", "status"),
    [("text", 200), (b"x", 200), (None, 204), (func.HttpResponse(status_code=404), 404), ({"a": 1}, None)],
)
def test_the_status_is_what_the_host_answers(fresh, memory, result, status):
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: result, trigger=ITEMS, req=request())

    assert memory.spans[0].attributes.get("http.status_code") == status


def test_everything_is_of_the_operation_that_the_invocations_span_names(fresh, server):
    fresh.configure(connection_string=server.connection_string, invocation_span=True, enable_local_storage=False)

    def function(req, context):
        with context.tracer.span("work"):
            raise LookupError("no such item")

    with pytest.raises(LookupError):
        invoke(function, trigger=ITEMS, req=request())
    fresh.shutdown(20.0)

    assert {item["tags"]["ai.operation.name"] for item in server.items} == {"GET /api/items/{id}"}
    kinds = [item["data"]["baseType"] for item in server.items]
    assert kinds == ["ExceptionData", "RemoteDependencyData", "RequestData"]
    data = server.items[-1]["data"]["baseData"]
    assert (data["name"], data["responseCode"], data["success"]) == ("GET /api/items/{id}", "500", False)


def test_under_a_host_that_reports_the_request_the_invocations_span_is_none(fresh, memory, monkeypatch):
    """No request is counted twice."""
    monkeypatch.setenv("FUNCTIONS_WORKER_DIRECTORY", "/azure-functions-host/workers/python")
    monkeypatch.setenv("APPINSIGHTS_INSTRUMENTATIONKEY", "11111111-2222-3333-4444-555555555555")
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())

    (own,) = memory.spans
    assert own.span_kind == SpanKind.UNSPECIFIED


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        ("InstrumentationKey=99999999-2222-3333-4444-555555555555", "RequestData"),
        (f"InstrumentationKey={KEY.upper()}", "RemoteDependencyData"),
        ("nonsense", "RemoteDependencyData"),
        (None, "RequestData"),
    ],
)
def test_it_is_a_request_where_the_hosts_own_goes_elsewhere(fresh, server, monkeypatch, theirs, kind):
    """If what the host was given cannot be read here, it might go there too."""
    monkeypatch.setenv("FUNCTIONS_WORKER_DIRECTORY", "/azure-functions-host/workers/python")
    if theirs:
        monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", theirs)
    fresh.configure(connection_string=server.connection_string, invocation_span=True, enable_local_storage=False)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())
    fresh.shutdown(20.0)

    (item,) = server.items
    assert item["data"]["baseType"] == kind


def test_the_exporter_keeps_what_it_took_before_it_is_delivered(fresh, tmp_path):
    nowhere = "InstrumentationKey=1;IngestionEndpoint=http://127.0.0.1:1"
    exporter = AppInsightsExporter(nowhere, journal=str(tmp_path / "kept"), interval=60)
    fresh.configure(exporter=exporter)

    invoke(lambda req, context: context.tracer.span("kept work").__exit__(None, None, None), req=1)

    assert any(b"kept work" in file.read_bytes() for file in (tmp_path / "kept").rglob("*") if file.is_file())
    exporter.channel.close(0.0)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # OpenCensus's own spans
def test_the_exporter_works_with_opencensuss_own_tracer_too(server):
    exporter = AppInsightsExporter(server.connection_string, journal=False)
    tracer = Tracer(
        span_context=SpanContext(trace_id=TRACE, span_id=CALLER), exporter=exporter, sampler=ProbabilitySampler(1.0)
    )

    def run():
        with pytest.raises(ValueError), tracer.span("work"):
            raise ValueError("bad")

    copy_context().run(run)
    assert exporter.channel.flush(20.0)
    exporter.channel.close(5.0)

    exception, span = server.items
    assert span["data"]["baseData"]["name"] == "work"
    assert span["tags"]["ai.operation.id"] == TRACE
    assert exception["tags"]["ai.operation.parentId"] == span["data"]["baseData"]["id"]
    (details,) = exception["data"]["baseData"]["exceptions"]
    assert (details["typeName"], details["message"]) == ("Exception", "bad")
    assert details["parsedStack"][0]["method"] == "run"
