"""Spans of OTLP as those of the SDK, which the mapping of ext_opentelemetry takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from ext_devkit.insights.ingest.rejection import RejectedError

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from ext_devkit.insights.otlp.origin import Origin
    from ext_devkit.insights.otlp.reading import Sent
    from ext_devkit.insights.otlp.values import Values

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
KNOWS_REMOTE, IS_REMOTE = 0x100, 0x200
"""Bits of `flags` (trace.proto, SpanFlags)."""

_KINDS = {
    1: SpanKind.INTERNAL,
    2: SpanKind.SERVER,
    3: SpanKind.CLIENT,
    4: SpanKind.PRODUCER,
    5: SpanKind.CONSUMER,
}
_ENTRIES = (SpanKind.SERVER, SpanKind.CONSUMER)
_STATUS = {code: Status(StatusCode(code)) for code in (0, 1, 2)}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def span_of(sent: Sent, origin: Origin, values: Values) -> ReadableSpan:
    """Return a span; raise RejectedError if it has no valid identifiers, which are required."""
    message: Any = sent.item
    trace_id = identifier(message.trace_id, TRACE_ID_BYTES)
    span_id = identifier(message.span_id, SPAN_ID_BYTES)
    if not trace_id:
        raise _invalid("trace_id", TRACE_ID_BYTES, message.trace_id)
    if not span_id:
        raise _invalid("span_id", SPAN_ID_BYTES, message.span_id)
    kind = _KINDS.get(message.kind, SpanKind.INTERNAL)
    started = message.start_time_unix_nano
    return ReadableSpan(
        name=message.name,
        context=SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED),
        parent=_parent(message, trace_id, kind),
        resource=cast("Resource", origin),
        attributes=values.attributes(message.attributes),
        events=[
            Event(event.name, values.attributes(event.attributes), event.time_unix_nano or started)
            for event in values.parts(message.events)
        ],
        links=_links(message, values),
        kind=kind,
        status=_STATUS.get(message.status.code, _STATUS[0]),
        start_time=started,
        end_time=message.end_time_unix_nano,
    )


def _invalid(field: str, size: int, found: bytes) -> RejectedError:
    return RejectedError(
        f"The {field} of a span must be {size} bytes that are not all zero, not {found[:32].hex()!r} in hexadecimal."
    )


def identifier(content: bytes, size: int) -> int:
    """Return an identifier as number; 0 if it is not valid."""
    return int.from_bytes(content, "big") if len(content) == size else 0


def _parent(message: Any, trace_id: int, kind: SpanKind) -> SpanContext | None:
    parent_id = identifier(message.parent_span_id, SPAN_ID_BYTES)
    if not parent_id:
        return None
    # Older SDKs do not say it; what enters a process has its parent outside.
    remote = bool(message.flags & IS_REMOTE) if message.flags & KNOWS_REMOTE else kind in _ENTRIES
    return SpanContext(trace_id, parent_id, is_remote=remote, trace_flags=_SAMPLED)


def _links(message: Any, values: Values) -> list[Link]:
    return [
        Link(
            SpanContext(
                identifier(link.trace_id, TRACE_ID_BYTES), identifier(link.span_id, SPAN_ID_BYTES), is_remote=True
            ),
            values.attributes(link.attributes),
        )
        for link in values.parts(message.links)
    ]
