"""What the function finds as `context.tracer`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Tracer, get_current_span

from ext_opentelemetry.spans import InvocationSpan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue


class InvocationTracer(Tracer):
    """An OpenTelemetry tracer that also answers `span(name)`, as tracers of OpenCensus do."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, *args: Any, **kwargs: Any) -> Span:
        """Start a span: as `opentelemetry.trace.Tracer.start_span`."""
        return self._tracer.start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        """Start a span and make it current: as `opentelemetry.trace.Tracer.start_as_current_span`."""
        return self._tracer.start_as_current_span(*args, **kwargs)

    # OpenCensus

    @contextmanager
    def span(self, name: str = "span") -> Iterator[InvocationSpan]:
        """Make a new span current, and end it afterwards; it answers to the names of OpenCensus as well."""
        with self._tracer.start_as_current_span(name) as span:
            yield InvocationSpan(span)

    def current_span(self) -> InvocationSpan:
        """Return the span that is current here: the innermost of the function, else that of the invocation."""
        return InvocationSpan(get_current_span())

    def add_attribute_to_current_span(self, attribute_key: str, attribute_value: AttributeValue) -> None:
        """Set an attribute of the span that is current here."""
        get_current_span().set_attribute(attribute_key, attribute_value)
