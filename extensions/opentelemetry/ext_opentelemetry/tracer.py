"""What the function finds as `context.tracer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Tracer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span


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

    def span(self, name: str = "span") -> AbstractContextManager[Span]:
        """Return a context manager that makes a new span current, and ends it."""
        return self._tracer.start_as_current_span(name)
