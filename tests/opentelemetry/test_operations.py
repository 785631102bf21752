"""Everything in one operation carries its name and its sampling rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind

from ext_appinsights import Channel
from ext_opentelemetry import AppInsightsSpanExporter
from ext_opentelemetry.exporter import ChannelSpanProcessor
from ext_opentelemetry.operations import OPEN, REMEMBERED, Operations, operations_within
from ext_opentelemetry.sampling import InvocationSampler

NOBODY = Resource({})
ROUTE = {"http.request.method": "GET", "http.route": "/items/{id}", "http.response.status_code": 200}


def operation_names(items: list[dict]) -> dict[str, str | None]:
    """Return the operation name by each item's own name."""
    names = {}
    for item in items:
        data = item["data"]["baseData"]
        name = data.get("name") or data.get("message") or data["exceptions"][0]["typeName"]
        names[name] = item["tags"].get("ai.operation.name")
    return names


@pytest.fixture
def traced(server):
    """A tracer whose spans go through our processor to the server, and a way to wait for them."""
    channel = Channel(server.connection_string)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ChannelSpanProcessor(channel))

    def items():
        assert channel.flush(20.0)
        return server.items

    yield provider.get_tracer("test"), items
    provider.shutdown()


@pytest.fixture
def tracer():
    """A tracer without any processor."""
    return TracerProvider(shutdown_on_exit=False).get_tracer("test")


def test_all_that_is_inside_has_the_requests_name(traced):
    """Dependencies, their dependencies, messages and exceptions; also when the route is known last."""
    tracer, items = traced
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as request:
        with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner") as inner:
            inner.add_event("noted")
            inner.record_exception(KeyError("x"))
        request.set_attributes(ROUTE)

    expected = ["inner", "noted", "KeyError", "outer", "GET /items/{id}"]
    assert operation_names(items()) == dict.fromkeys(expected, "GET /items/{id}")


def test_two_requests_of_one_trace_keep_their_own_names(traced):
    """As when a service calls itself over HTTP."""
    tracer, items = traced
    with tracer.start_as_current_span("first", kind=SpanKind.SERVER) as first:
        remote = trace.NonRecordingSpan(
            trace.SpanContext(first.get_span_context().trace_id, 7, is_remote=True, trace_flags=trace.TraceFlags(1))
        )
        with (
            tracer.start_as_current_span("second", trace.set_span_in_context(remote), kind=SpanKind.SERVER),
            tracer.start_as_current_span("inside second"),
        ):
            pass
        with tracer.start_as_current_span("inside first"):
            pass

    assert operation_names(items()) == {
        "first": "first", "inside first": "first", "second": "second", "inside second": "second",
    }  # fmt: skip


def test_what_starts_after_its_parent_ended_inherits_too(traced):
    """Background work goes on under its request's name."""
    tracer, items = traced
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes=ROUTE) as request:
        pass
    with tracer.start_as_current_span("later", trace.set_span_in_context(request)):
        pass

    assert operation_names(items())["later"] == "GET /items/{id}"


def test_what_is_remembered_is_bounded(make_span):
    """Memory does not grow with the number of spans, whether they end or not."""
    operations = Operations()
    for _ in range(REMEMBERED + 50):
        span = make_span("s", SpanKind.INTERNAL)
        operations.start(span)
        operations.of(span)
    assert (len(operations._open), len(operations._ended)) == (0, REMEMBERED)

    span = make_span("s", SpanKind.INTERNAL)
    for number in range(OPEN + 50):
        operations.start(ReadableSpan("s", SpanContext(1, number + 1, is_remote=False), resource=span.resource))
    assert len(operations._open) == OPEN


def test_an_open_operation_is_not_forgotten_while_others_come_and_go(make_span, tracer):
    """A long invocation among thousands of short ones."""
    operations = Operations()
    with tracer.start_as_current_span("long", kind=SpanKind.SERVER) as long:
        operations.start(long)
        for _ in range(REMEMBERED + 50):
            span = make_span("s", SpanKind.INTERNAL)
            operations.start(span)
            operations.of(span)
        with tracer.start_as_current_span("inside") as inside:
            operations.start(inside)

    assert operations.of(inside).name == "long"


def test_an_operation_is_found_by_the_ids_of_any_of_its_spans(tracer):
    """As log records carry them; before and after the span ended."""
    operations = Operations()
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as request:
        operations.start(request)
        with tracer.start_as_current_span("inside") as inside:
            operations.start(inside)
        ids = inside.get_span_context()
        found = operations.of_context(ids.trace_id, ids.span_id)
        assert found is operations.of(inside)
        assert operations.of_context(ids.trace_id, ids.span_id) is found
        request.set_attributes(ROUTE)

    assert found.name == "GET /items/{id}"
    assert operations.of_context(ids.trace_id, 7) is None


def test_many_threads_share_one_registry(tracer):
    """Each operation keeps its own name, and nothing stays open."""
    operations = Operations()

    def invoke(number: int) -> list[str]:
        names = []
        for turn in range(50):
            with tracer.start_as_current_span(f"{number}-{turn}", kind=SpanKind.SERVER) as request:
                operations.start(request)
                with tracer.start_as_current_span("inside") as inside:
                    operations.start(inside)
                names.append(operations.of(inside).name == f"{number}-{turn}")
            operations.of(request)
        return names

    with ThreadPoolExecutor(8) as pool:
        assert all(all(names) for names in pool.map(invoke, range(200)))
    assert len(operations._open) == 0
    assert len(operations._ended) <= REMEMBERED + 8


def test_spans_that_were_not_sampled_are_not_sent(server):
    """A sampler's word counts."""
    channel = Channel(server.connection_string)
    provider = TracerProvider(sampler=InvocationSampler(0.0), shutdown_on_exit=False)
    provider.add_span_processor(ChannelSpanProcessor(channel))
    with provider.get_tracer("test").start_as_current_span("a"):
        pass
    provider.shutdown()

    assert server.requests == []


def test_the_rate_is_on_every_item_of_a_sampled_operation(server, make_span):
    """Each stands for as many as its request."""
    channel = Channel(server.connection_string)
    provider = TracerProvider(sampler=InvocationSampler(0.9999999), shutdown_on_exit=False)
    provider.add_span_processor(ChannelSpanProcessor(channel))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("a", kind=SpanKind.SERVER), tracer.start_as_current_span("b") as b:
        b.add_event("c")
    provider.shutdown()

    assert [item["sampleRate"] for item in server.items] == [pytest.approx(99.99999)] * 3


@pytest.mark.parametrize("processor", [SimpleSpanProcessor, BatchSpanProcessor])
def test_the_exporter_works_with_any_provider(server, processor):
    """Without the extension; what ends together shares its operation's name."""
    exporter = AppInsightsSpanExporter(server.connection_string, max_queue=100)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes=ROUTE), tracer.start_as_current_span("a"):
        pass
    assert provider.force_flush(20_000)
    assert exporter.force_flush(20_000)

    # A simple processor hands over one span at a time, so the child's request is unknown: no name is better than a wrong one.
    known = "GET /items/{id}" if processor is BatchSpanProcessor else None
    assert operation_names(server.items) == {"a": known, "GET /items/{id}": "GET /items/{id}"}
    provider.shutdown()
    assert exporter.channel.stats()["accepted"] == 2


def test_the_exporter_keeps_as_many_spans_as_the_channel_may_hold(make_span):
    """Not as many batches: memory is bounded while the service is away."""
    exporter = AppInsightsSpanExporter("InstrumentationKey=k;IngestionEndpoint=http://127.0.0.1:1", max_queue=10, max_batch=5)  # fmt: skip
    for _ in range(20):
        exporter.export([make_span("x", SpanKind.INTERNAL) for _ in range(50)])
    held = exporter.channel.stats()["waiting"]
    exporter.channel.close(0.0)

    assert held <= 10 + 5


def child(number, parent, *, remote=False):
    """Return an ended span by its number and that of its parent."""
    above = SpanContext(1, parent, is_remote=remote) if parent else None
    return ReadableSpan(str(number), SpanContext(1, number, is_remote=False), above, NOBODY)


def test_spans_that_ended_together_have_the_name_of_their_outermost_one():
    """A span whose parent is not among them has none, and neither have those of a circle."""
    spans = [child(2, 1), child(1, 9, remote=True), child(4, 3), child(3, 8), child(5, 6), child(6, 5), child(7, 7)]

    found = operations_within(spans)

    assert [operation and operation.name for operation in found] == ["1", "1", None, None, None, None, None]
    assert found[0] is found[1]


def test_spans_may_be_nested_very_deeply():
    """Each way up is gone once: in 10,000 spans there are fifty million steps otherwise."""
    spans = [child(number, number - 1) for number in range(1, 10_001)]

    found = operations_within(spans[::-1])

    assert {operation.name for operation in found} == {"1"}
