"""The span of an invocation behaves as the SDK's own."""

from __future__ import annotations

import json
import logging
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from ext_opentelemetry.lean import MOST, LeanSpans, are_limits_set


class Kept(SpanProcessor):
    """Keeps what ended."""

    def __init__(self):
        self.started, self.ended = [], []

    def on_start(self, span, parent_context=None):
        self.started.append(span)

    def on_end(self, span):
        self.ended.append(span)


@pytest.fixture
def kept():
    return Kept()


def both(kept):
    """Return a function that starts the same span twice: as the SDK does, and ours."""
    resource = Resource({"service.name": "shop"})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    tracer, lean = provider.get_tracer("test"), LeanSpans(provider, kept, "test")

    def start(name="GET /", parent=None, kind=SpanKind.SERVER, attributes=None, links=()):
        around = trace.set_span_in_context(trace.NonRecordingSpan(parent or trace.INVALID_SPAN_CONTEXT))
        theirs = tracer.start_span(name, around, kind, dict(attributes or {}), links)
        return theirs, lean.start(name, parent, kind, dict(attributes or {}), links)

    return start


def told(span):
    """Return what a span tells, without what differs from span to span."""
    told = json.loads(span.to_json())
    told.pop("context")
    told.pop("start_time")
    told.pop("end_time")
    for event in told["events"]:
        event.pop("timestamp")
    dropped = (span.dropped_attributes, span.dropped_events, span.dropped_links)
    return told, span.instrumentation_scope.name, dropped


values = st.one_of(
    st.text(max_size=5), st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False),
    st.lists(st.text(max_size=3), max_size=3), st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
keys = st.text(max_size=4)
attributes = st.dictionaries(keys.filter(bool), values, max_size=3)
operations = st.one_of(
    st.tuples(st.just("set_attribute"), keys, values),
    st.tuples(st.just("set_attributes"), attributes),
    st.tuples(st.just("add_event"), st.text(max_size=4), attributes, st.just(7)),
    st.tuples(st.just("add_link"), st.builds(SpanContext, st.integers(0, 3), st.integers(0, 3), st.just(True)), attributes),
    st.tuples(st.just("update_name"), st.text(max_size=4)),
    st.tuples(st.just("set_status"), st.sampled_from([*StatusCode, Status(StatusCode.ERROR, "no"), Status(StatusCode.OK)])),
    st.tuples(st.just("set_status"), st.just(StatusCode.ERROR), st.text(max_size=3)),
    st.tuples(st.just("record_exception"), st.just(KeyError("k")), attributes),
    st.tuples(st.just("end"), st.just(1_700_000_000_000_000_000)),
)  # fmt: skip


@given(attributes, st.lists(operations, max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_is_done_to_it_it_tells_what_the_sdks_span_tells(first, steps):
    logging.disable(logging.WARNING)  # both complain of wrong keys and of what comes too late
    try:
        kept = Kept()
        spans = both(kept)(parent=SpanContext(5, 6, is_remote=True), attributes=first)
        for name, *arguments in [*steps, ("end",)]:
            for span in spans:
                getattr(span, name)(*arguments)
    finally:
        logging.disable(logging.NOTSET)

    theirs, ours = kept.ended
    assert told(ours) == told(theirs)


@pytest.mark.parametrize(
    "parent",
    [
        None,
        SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")])),
        SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(0)),
        SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(3)),
    ],
    ids=["none", "sampled", "not sampled", "random"],
)
def test_its_context_is_what_the_sdk_would_make(kept, parent):
    theirs, ours = (span.get_span_context() for span in both(kept)(parent=parent))

    assert (ours.trace_flags.sampled, ours.trace_state, ours.is_remote) == (True, theirs.trace_state, False)
    if parent is not None:  # W3C Trace Context level 2; older SDKs leave it out
        assert ours.trace_flags & 2 == parent.trace_flags & 2
    assert ours.is_valid
    assert ours.span_id != theirs.span_id
    assert parent is None or ours.trace_id == parent.trace_id


def test_it_is_recording_until_it_ends_and_its_processor_sees_both(kept):
    _, ours = both(kept)()
    assert kept.started[1] is ours
    assert ours.is_recording()
    assert isinstance(ours, (trace.Span, ReadableSpan))

    ours.end()
    assert not ours.is_recording()
    assert kept.ended == [ours]
    assert ours.end_time >= ours.start_time


def test_what_comes_after_its_end_is_said_and_changes_nothing(kept, caplog):
    _, ours = both(kept)()
    ours.end()
    before = told(ours)

    ours.set_attribute("late", 1)
    ours.add_event("late")
    ours.update_name("late")
    ours.end()

    assert told(ours) == before
    assert kept.ended == [ours]
    assert [record.getMessage() for record in caplog.records] == [
        "Setting attribute on an ended span.",
        "Adding an event on an ended span.",
        "Setting the name on an ended span.",
        "Calling end() on an ended span.",
    ]


@pytest.mark.parametrize("count", [MOST - 1, MOST, MOST + 1, MOST + 30])
def test_it_keeps_the_last_ones_where_there_are_too_many(kept, count):
    links = [Link(SpanContext(1, 1 + number, is_remote=True), {}) for number in range(count)]
    spans = both(kept)(attributes={"first": 1}, links=links)
    for span in spans:
        for number in range(count):
            span.set_attribute(f"a{number}", number)
            span.add_event(f"e{number}", timestamp=number)
            span.add_link(SpanContext(2, 1 + number, is_remote=True), {})
        span.end()

    theirs, ours = kept.ended
    assert told(ours) == told(theirs)


def test_an_exception_in_its_block_is_recorded_and_goes_on(kept):
    for span in both(kept)():
        with pytest.raises(LookupError), span:
            raise LookupError("gone")

    theirs, ours = (told(span)[0] for span in kept.ended)
    for one in (theirs, ours):  # the frames name the line above
        assert "LookupError: gone" in one["events"][0]["attributes"].pop("exception.stacktrace")
    assert ours == theirs
    assert ours["status"] == {"status_code": "ERROR", "description": "LookupError: gone"}


@pytest.mark.parametrize(
    "name", ["OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT"]
)
def test_limits_of_the_environment_are_noticed(monkeypatch, name):
    assert not are_limits_set()
    monkeypatch.setenv(name, "5")
    assert are_limits_set()


def test_events_of_threads_are_all_kept(kept):
    """Also the first of each, which have no list yet."""
    _, ours = both(kept)()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(300):
            ours._events, ours._end_time = (), None
            vars(ours).pop("_events_kept", None)
            together = threading.Barrier(4)

            def add(together=together):
                together.wait(20.0)
                ours.add_event("one")

            threads = [threading.Thread(target=add) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(ours.events) == 4
    finally:
        sys.setswitchinterval(interval)


def test_threads_may_set_more_than_there_is_room_for(kept):
    """The oldest make room; nobody's call fails because another thread does the same."""
    _, ours = both(kept)(attributes={str(number): number for number in range(MOST)})
    failed = []

    def put(name):
        try:
            for number in range(5_000):
                ours.set_attribute(f"{name} {number}", number)
        except Exception as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert failed == []
    assert len(ours.attributes) <= MOST + 4
