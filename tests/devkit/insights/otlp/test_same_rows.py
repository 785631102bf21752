"""What the official OTLP exporters send is stored as our own exporters for Application Insights have it stored."""

from __future__ import annotations

import json

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from ext_devkit.insights.server import InsightsServer
from ext_opentelemetry import AppInsightsLogExporter, AppInsightsMetricExporter, AppInsightsSpanExporter
from ext_opentelemetry.metric_exporter import TEMPORALITY
from tests.opentelemetry.test_against_official import SPANS
from tests.support.otlp_http import JSON, as_json, send

RESOURCE = Resource(
    {"service.name": "shop", "service.namespace": "ns", "service.version": "1.2", "service.instance.id": "one"}
)
REMOTE = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(1))
OF_THE_SENDER = ("itemId", "iKey", "sdkVersion")
"""Columns that tell the ways apart: OTLP knows no key, and another SDK sent it."""


@pytest.fixture
def ways():
    """Two servers: one for our exporter and one for OTLP. Old times are taken, as the spans are of one fixed day."""
    with InsightsServer(strict=False) as ours, InsightsServer(strict=False) as theirs:
        yield ours, theirs


def everything(server):
    """Return all rows of all tables, in an order of their own."""
    found = []
    for table, count in server.store.counts().items():
        for row in server.store.rows(table, limit=count) if count else []:
            row["customDimensions"].pop("_refused", None)
            found.append({key: value for key, value in row.items() if key not in OF_THE_SENDER})
    return sorted(found, key=json.dumps)


def spans():
    """Return ended spans of every shape, and a tree of three."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    tracer = provider.get_tracer("test")
    start = 1_767_323_045_678_901_000
    ended = []
    for name, kind, attributes, *rest in SPANS.values():
        options = {"parent": REMOTE, "links": (), "change": None} | (rest[0] if rest else {})
        context = set_span_in_context(NonRecordingSpan(options["parent"])) if options["parent"] else None
        span = tracer.start_span(name, context, kind, attributes, options["links"], start_time=start)
        if options["change"] is not None:
            options["change"](span)
        span.end(start + 1_500_000_000)
        ended.append(span)
    with (
        tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes={"http.method": "GET"}) as root,
        tracer.start_as_current_span("inside") as inner,
        tracer.start_as_current_span("innermost") as innermost,
    ):
        innermost.set_attribute("deep", "\0 and \N{SNOWMAN}")
    return [*ended, innermost, inner, root]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans(ways, compression):
    ours, theirs = ways
    batch = spans()
    direct = AppInsightsSpanExporter(ours.connection_string, redact=False, journal=False)
    direct.export(batch)
    direct.shutdown()

    OTLPSpanExporter(f"{theirs.url}/v1/traces", compression=compression).export(batch)

    assert everything(theirs) == everything(ours)
    assert len(everything(ours)) >= len(batch)


def test_spans_in_json(ways):
    ours, theirs = ways
    batch = encode_spans(spans())
    assert send(ours, "traces", batch.SerializeToString())[0] == 200

    assert send(theirs, "traces", as_json(batch), JSON)[0] == 200

    assert everything(theirs) == everything(ours)


LOGS = [
    {"body": "sold out", "severity_number": SeverityNumber.WARN, "attributes": {"item": 7, "known": True}},
    {"body": None, "attributes": {"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": "x"}},
    {"body": "tried", "attributes": {"exception.type": "ValueError", "exception.message": "no"}},
    {"body": "", "attributes": {"microsoft.custom_event.name": "bought", "microsoft.custom_measurements": '{"a": 1}'}},
    {"body": "up", "attributes": {"microsoft.availability.id": "1", "microsoft.availability.name": "ping",
                                  "microsoft.availability.duration": "00:00:01", "microsoft.availability.success": "true"}},
    {"body": {"a": [1, {"b": None}], "c": 1.5}, "severity_number": SeverityNumber.FATAL, "event_name": "shop.closed"},
    {"body": "x" * 40_000, "attributes": {"enduser.id": "me", "session.id": "s", "client.address": "10.0.0.1"}},
    {"body": b"bytes", "attributes": {"list": ("a", "b"), "ai.operation.name": "GET /"}},
]  # fmt: skip


def test_log_records(ways):
    ours, theirs = ways
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    context = set_span_in_context(NonRecordingSpan(REMOTE))
    for number, fields in enumerate(LOGS):
        record = LogRecord(timestamp=1_767_323_045_678_901_000 + number, context=context, **fields)
        provider.get_logger("shop.stock").emit(record)
    batch = memory.get_finished_logs()
    direct = AppInsightsLogExporter(ours.connection_string, redact=False, journal=False)
    direct.export(batch)
    direct.shutdown()

    OTLPLogExporter(f"{theirs.url}/v1/logs").export(batch)

    assert everything(theirs) == everything(ours)
    assert len(everything(ours)) == len(LOGS)
    assert send(theirs, "logs", as_json(encode_logs(batch)), JSON)[0] == 200
    assert len(everything(theirs)) == 2 * len(LOGS)


@pytest.mark.parametrize("by", ["delta", "total"])
def test_metrics(ways, by):
    """OTLP's exporters send running totals unless they are told otherwise; of these, what they grew by is stored."""
    ours, theirs = ways
    readers = [InMemoryMetricReader(TEMPORALITY), InMemoryMetricReader(TEMPORALITY if by == "delta" else None)]
    provider = MeterProvider(
        readers,
        RESOURCE,
        shutdown_on_exit=False,
        views=[View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())],
    )
    meter = provider.get_meter("shop")
    sales, stock, left = (
        meter.create_counter("sales"),
        meter.create_up_down_counter("stock"),
        meter.create_gauge("left"),
    )
    size, wait = meter.create_histogram("size"), meter.create_histogram("wait")

    def measure(number):
        sales.add(3 * number, {"tenant": "a"})
        sales.add(5, {"tenant": "b"})
        stock.add(-number)
        left.set(1.5)
        for value in (1.5, -2.5 * number):
            size.record(value)
        wait.record(4.0)

    for number in (1, 2):
        measure(number)
        direct = AppInsightsMetricExporter(ours.connection_string, redact=False, journal=False)
        direct.export(readers[0].get_metrics_data())
        direct.shutdown()
        OTLPMetricExporter(f"{theirs.url}/v1/metrics").export(readers[1].get_metrics_data())

    assert facts(theirs, by) == facts(ours, by)
    assert len(facts(ours, by)) == 12


def facts(server, by):
    """Return rows without what differs: the time, and what is least and most, which a total does not tell."""
    unknown = ("timestamp", "valueMin", "valueMax") if by == "total" else ("timestamp",)
    return [{key: value for key, value in row.items() if key not in unknown} for row in everything(server)]
