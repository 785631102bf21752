"""What the extension sets up, from its settings and from what the app has set up before."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from ext_opentelemetry import AppInsightsSpanExporter, pipeline
from ext_sdk import flush
from tests.support.invocations import ITEMS, PARENT, TRACE, request
from tests.support.lifecycle import invoke


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
