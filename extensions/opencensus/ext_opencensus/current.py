"""OpenCensus's execution context: what is current in this thread or task, and how to put back what was.

Its own functions (opencensus/trace/execution_context.py) look a variable up by its name each time, which takes longer
than all else that a span needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opencensus.trace import execution_context  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from contextvars import ContextVar, Token

SPAN: ContextVar[Any] = execution_context._current_span_slot.contextvar
TRACER: ContextVar[Any] = execution_context._tracer_slot.contextvar
ATTRIBUTES: ContextVar[Any] = execution_context._attrs_slot.contextvar
EXPORTS: ContextVar[Any] = execution_context._exporter_slot.contextvar
"""Whether what runs here is an exporter, whose calls integrations leave alone."""


class Entered:
    """A tracer made current here, with no span; `leave` puts back what was, whatever happened in between."""

    __slots__ = ("_attributes", "_span", "_tracer")

    def __init__(self, tracer: Any) -> None:
        self._tracer: Token[Any] = TRACER.set(tracer)
        self._span: Token[Any] = SPAN.set(None)
        self._attributes: Token[Any] = ATTRIBUTES.set(ATTRIBUTES.get(None) or {})

    def leave(self) -> None:
        """Put it back. An abandoned coroutine is closed from elsewhere, where there is nothing to undo."""
        try:
            TRACER.reset(self._tracer)
            SPAN.reset(self._span)
            ATTRIBUTES.reset(self._attributes)
        except ValueError:  # made in another context
            pass
