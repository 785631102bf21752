"""Code that was written for OpenCensus's tracer and spans runs with `context.tracer`."""

from __future__ import annotations

import pytest
from opencensus.trace.link import Link
from opencensus.trace.status import Status as TheirStatus
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from ext_opentelemetry.tracer import InvocationTracer


@pytest.fixture
def exported():
    """What ended."""
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exported):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return InvocationTracer(provider.get_tracer("test"))


def test_a_span_by_its_name_is_current_and_ends(tracer, exported):
    with tracer.span(name="parent") as parent, tracer.span(name="child"):
        assert trace.get_current_span().parent.span_id == parent.get_span_context().span_id

    assert [span.name for span in exported.get_finished_spans()] == ["child", "parent"]
    assert not trace.get_current_span().get_span_context().is_valid


def test_attributes_and_annotations(tracer, exported):
    with tracer.span("work") as span:
        span.add_attribute("rows", 7)
        span.add_annotation("half way", done=3)
        tracer.add_attribute_to_current_span("more", "yes")
        tracer.current_span().add_attribute("most", True)

    (ended,) = exported.get_finished_spans()
    assert dict(ended.attributes) == {"rows": 7, "more": "yes", "most": True}
    assert [(event.name, dict(event.attributes)) for event in ended.events] == [("half way", {"done": 3})]


@pytest.mark.parametrize(
    ("given", "code", "description"),
    [
        (TheirStatus(0), StatusCode.OK, None),
        (TheirStatus(5, "not found"), StatusCode.ERROR, "not found"),
        (Status(StatusCode.ERROR, "no"), StatusCode.ERROR, "no"),
        (StatusCode.OK, StatusCode.OK, None),
    ],
)
def test_a_status_of_either_kind(tracer, exported, given, code, description):
    with tracer.span("work") as span:
        span.set_status(given)

    (ended,) = exported.get_finished_spans()
    assert (ended.status.status_code, ended.status.description) == (code, description)


def test_a_link_of_either_kind(tracer, exported, remote):
    with tracer.span("work") as span:
        span.add_link(Link("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", attributes={"a": "b"}))
        span.add_link(remote, {"c": "d"})
        span.add_link(Link("rubbish", "rubbish"))

    (ended,) = exported.get_finished_spans()
    assert [(link.context.span_id, dict(link.attributes)) for link in ended.links] == [
        (0xB7AD6B7169203331, {"a": "b"}),
        (0xB7AD6B7169203331, {"c": "d"}),
    ]


def test_an_exception_is_recorded_once_and_goes_on(tracer, exported):
    with pytest.raises(KeyError), tracer.span("work"):
        raise KeyError("k")

    (ended,) = exported.get_finished_spans()
    assert [event.name for event in ended.events] == ["exception"]
    assert ended.status.status_code is StatusCode.ERROR


def test_everything_that_a_span_of_opentelemetry_has_is_there_too(tracer, exported):
    with tracer.span("work") as span:
        assert span.is_recording()
        assert span.name == "work"
        span.update_name("better")
        span.set_attributes({"a": 1})
        span.add_event("seen", {"b": 2}, timestamp=5)
        span.record_exception(ValueError("v"))
        assert isinstance(span, trace.Span)

    (ended,) = exported.get_finished_spans()
    assert ended.name == "better"
    assert [event.name for event in ended.events] == ["seen", "exception"]


def test_finish_ends_a_span_as_end_does(tracer, exported):
    for end in ("finish", "end"):
        with tracer.span("work") as span:
            getattr(span, end)()
            assert not span.is_recording()

    assert len(exported.get_finished_spans()) == 2


def test_without_a_provider_nothing_fails():
    tracer = InvocationTracer(trace.NoOpTracer())

    with tracer.span() as span:
        span.add_attribute("a", 1)
        span.add_annotation("b")
        assert not span.is_recording()
