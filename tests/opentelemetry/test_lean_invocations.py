"""When an invocation's span is made without the SDK's machinery, and when with it."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ext_opentelemetry.lean import LeanSpan
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke

TIMER = Trigger("timer", "timerTrigger", {})


def span_within(fresh, **settings):
    """Return the span that is current in a function."""
    fresh.configure(**{"exporter": "console", **settings})
    seen = []
    invoke(lambda: seen.append(trace.get_current_span()), name="Job", trigger=TIMER)
    return seen[0]


def test_with_the_extensions_own_provider_it_is_lean(fresh, capsys):
    assert type(span_within(fresh)) is LeanSpan
    assert '"name": "Job"' in capsys.readouterr().out


@pytest.mark.parametrize("name", ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"])
def test_where_limits_are_set_it_is_the_sdks(fresh, monkeypatch, name):
    monkeypatch.setenv(name, "5")
    assert isinstance(span_within(fresh), Span)


def test_where_not_everything_is_kept_the_sampler_is_asked(fresh):
    assert not span_within(fresh, sampling_ratio=0.0).is_recording()


def test_with_a_provider_of_the_app_it_is_of_that(fresh):
    exported = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    trace.set_tracer_provider(provider)

    assert isinstance(span_within(fresh), Span)
    assert [span.name for span in exported.get_finished_spans()] == ["Job"]


def test_a_processor_that_the_app_adds_to_our_provider_gets_it_too(fresh):
    """From then on it is the SDK's, which tells each processor."""
    span_within(fresh)
    heard = []

    class Hears(SpanProcessor):
        def on_end(self, span):
            heard.append(span.name)

    trace.get_tracer_provider().add_span_processor(Hears())

    assert isinstance(span_within(fresh), Span)
    assert heard == ["Job"]


def test_where_the_sdk_is_switched_off_nothing_records(fresh, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not span_within(fresh).is_recording()
