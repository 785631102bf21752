"""Log records of OTLP as the mapping of ext_opentelemetry takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.otlp.spans import SPAN_ID_BYTES, TRACE_ID_BYTES, identifier

if TYPE_CHECKING:
    from ext_devkit.insights.otlp.origin import Origin
    from ext_devkit.insights.otlp.reading import Sent
    from ext_devkit.insights.otlp.values import Values


class Record(NamedTuple):
    """What a log record says (OpenTelemetry: logs data model); invalid identifiers are none, as the protocol wants."""

    timestamp: int
    observed_timestamp: int
    trace_id: int
    span_id: int
    severity_number: int
    body: Any
    attributes: dict[str, Any]
    event_name: str


class Logged(NamedTuple):
    """A record with who speaks and the scope, whose `name` is a custom dimension."""

    log_record: Record
    resource: Origin
    instrumentation_scope: Any


def record_of(sent: Sent, origin: Origin, values: Values) -> Logged:
    """Return a log record."""
    message: Any = sent.item
    record = Record(
        timestamp=message.time_unix_nano,
        observed_timestamp=message.observed_time_unix_nano,
        trace_id=identifier(message.trace_id, TRACE_ID_BYTES),
        span_id=identifier(message.span_id, SPAN_ID_BYTES),
        severity_number=message.severity_number,
        body=values.value(message.body),
        attributes=values.attributes(message.attributes),
        event_name=getattr(message, "event_name", ""),  # since opentelemetry-proto 1.35
    )
    return Logged(record, origin, sent.scope if sent.scope.name else None)
