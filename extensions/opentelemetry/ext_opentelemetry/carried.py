"""The caller's span, as the `traceparent` of a host or of a message carries it (W3C Trace Context)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

if TYPE_CHECKING:
    from opentelemetry.context import Context

_TRACEPARENT = re.compile(r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*")
_LONGEST = 512
_NO_STATE = TraceState()
_FLAGS = [TraceFlags(value) for value in range(256)]


def span_of(traceparent: Any, tracestate: Any = None) -> SpanContext | None:
    """Return the span that a `traceparent` names; None if it is no valid one, whatever it is. Never raises."""
    if not isinstance(traceparent, str) or len(traceparent) > _LONGEST:
        return None
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (more and version == "00"):
        return None
    state = _state_of(tracestate) if tracestate else _NO_STATE
    span = SpanContext(int(trace_id, 16), int(span_id, 16), True, _FLAGS[int(flags, 16)], state)
    return span if span.is_valid else None


def context_of(span: SpanContext | None) -> Context:
    """Return the current context, but with this span in place of any other; None is no span at all."""
    return trace.set_span_in_context(trace.INVALID_SPAN if span is None else NonRecordingSpan(span))


def _state_of(tracestate: Any) -> TraceState:
    return TraceState.from_header([tracestate]) if isinstance(tracestate, str) else _NO_STATE
