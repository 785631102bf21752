"""One decision for each operation, the same that other Application Insights SDKs make."""

from __future__ import annotations

import pytest
from azure.monitor.opentelemetry.exporter.export.trace._utils import _get_DJB2_sample_score
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

from ext_opentelemetry.sampling import InvocationSampler, score


@pytest.mark.parametrize(
    ("trace_id", "expected"),
    [
        (0x0AF7651916CD43DD8448EB211C80319C, 0.5278892803601405),
        (0x4BF92F3577B34DA6A3CE929D0E0E4736, 0.33461353850300124),
        (1, 0.02339351457701694),
        ((1 << 128) - 1, 0.9996135514227736),
    ],
)
def test_the_score_is_that_of_the_other_sdks(trace_id: int, expected: float):
    """Measured on Microsoft's exporter."""
    assert score(trace_id) == expected


@given(st.integers(1, (1 << 128) - 1))
def test_the_score_is_what_microsofts_exporter_computes(trace_id: int):
    """For any trace."""
    assert score(trace_id) == _get_DJB2_sample_score(f"{trace_id:032x}")


@pytest.mark.parametrize("flag", [0, 1])
def test_a_remote_flag_does_not_decide(flag: int):
    """Else the host's sampling would take whole traces away."""
    parent = SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(flag))
    tracer = TracerProvider(sampler=InvocationSampler(1.0), shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("a", trace.set_span_in_context(trace.NonRecordingSpan(parent))) as span:
        assert span.is_recording()


@given(st.floats(0.0, 1.0), st.integers(1, (1 << 128) - 1))
def test_what_is_inside_follows_the_outermost_span(ratio: float, trace_id: int):
    """Whole traces or nothing."""
    tracer = TracerProvider(sampler=InvocationSampler(ratio), shutdown_on_exit=False).get_tracer("test")
    parent = trace.NonRecordingSpan(SpanContext(trace_id, 1, is_remote=True))
    outer = tracer.start_span("outer", trace.set_span_in_context(parent))
    inner = tracer.start_span("inner", trace.set_span_in_context(outer))

    assert outer.is_recording() == inner.is_recording() == (ratio == 1.0 or score(trace_id) < ratio)


def test_it_describes_itself():
    """As every sampler does."""
    assert InvocationSampler(0.5).get_description() == "InvocationSampler{0.5}"
