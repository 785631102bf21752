"""One invocation under way: its tracer, current while the function runs, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_opencensus import web
from ext_opencensus.context import context_of
from ext_opencensus.current import Entered
from ext_opencensus.tracer import InvocationTracer, SpanTracer

if TYPE_CHECKING:
    from ext_opencensus.pipeline import Pipeline
    from ext_opencensus.spans import InvocationSpan
    from ext_sdk import Invocation, Outcome

_SERVER = 1


class Traced:
    """One invocation, from before the function until after it."""

    __slots__ = ("_entered", "_invocation", "_span", "tracer")

    def __init__(self, pipeline: Pipeline, invocation: Invocation) -> None:
        """Make its tracer, and that the current one here."""
        context = context_of(invocation.trace_context)
        context.operation_name = invocation.function_name
        self._invocation = invocation
        self.tracer = InvocationTracer(context, pipeline.sampler, pipeline.exporter)
        self._span: InvocationSpan | None = None
        self._entered = Entered(self.tracer)
        if pipeline.span_kind != "none" and isinstance(self.tracer.tracer, SpanTracer):
            self._begin(pipeline.span_kind)

    def _begin(self, kind: str) -> None:
        """Start the invocation's own span."""
        span = self._span = self.tracer.tracer.own = self.tracer.tracer.start_span(self._invocation.function_name)
        span.add_attribute("faas.invocation_id", self._invocation.id)
        span.add_attribute("faas.coldstart", self._invocation.cold_start)
        if self._invocation.trigger.type == "httpTrigger":
            for key, value in web.attributes_of(self._invocation).items():
                span.add_attribute(key, value)
        if kind == "server":
            span.span_kind = _SERVER
            method, route = span.attributes.get("http.method"), span.attributes.get("http.route")
            if route:
                self.tracer.span_context.operation_name = f"{method or ''} {route}".strip()

    def end(self, outcome: Outcome | None) -> None:
        """Put back what was current, and end what is open, with what the function raised."""
        error: Any = None if outcome is None else outcome.error
        try:
            self._finish(outcome, error)
        finally:
            self._entered.leave()

    def _finish(self, outcome: Outcome | None, error: BaseException | None) -> None:
        span = self._span
        if span is not None and outcome is not None and self._invocation.trigger.type == "httpTrigger":
            status = 500 if error is not None else web.status_of(self._invocation.args, outcome.result)
            if status is not None:
                span.add_attribute("http.status_code", status)
        self.tracer.close(error)
