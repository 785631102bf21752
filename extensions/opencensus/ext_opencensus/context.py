"""The caller's span, as the host's `traceparent` carries it (W3C Trace Context), as a span context of OpenCensus."""

from __future__ import annotations

import re
from typing import Any

from opencensus.trace.propagation.tracestate_string_format import (  # type: ignore[import-untyped]
    TracestateStringFormatter,
)
from opencensus.trace.span_context import SpanContext, generate_trace_id  # type: ignore[import-untyped]
from opencensus.trace.trace_options import TraceOptions  # type: ignore[import-untyped]

from ext_opencensus.current import SPAN

_TRACEPARENT = re.compile(r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*")
_LONGEST = 512
_SAMPLED = 1
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16

WHOLE = 100.0
"""Percent: each span stands for itself."""


class InvocationSpanContext(SpanContext):  # type: ignore[misc]
    """The trace of one invocation. Its `span_id` is that of the span which is current where it is asked for.

    OpenCensus keeps the span's id in one place for all threads and tasks of a trace, so that calls which run beside
    each other hand on each other's ids.
    """

    def __init__(self, trace_id: str, caller: str | None, sampled: bool, tracestate: Any = None) -> None:
        # Not the original's checks: what comes here has been matched.
        self.trace_id = trace_id
        self.caller = caller
        """Id of the span that called; None if there is none."""
        self.from_header = caller is not None
        self.sampled = sampled
        """Whether it is recorded: at first what the caller says. `trace_options` has it once they were asked for."""
        self.tracestate = tracestate
        self.operation_name = ""
        """What everything in this operation is told to belong to."""
        self.sample_rate = WHOLE

    def __getattr__(self, name: str) -> Any:
        """Make the trace options when they are asked for: nothing but what calls others does."""
        if name != "trace_options":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.trace_options = TraceOptions("1" if self.sampled else "0")
        return self.trace_options

    @property
    def span_id(self) -> str | None:
        """Of the span that is current here, else of the caller's."""
        span = SPAN.get(None)
        if span is not None and getattr(span.context_tracer, "span_context", None) is self:
            return span.span_id  # type: ignore[no-any-return]
        return self.caller

    @span_id.setter
    def span_id(self, value: str | None) -> None:
        """Take no notice: OpenCensus's own tracers set it."""


def context_of(carried: Any) -> InvocationSpanContext:
    """Return what continues the host's trace context; without a valid one, what begins a trace. Never raises."""
    traceparent = getattr(carried, "trace_parent", None)
    found = None
    if isinstance(traceparent, str) and len(traceparent) <= _LONGEST:
        found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return InvocationSpanContext(generate_trace_id(), None, sampled=False)
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (more and version == "00") or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return InvocationSpanContext(generate_trace_id(), None, sampled=False)
    state = getattr(carried, "trace_state", None)
    sampled = bool(int(flags, 16) & _SAMPLED)
    return InvocationSpanContext(trace_id, span_id, sampled, _state_of(state) if state else None)


def _state_of(text: Any) -> Any:
    try:
        state = TracestateStringFormatter().from_string(text)
        return state if state.is_valid() else None
    except Exception:  # whatever a caller sends
        return None
