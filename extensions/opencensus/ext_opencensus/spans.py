"""Spans of OpenCensus that cost less than the original ones, and know how they failed.

A span of OpenCensus makes an ordered dict, three bounded lists and four locks, and writes its times as text twice.
Here each of that is made when it is asked for.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from time import time_ns
from typing import TYPE_CHECKING, Any

from opencensus.trace import attributes as attributes_module  # type: ignore[import-untyped]
from opencensus.trace import span as original
from opencensus.trace.span_context import generate_span_id  # type: ignore[import-untyped]
from opencensus.trace.span_data import SpanData  # type: ignore[import-untyped]
from opencensus.trace.stack_trace import StackTrace  # type: ignore[import-untyped]
from opencensus.trace.status import Status  # type: ignore[import-untyped]
from opencensus.trace.time_event import Annotation  # type: ignore[import-untyped]

from ext_appinsights.fields import timestamp
from ext_appinsights.stacks import from_exception
from ext_opencensus.options import say_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ext_opencensus.tracer import SpanTracer

_OK = Status.as_ok()
_UNKNOWN = 2
"""google.rpc.Code.UNKNOWN, which OpenCensus gives to whatever raised."""
_TOLD_IN = "_ext_opencensus_told_in"
"""Attribute of an exception: the trace in which a span has it whole. To keep the exception would keep its frames."""

_MADE_LATE: dict[str, Callable[[], Any]] = {
    "attributes": lambda: original.BoundedDict(original.MAX_NUM_ATTRIBUTES),
    "annotations": lambda: original.BoundedList(original.MAX_NUM_ANNOTATIONS),
    "message_events": lambda: original.BoundedList(original.MAX_NUM_MESSAGE_EVENTS),
    "links": lambda: original.BoundedList(original.MAX_NUM_LINKS),
    "status": Status.as_ok,
    "_child_spans": list,
}


class Failure(StackTrace):  # type: ignore[misc]
    """The stack of an exception, as any exporter of OpenCensus knows it, and its `details` for ours."""

    details: list[dict[str, Any]] | None = None
    """As Application Insights wants them; None if a span further in has them already."""


class InvocationSpan(original.Span):  # type: ignore[misc]
    """A span that is made by `context.tracer`."""

    stack_trace: Any = None
    same_process_as_parent_span: Any = None
    span_kind: int = original.SpanKind.UNSPECIFIED

    def __init__(self, name: str, parent: Any, tracer: SpanTracer | None) -> None:
        self.name = name
        self.parent_span = parent
        self.context_tracer = tracer
        self.span_id = generate_span_id()
        self._started = self._ended = 0
        for callback in original.Span._on_create_callbacks:
            callback(self)

    def __getattr__(self, name: str) -> Any:
        """Make what the span did not need until now."""
        if name == "start_time":
            return timestamp(self._started) if self._started else None
        if name == "end_time":
            return timestamp(self._ended) if self._ended else None
        make = _MADE_LATE.get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.__dict__.setdefault(name, make())  # of two threads that ask at once, both get the same

    def span(self, name: str = "child_span") -> InvocationSpan:
        """Make a child, which ends up where this span does, and together with it."""
        child = InvocationSpan(name, self, None)
        self._child_spans.append(child)
        return child

    def add_annotation(self, description: str, **attrs: Any) -> None:
        """Note that something happened."""
        now = datetime.now(timezone.utc)
        self.annotations.append(Annotation(now, description, attributes_module.Attributes(attrs)))

    def start(self) -> None:
        """Begin now."""
        self._started = time_ns()

    def finish(self) -> None:
        """End now; the first time counts."""
        if not self._ended:
            self._ended = time_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End this very span, whichever is current, with what was raised in it."""
        if error is not None:
            self.fail(error, traceback)
        if self.context_tracer is None:
            self.finish()
        else:
            self.context_tracer.end(self)

    def fail(self, error: BaseException, traceback: TracebackType | None) -> None:
        """Note what was raised; of several spans that it leaves, the first has it whole."""
        if isinstance(error, GeneratorExit):  # nobody reads on, which is no failure
            return
        try:
            said = str(error)
        except Exception:  # the function's own exception
            said = f"<the text of this {type(error).__name__} could not be made>"
        self.status = Status(_UNKNOWN, said)
        try:
            self.stack_trace = self._failure(error, traceback or error.__traceback__)
        except Exception as trouble:  # in place of the function's own error it must not come
            say_once(logging.ERROR, f"An exception is not told (said once): {type(trouble).__name__}", f": {trouble}")

    def _failure(self, error: BaseException, traceback: TracebackType | None) -> Failure:
        stack = Failure.from_traceback(traceback)
        trace, own = getattr(self.context, "trace_id", None), error.__dict__
        if trace is None or own.get(_TOLD_IN) != trace:
            stack.details = from_exception(error)
            own[_TOLD_IN] = trace
        return stack  # type: ignore[no-any-return]

    def _tracer(self) -> SpanTracer | None:
        span: Any = self
        while span is not None and getattr(span, "context_tracer", None) is None:
            span = getattr(span, "parent_span", None)
        return None if span is None else span.context_tracer

    @property
    def context(self) -> Any:
        """The trace that it belongs to, as `SpanData` has it."""
        tracer = self.context_tracer or self._tracer()
        return None if tracer is None else tracer.span_context

    @property
    def parent_span_id(self) -> str | None:
        """Id of the span around it, as `SpanData` has it."""
        return None if self.parent_span is None else self.parent_span.span_id

    def datas(self, context: Any) -> list[Any]:
        """Return the span, and before it the children that it made itself, as exporters take them."""
        own = self.__dict__
        if "_child_spans" not in own:
            return [self._data(context, 0)]
        return [one._data(context, len(one.children)) for one in self]

    def _data(self, context: Any, children: int) -> Any:
        own = self.__dict__
        get = own.get
        attributes = get("attributes")
        parent = self.parent_span
        return SpanData(
            self.name,
            context,
            self.span_id,
            None if parent is None else parent.span_id,
            {} if attributes is None else dict(attributes),
            get("start_time") or (timestamp(self._started) if self._started else None),
            get("end_time") or (timestamp(self._ended) if self._ended else None),
            children,
            self.stack_trace,
            get("annotations", ()),
            get("message_events", ()),
            get("links", ()),
            get("status", _OK),
            self.same_process_as_parent_span,
            self.span_kind,
        )
