"""An invocation is a span that continues its caller's trace, whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import azure.functions as func
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ext_opentelemetry import AppInsightsSpanExporter, pipeline
from ext_sdk import flush, propagate
from ext_sdk.function import Trigger
from tests.support.lifecycle import Context, invoke, invoke_async

ITEMS = Trigger("req", "httpTrigger", {"type": "httpTrigger", "route": "items/{id}"})
TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def request(method: str = "GET", url: str = "http://localhost:7071/api/items/7?code=secret") -> func.HttpRequest:
    return func.HttpRequest(method, url=url, headers={"User-Agent": "curl"}, body=b"")


@pytest.fixture
def finished(fresh):
    """The extension with an exporter in memory; calling it gives the spans that ended so far."""
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter)

    def spans():
        fresh.shutdown(20.0)
        return exporter.get_finished_spans()

    yield spans
    pipeline._switch.target.shutdown()


def sync_and_async(function):
    """Return the function in both forms."""

    async def asynchronous(req, context):
        await asyncio.sleep(0)
        return function(req, context)

    def synchronous(req, context):
        return function(req, context)

    return synchronous, asynchronous


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_a_request_is_described_in_semantic_conventions(finished, form: int):
    """Name, kind, parent, attributes; the query, which may hold a key, is left out."""
    main = sync_and_async(lambda _req, _context: func.HttpResponse("made", status_code=201))[form]

    response = invoke(main, trigger=ITEMS, req=request(), context=Context(invocation_id="i1"))

    assert response.status_code == 201
    (span,) = finished()
    assert (span.name, span.kind) == ("GET /api/items/{id}", SpanKind.SERVER)
    assert (span.context.trace_id, span.parent.span_id, span.parent.is_remote) == (TRACE, PARENT, True)
    attributes = dict(span.attributes)
    assert isinstance(attributes.pop("faas.coldstart"), bool)
    assert attributes == {
        "faas.trigger": "http",
        "faas.name": "HttpTrigger",
        "faas.invocation_id": "i1",
        "http.request.method": "GET",
        "http.route": "/api/items/{id}",
        "url.scheme": "http",
        "url.path": "/api/items/7",
        "server.address": "localhost",
        "server.port": 7071,
        "user_agent.original": "curl",
        "http.response.status_code": 201,
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_a_failure_is_recorded_and_goes_on_unchanged(finished, form: int):
    """The caller gets the very exception; the span has it with its type, and the status that the host answers with."""
    boom = LookupError("no such item")

    def fail(_req, _context):
        raise boom

    with pytest.raises(LookupError) as caught:
        invoke(sync_and_async(fail)[form], trigger=ITEMS, req=request())
    assert caught.value is boom

    (span,) = finished()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "LookupError: no such item")
    assert span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == "LookupError"
    (event,) = span.events
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == (
        "LookupError",
        "no such item",
    )


def test_a_cancelled_invocation_is_a_failure_too(finished):
    """`asyncio.CancelledError` is no `Exception`."""

    async def main(req):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        invoke(main, trigger=ITEMS, req=request())

    (span,) = finished()
    assert span.attributes["error.type"] == "CancelledError"


def out(value):
    """An output binding as workers make it."""
    return SimpleNamespace(set=lambda _: None, get=lambda: value)


@pytest.mark.parametrize(
    ("result", "binding", "status"),
    [
        ("text", None, 200),
        (b"bytes", None, 200),
        (func.HttpResponse("x", status_code=404), None, 404),
        (SimpleNamespace(status_code=302), None, 302),
        (None, None, 204),
        (None, out(func.HttpResponse("x", status_code=418)), 418),
        (None, out("a queue message"), 204),
        ({"a": 1}, None, None),
    ],
)
def test_the_status_is_what_the_host_answers(finished, result, binding, status: int | None):
    """A text is 200, nothing is 204, a response can come by an output binding."""
    invoke(lambda req, msg, context: result, trigger=ITEMS, req=request(), msg=binding)

    (span,) = finished()
    assert span.attributes.get("http.response.status_code") == status
    assert span.status.status_code is StatusCode.UNSET


def test_a_server_error_that_was_returned_is_an_error(finished):
    """As 500 by a raise is."""
    invoke(lambda req: func.HttpResponse(status_code=503), trigger=ITEMS, req=request())

    (span,) = finished()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "503"


@pytest.mark.parametrize(
    ("trigger", "name", "kind", "attributes"),
    [
        (Trigger("timer", "timerTrigger", {"schedule": "0 * * * * *"}), "Job", SpanKind.SERVER, {"faas.trigger": "timer", "faas.cron": "0 * * * * *"}),
        (Trigger("msg", "queueTrigger", {"queueName": "orders"}), "Job", SpanKind.CONSUMER, {"faas.trigger": "pubsub", "messaging.system": "azure_queue_storage", "messaging.destination.name": "orders", "messaging.operation.type": "process"}),
        (Trigger("msg", "serviceBusTrigger", {"topicName": "news"}), "Job", SpanKind.CONSUMER, {"messaging.system": "servicebus", "messaging.destination.name": "news"}),
        (Trigger("e", "eventHubTrigger", {"eventHubName": "hub"}), "Job", SpanKind.CONSUMER, {"messaging.system": "eventhubs", "messaging.destination.name": "hub"}),
        (Trigger("b", "blobTrigger", {}), "Job", SpanKind.SERVER, {"faas.trigger": "datasource"}),
        (Trigger("x", "mcpToolTrigger", {}), "Job", SpanKind.SERVER, {"faas.trigger": "other"}),
        (Trigger(), "Job", SpanKind.SERVER, {"faas.trigger": "other"}),
    ],
)  # fmt: skip
def test_other_triggers_have_their_own_conventions(finished, trigger, name: str, kind, attributes: dict):
    """Messages are consumed; all other invocations are served."""
    invoke(lambda **_: None, name="Job", trigger=trigger)

    (span,) = finished()
    assert (span.name, span.kind) == (name, kind)
    assert dict(span.attributes) | attributes == dict(span.attributes)
    assert "http.response.status_code" not in span.attributes


@pytest.mark.parametrize(
    ("binding", "host_json", "name"),
    [
        ({"type": "httpTrigger"}, None, "GET /api/HttpTrigger"),
        ({"route": "/a/{b:int}/"}, None, "GET /api/a/{b:int}"),
        ({"route": ""}, None, "GET /api"),
        ({"route": "a"}, {"extensions": {"http": {"routePrefix": ""}}}, "GET /a"),
        ({"route": "a"}, {"extensions": {"http": {"routePrefix": "v1/x"}}}, "GET /v1/x/a"),
        ({"route": "a"}, {"version": "2.0"}, "GET /api/a"),
        ({"route": "a"}, [], "GET /api/a"),
        ({}, None, "HttpTrigger"),
    ],
)
def test_the_route_is_the_one_that_callers_use(finished, tmp_path, binding: dict, host_json, name: str):
    """With host.json's prefix; without a route of its own a function has its name; unknown, it is the function's name."""
    if host_json is not None:
        (tmp_path / "host.json").write_text(json.dumps(host_json))
    invoke(lambda req: "x", trigger=Trigger("req", "httpTrigger", binding), req=request())

    (span,) = finished()
    assert span.name == name


def test_no_caller_is_a_new_trace_even_if_a_span_was_left_over(finished):
    """The workers attach the host's context to pool threads and never detach it."""
    left_over = trace.NonRecordingSpan(trace.SpanContext(5, 5, is_remote=True))
    for trace_context in (
        None,
        SimpleNamespace(trace_parent="", trace_state=""),
        SimpleNamespace(trace_parent="00-junk-1"),
    ):
        with trace.use_span(left_over):
            invoke(lambda req: "x", trigger=ITEMS, req=request(), context=Context(trace_context=trace_context))

    assert [span.parent for span in finished()] == [None, None, None]
    assert len({span.context.trace_id for span in finished()}) == 3


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_the_function_finds_a_tracer_and_its_span_current(finished, form: int):
    """`span(name)` as in OpenCensus, the OpenTelemetry methods, and the API's own functions."""
    seen = []

    def main(_req, context):
        seen.append(trace.get_current_span())
        with context.tracer.span("parent") as parent, trace.get_tracer("app").start_as_current_span("child"):
            assert trace.get_current_span() is not parent
        with context.tracer.start_as_current_span("second"):
            pass
        context.tracer.start_span("third").end()
        with context.tracer.span(name="named"):
            pass
        return "x"

    before = trace.get_current_span()
    invoke(sync_and_async(main)[form], trigger=ITEMS, req=request())

    assert trace.get_current_span() is before
    spans = {span.name: span for span in finished()}
    root = spans["GET /api/items/{id}"]
    assert seen[0].get_span_context() == root.context
    parents = {name: span.parent.span_id for name, span in spans.items() if span is not root}
    assert parents == {
        "parent": root.context.span_id,
        "child": spans["parent"].context.span_id,
        "second": root.context.span_id,
        "third": root.context.span_id,
        "named": root.context.span_id,
    }


def test_concurrent_invocations_do_not_mix(finished):
    """Threads of a pool, tasks of a loop, and threads that an invocation starts: every child has the right parent."""

    def main(req, context):
        with context.tracer.span(f"outer {req.url}"), ThreadPoolExecutor(1) as pool:
            pool.submit(propagate(inner), req.url, context.tracer).result()
        return "x"

    def inner(url, tracer):
        with tracer.span(f"inner {url}"):
            pass

    async def main_async(req, context):
        async def part():
            with context.tracer.span(f"inner {req.url}"):
                await asyncio.sleep(0.001)

        with context.tracer.span(f"outer {req.url}"):
            await asyncio.gather(part(), part())
        return "x"

    async def all_async():
        await asyncio.gather(
            *[invoke_async(main_async, trigger=ITEMS, req=request(url=f"http://h/a{n}")) for n in range(20)]
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: invoke(main, trigger=ITEMS, req=request(url=f"http://h/s{n}")), range(20)))
    asyncio.run(all_async())

    spans = finished()
    by_id = {span.context.span_id: span for span in spans}
    assert len(spans) == 20 * 3 + 20 * 4
    for span in spans:
        if span.name.startswith("inner"):
            assert by_id[span.parent.span_id].name == span.name.replace("inner", "outer")
        elif span.name.startswith("outer"):
            assert by_id[span.parent.span_id].attributes["url.path"] == "/" + span.name.rpartition("/")[2]


def test_requests_and_failures_arrive_as_items(fresh, server):
    """The whole way: function, span, item, HTTP; flushed by the framework."""
    fresh.configure(connection_string=server.connection_string)

    def main(req, context):
        with context.tracer.span("parent"):
            raise ValueError("no")

    with pytest.raises(ValueError):
        invoke(main, trigger=ITEMS, req=request())
    assert flush(20.0)

    summary = [
        (i["data"]["baseType"], i["tags"]["ai.operation.name"], i["tags"]["ai.operation.id"]) for i in server.items
    ]
    everywhere = ("GET /api/items/{id}", f"{TRACE:032x}")
    assert summary == [
        ("RemoteDependencyData", *everywhere),
        ("ExceptionData", *everywhere),
        ("RequestData", *everywhere),
        ("ExceptionData", *everywhere),
    ]
    url = server.items[2]["data"]["baseData"]["url"]
    assert url == "http://localhost:7071/api/items/7"


def test_without_a_connection_string_it_is_said_once_and_the_tracer_works(fresh, caplog):
    """The function cannot tell the difference, and the trace goes on."""
    seen = []

    def main(req, context):
        with context.tracer.span("a"):
            seen.append(trace.get_current_span().get_span_context().trace_id)
        return "fine"

    assert [invoke(main, trigger=ITEMS, req=request()) for _ in range(3)] == ["fine"] * 3

    assert seen == [TRACE] * 3
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert said == [
        "Spans are not exported: there is no connection string and no OTLP endpoint. Set "
        "APPLICATIONINSIGHTS_CONNECTION_STRING or OTEL_EXPORTER_OTLP_ENDPOINT, or call "
        'OpenTelemetryExtension.configure(connection_string=...). To have no export without this line: exporter="none".'
    ]


def test_a_wrong_connection_string_in_the_app_settings_is_said_once(fresh, monkeypatch, caplog):
    """And costs the function nothing."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=")
    for _ in range(2):
        assert invoke(lambda req: "x", trigger=ITEMS, req=request()) == "x"

    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
        "Spans are not exported: APPLICATIONINSIGHTS_CONNECTION_STRING: "
        "Segment 1 of the connection string (InstrumentationKey) is empty."
    ]


@pytest.mark.parametrize(
    ("setting", "settings", "kind"),
    [
        ("auto", {}, SpanKind.SERVER),
        ("auto", {"WEBSITE_INSTANCE_ID": "i"}, SpanKind.SERVER),
        (
            "auto",
            {"WEBSITE_INSTANCE_ID": "i", "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=k"},
            SpanKind.INTERNAL,
        ),
        ("auto", {"FUNCTIONS_CORETOOLS_ENVIRONMENT": "true", "APPINSIGHTS_INSTRUMENTATIONKEY": "k"}, SpanKind.INTERNAL),
        ("auto", {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=k"}, SpanKind.SERVER),
        ("server", {"WEBSITE_INSTANCE_ID": "i", "APPINSIGHTS_INSTRUMENTATIONKEY": "k"}, SpanKind.SERVER),
        ("internal", {}, SpanKind.INTERNAL),
    ],
)
def test_a_request_is_not_counted_twice(fresh, monkeypatch, setting: str, settings: dict, kind):
    """Where the host reports it, our span is a part of the host's request."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter, invocation_span=setting)
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    fresh.shutdown(20.0)
    pipeline._switch.target.shutdown()

    assert [span.kind for span in exporter.get_finished_spans()] == [kind]


def test_inside_the_hosts_request_the_operation_is_the_hosts(fresh, server):
    """Which the host names after the function."""
    fresh.configure(connection_string=server.connection_string, invocation_span="internal")
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    assert flush(20.0)

    (item,) = server.items
    assert item["data"]["baseType"] == "RemoteDependencyData"
    assert item["tags"]["ai.operation.name"] == "HttpTrigger"
    assert item["tags"]["ai.operation.parentId"] == f"{PARENT:016x}"


def test_without_an_invocation_span_children_continue_the_callers_trace(fresh):
    """`invocation_span="none"`."""
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter, invocation_span="none")

    def main(req, context):
        with context.tracer.span("a"):
            return "x"

    invoke(main, trigger=ITEMS, req=request())
    fresh.shutdown(20.0)
    pipeline._switch.target.shutdown()

    (span,) = exporter.get_finished_spans()
    assert (span.name, span.parent.span_id) == ("a", PARENT)


def test_a_provider_that_the_app_set_is_used_and_kept(fresh, server):
    """Its own processors see the invocations too; ours comes to it once."""
    own = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(own))
    trace.set_tracer_provider(provider)
    fresh.configure(connection_string=server.connection_string)
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    fresh.configure(connection_string=server.connection_string, sampling_ratio=1)
    invoke(lambda req: "x", trigger=ITEMS, req=request())

    assert flush(20.0)
    assert trace.get_tracer_provider() is provider
    assert len(own.get_finished_spans()) == 2
    assert len(server.wait_for_items(2)) == 2


def test_the_ratio_of_an_app_with_its_own_provider_is_its_own(fresh, server, caplog):
    """It is said that ours has no effect."""
    trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    fresh.configure(connection_string=server.connection_string, sampling_ratio=0)
    invoke(lambda req: "x", trigger=ITEMS, req=request())

    assert flush(20.0)
    assert len(server.items) == 1
    assert "sampling_ratio has no effect: the app has a tracer provider of its own, with a sampler." in caplog.text


def test_a_provider_set_after_us_is_not_fought_over(fresh):
    """With nothing to export we set none, so that the app still can."""
    fresh.configure(exporter="none")
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    invoke(lambda req: "x", trigger=ITEMS, req=request())

    assert [span.name for span in exporter.get_finished_spans()] == ["GET /api/items/{id}"]


def test_the_last_configure_wins_also_after_the_first_invocation(fresh, server):
    """What was pending still arrives where it was meant to go."""
    exporter = InMemorySpanExporter()
    fresh.configure(connection_string=server.connection_string)
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    fresh.configure(exporter=exporter)
    invoke(lambda req: "x", trigger=ITEMS, req=request())
    fresh.shutdown(20.0)

    assert len(exporter.get_finished_spans()) == 1
    assert len(server.wait_for_items(1)) == 1
    pipeline._switch.target.shutdown()


def test_an_exporter_of_ours_with_options_shares_its_channel(fresh, server):
    """No second thread, and the operation's name is known."""
    exporter = AppInsightsSpanExporter(server.connection_string, max_queue=5)
    fresh.configure(exporter=exporter)

    def main(req, context):
        with context.tracer.span("a"):
            return "x"

    invoke(main, trigger=ITEMS, req=request())
    assert flush(20.0)
    exporter.shutdown()

    assert {item["tags"]["ai.operation.name"] for item in server.items} == {"GET /api/items/{id}"}
    assert exporter.channel.stats()["accepted"] == 2


def test_spans_can_be_printed(fresh, capsys):
    """`exporter="console"`."""
    fresh.configure(exporter="console")
    invoke(lambda req: "x", trigger=ITEMS, req=request())

    assert '"name": "GET /api/items/{id}"' in capsys.readouterr().out


def test_one_decision_for_the_whole_invocation(fresh, server):
    """Nothing of an invocation that was not sampled, and the function runs all the same."""
    fresh.configure(connection_string=server.connection_string, sampling_ratio=0.0)

    def main(req, context):
        with context.tracer.span("a") as span:
            return str(span.is_recording())

    assert invoke(main, trigger=ITEMS, req=request()) == "False"
    assert flush(20.0)
    assert server.requests == []
