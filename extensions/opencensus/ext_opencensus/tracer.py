"""What the function finds as `context.tracer`: a tracer of OpenCensus that belongs to one invocation."""

from __future__ import annotations

import logging
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from opencensus.trace.base_span import BaseSpan  # type: ignore[import-untyped]
from opencensus.trace.propagation.trace_context_http_header_format import (  # type: ignore[import-untyped]
    TraceContextPropagator,
)
from opencensus.trace.trace_options import TraceOptions  # type: ignore[import-untyped]
from opencensus.trace.tracer import Tracer  # type: ignore[import-untyped]
from opencensus.trace.tracers.base import NullContextManager  # type: ignore[import-untyped]
from opencensus.trace.tracers.context_tracer import ContextTracer  # type: ignore[import-untyped]
from opencensus.trace.tracers.noop_tracer import NoopTracer  # type: ignore[import-untyped]

from ext_opencensus.context import InvocationSpanContext, context_of
from ext_opencensus.current import EXPORTS, SPAN
from ext_opencensus.exporter import AppInsightsExporter
from ext_opencensus.options import say_once
from ext_opencensus.spans import InvocationSpan

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_opencensus.settings import Exporter, Sampler

_log = logging.getLogger("ext_opencensus")
_propagator = TraceContextPropagator()


class SpanTracer(ContextTracer):  # type: ignore[misc]
    """Makes the spans of one invocation, and hands each to the exporter as it ends."""

    def __init__(self, exporter: Any, span_context: InvocationSpanContext) -> None:
        self.exporter = exporter
        self._take = getattr(exporter, "take", None) if isinstance(exporter, AppInsightsExporter) else None
        self.span_context = span_context
        self.trace_id = span_context.trace_id
        self.root_span_id = span_context.caller
        self._spans_list: list[InvocationSpan] = []
        self._caller = NullContextManager(span_id=span_context.caller)
        self.own: InvocationSpan | None = None
        """The invocation's own span, which is not the function's to end."""

    def start_span(self, name: str = "span") -> InvocationSpan:
        """Make a span current, inside the one that is."""
        parent = SPAN.get(None)
        span = InvocationSpan(name, self._caller if parent is None else parent, self)
        self._spans_list.append(span)
        SPAN.set(span)
        span.start()
        return span

    def span(self, name: str = "span") -> InvocationSpan:
        """Make a span current, inside the one that is; it ends with its `with` block."""
        return self.start_span(name)

    def end_span(self, *_: Any, **__: Any) -> Any:
        """End the span that is current, else the last one that was started."""
        span = SPAN.get(None)
        if span is None and self._spans_list:
            span = self._spans_list[-1]
        if span is None or span is self.own:
            _log.warning("No active span, cannot do end_span.")
            return None
        self.end(span)
        return span

    def end(self, span: Any) -> None:
        """End a span, which need not be the current one; once. A failure of the exporter is said once."""
        span.finish()
        _leave(span)
        try:
            self._spans_list.remove(span)
        except ValueError:  # it has ended before, or is not of this tracer
            return
        try:
            if self._take is not None:
                self._take(span)
            else:
                self._export(span)
        except Exception as error:
            failed = f"{type(self.exporter).__name__} failed with {type(error).__name__}"
            say_once(logging.ERROR, f"A span is not exported (said once): {failed}", f": {error}")

    def _export(self, span: Any) -> None:
        """Hand a span over. What the exporter sends for it is not traced, or there would be no end of it."""
        before = EXPORTS.set(True)
        try:
            self.exporter.export(span.datas(self.span_context))
        finally:
            EXPORTS.reset(before)

    def finish(self) -> None:
        """End all spans that the function has begun, the innermost first."""
        for span in reversed(list(self._spans_list)):
            if span is not self.own:
                self.end(span)

    def close(self, error: BaseException | None) -> None:
        """End what the function has left open, which has failed if the function has."""
        for span in reversed(list(self._spans_list)):  # which threads of the function may shorten meanwhile
            if error is not None:
                span.fail(error, None)
            self.end(span)

    def add_attribute_to_current_span(self, attribute_key: str, attribute_value: Any) -> None:
        """Set an attribute of the span that is current, if there is one."""
        span = SPAN.get(None)
        if span is not None:
            span.add_attribute(attribute_key, attribute_value)


def _leave(span: Any) -> None:
    """Have no span current that is `span`, or is inside it."""
    inner = SPAN.get(None)
    while isinstance(inner, BaseSpan):
        if inner is span:
            parent = span.parent_span
            SPAN.set(parent if isinstance(parent, BaseSpan) else None)
            return
        inner = inner.parent_span


class InvocationTracer(Tracer):  # type: ignore[misc]
    """The tracer of one invocation."""

    def __init__(self, span_context: InvocationSpanContext, sampler: Sampler | None, exporter: Exporter | None) -> None:
        """Decide whether to record. Unlike the original it is not made current here."""
        self.span_context = span_context
        self.sampler = sampler
        self.exporter = exporter
        self.propagator = _propagator
        self.tracer = self.get_tracer()

    def should_sample(self) -> bool:
        """Ask the sampler; without an exporter there is nothing to record."""
        if self.exporter is None:
            return False
        return self.sampler is None or bool(self.sampler.should_sample(self.span_context))

    def get_tracer(self) -> Any:
        """Return what makes spans: real ones, if the invocation is sampled."""
        context, decided = self.span_context, self.span_context.sampled
        sampled = self.should_sample()
        if self.exporter is not None and sampled is not decided:
            context.sampled = sampled
            context.trace_options = TraceOptions("1" if sampled else "0")
        if not sampled:
            return NoopTracer()
        if self.sampler is not None and not decided:
            context.sample_rate = _percent(self.sampler)
        return SpanTracer(self.exporter, context)

    def trace_decorator(self) -> Callable[[Any], Any]:
        """Return a decorator that makes each call a span. The original's ends none that raises, nor waits for any."""

        def decorator(function: Any) -> Any:
            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self.span(function.__name__):
                    return function(*args, **kwargs)

            @wraps(function)
            async def waiting(*args: Any, **kwargs: Any) -> Any:
                with self.span(function.__name__):
                    return await function(*args, **kwargs)

            return waiting if iscoroutinefunction(function) else wrapper

        return decorator

    def close(self, error: BaseException | None = None) -> None:
        """End what is open."""
        if isinstance(self.tracer, SpanTracer):
            self.tracer.close(error)


def _percent(sampler: Any) -> float:
    """Return the percentage of traces that a sampler keeps, as far as it tells: ProbabilitySampler does."""
    rate = getattr(sampler, "rate", 1.0)
    return rate * 100.0 if isinstance(rate, (int, float)) and 0 < rate <= 1 else 100.0


def nothing() -> Any:
    """Return a tracer that records nothing, for a function whose invocation is not traced."""
    return InvocationTracer(context_of(None), None, None)
