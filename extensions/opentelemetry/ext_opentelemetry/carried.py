"""The caller's span, as the `traceparent` of a host or of a message carries it (W3C Trace Context)."""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

_TRACEPARENT = re.compile(r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*")
_LONGEST = 512
_NO_STATE = TraceState()


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
    span = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)), _state_of(tracestate))
    return span if span.is_valid else None


def _state_of(tracestate: Any) -> TraceState:
    if not tracestate or not isinstance(tracestate, str):
        return _NO_STATE
    return TraceState.from_header([tracestate])
