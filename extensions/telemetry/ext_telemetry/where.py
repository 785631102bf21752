"""Where an item belongs: the current span, else the current invocation, else nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from ext_opentelemetry.carried import span_of
from ext_sdk import current_invocation

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from ext_sdk import Invocation


class Place(NamedTuple):
    """What correlates an item."""

    span: Span = INVALID_SPAN
    """The span that it is a child of; an invalid one is none."""

    function: str = ""
    """The name of the function that runs, if one does."""

    def context(self) -> Context:
        """Return the current context with this span in place of any other."""
        return trace.set_span_in_context(self.span)


NOWHERE = Place()


def here() -> Place:
    """Return where an item of this thread or task belongs."""
    span = trace.get_current_span()
    invocation = current_invocation()
    if span.get_span_context().is_valid:
        return Place(span, invocation.function_name if invocation is not None else "")
    return NOWHERE if invocation is None else of_caller(invocation)


def of_invocation(invocation: Invocation) -> Place:
    """Return where an invocation's items belong, seen from its own thread or task at its beginning."""
    span = trace.get_current_span()
    if span.get_span_context().is_valid:
        return Place(span, invocation.function_name)
    return of_caller(invocation)


def of_caller(invocation: Invocation) -> Place:
    """Return where an invocation without a span belongs: its caller's trace, if that is known."""
    given = invocation.trace_context
    span = span_of(getattr(given, "trace_parent", None), getattr(given, "trace_state", None))
    return Place(INVALID_SPAN if span is None else NonRecordingSpan(span), invocation.function_name)


def within(invocation: Invocation, place: Place) -> Place:
    """Return the place of an item of an invocation: below its current span if this thread has one, else its own."""
    if current_invocation() is not invocation:
        return place
    span = trace.get_current_span()
    current = span.get_span_context()
    if current.is_valid and current.trace_id == place.span.get_span_context().trace_id:
        return Place(span, place.function)
    return place
