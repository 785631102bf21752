"""What `context.tracer.span(name)` gives: an OpenTelemetry span that answers to the names of OpenCensus as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanContext, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import Attributes, AttributeValue


class InvocationSpan(Span):
    """A span, passed on to the one that is current, with `add_attribute` and `add_annotation` of OpenCensus.

    `set_status` and `add_link` take the objects of either (opencensus/trace/status.py, opencensus/trace/link.py).
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def __getattr__(self, name: str) -> Any:
        """Whatever else the span has: `name`, `attributes`, `parent` ..."""
        return getattr(self._span, name)

    # OpenCensus

    def add_attribute(self, attribute_key: str, attribute_value: AttributeValue) -> None:
        """Set an attribute: OpenCensus's name for `set_attribute`."""
        self._span.set_attribute(attribute_key, attribute_value)

    def add_annotation(self, description: str, **attrs: AttributeValue) -> None:
        """Add an event: OpenCensus's name for `add_event`."""
        self._span.add_event(description, attrs)

    def finish(self) -> None:
        """End the span: OpenCensus's name for `end`."""
        self._span.end()

    # OpenTelemetry

    def end(self, end_time: int | None = None) -> None:
        """As `opentelemetry.trace.Span.end`."""
        self._span.end(end_time)

    def get_span_context(self) -> SpanContext:
        """As `opentelemetry.trace.Span.get_span_context`."""
        return self._span.get_span_context()

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """As `opentelemetry.trace.Span.set_attributes`."""
        self._span.set_attributes(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """As `opentelemetry.trace.Span.set_attribute`."""
        self._span.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """As `opentelemetry.trace.Span.add_event`."""
        self._span.add_event(name, attributes, timestamp)

    def add_link(self, context: Any, attributes: Attributes = None) -> None:
        """As `opentelemetry.trace.Span.add_link`; takes an OpenCensus `Link` too."""
        if not isinstance(context, SpanContext):
            attributes = attributes or getattr(context, "attributes", None)
            context = _linked(context)
        if context is not None:
            self._span.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """As `opentelemetry.trace.Span.update_name`."""
        self._span.update_name(name)

    def is_recording(self) -> bool:
        """As `opentelemetry.trace.Span.is_recording`."""
        return self._span.is_recording()

    def set_status(self, status: Any, description: str | None = None) -> None:
        """As `opentelemetry.trace.Span.set_status`; takes an OpenCensus `Status` too."""
        if not isinstance(status, (Status, StatusCode)):
            status = _status(status)
        self._span.set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """As `opentelemetry.trace.Span.record_exception`."""
        self._span.record_exception(exception, attributes, timestamp, escaped)


def _linked(link: Any) -> SpanContext | None:
    """Return the span that an OpenCensus link names, by ids in hexadecimal; None if it names none."""
    try:
        found = SpanContext(int(link.trace_id, 16), int(link.span_id, 16), True, TraceFlags(1))
    except (AttributeError, TypeError, ValueError):
        return None
    return found if found.is_valid else None


def _status(status: Any) -> Status:
    """Return an OpenCensus status, whose canonical code 0 means OK, as one of OpenTelemetry."""
    if getattr(status, "canonical_code", 0) == 0:
        return Status(StatusCode.OK)
    return Status(StatusCode.ERROR, getattr(status, "description", None))
