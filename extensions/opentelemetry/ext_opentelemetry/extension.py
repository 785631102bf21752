"""The extension: a span around each invocation, current while the function runs."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ext_opentelemetry import settings as declared
from ext_opentelemetry import triggers
from ext_opentelemetry.pipeline import Pipeline
from ext_sdk import AppExtension, SettingsError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ext_sdk import Invocation, Outcome

_log = logging.getLogger("ext_opentelemetry")
_propagator = TraceContextTextMapPropagator()


class OpenTelemetryExtension(AppExtension):
    """Traces every invocation with OpenTelemetry, and exports to Application Insights.

    Importing it is enough where APPLICATIONINSIGHTS_CONNECTION_STRING is set; `configure` takes the fields of
    `Settings`. The function finds a tracer as `context.tracer`.
    """

    Settings = declared.Settings  # type: ignore[assignment]

    order = -100
    """Outside of other extensions, so that what they do is inside the invocation's span."""

    _pipeline: ClassVar[Pipeline | None] = None
    _made_of: ClassVar[declared.Settings | None] = None
    _lock: ClassVar[Lock] = Lock()

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Continue the caller's trace with a span for the invocation, and say how it ended."""
        pipeline = cls._current()
        if pipeline.untold:
            pipeline.tell()
        _plant(invocation, pipeline)
        parent = _parent(invocation.trace_context)
        if pipeline.span == "none":
            yield from _inside(parent)
            return
        name, attributes = triggers.describe(invocation)
        message = triggers.is_message(invocation.trigger.type.lower())
        kind = pipeline.kind(message=message)
        span = pipeline.tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        try:
            outcome = yield from _inside(trace.set_span_in_context(span, parent))
            _record(span, invocation, outcome)
        finally:
            span.end()

    @classmethod
    def shutdown(cls, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds."""
        pipeline = cls._pipeline
        return pipeline is None or pipeline.flush(timeout)

    @classmethod
    def _current(cls) -> Pipeline:
        """Return the pipeline of the settings in force; made at the first invocation, after the app's own set-up."""
        try:
            settings = cls.settings()
        except SettingsError as error:
            settings = cls._made_of if cls._pipeline is not None else _nothing(error)
        if settings is cls._made_of and cls._pipeline is not None:
            return cls._pipeline
        with cls._lock:
            if settings is not cls._made_of or cls._pipeline is None:
                cls._make(settings)
            assert cls._pipeline is not None
            return cls._pipeline

    @classmethod
    def _make(cls, settings: declared.Settings) -> None:
        before = cls._pipeline
        cls._pipeline = Pipeline(settings)
        cls._made_of = settings
        if before is not None:
            before.retire()


def _nothing(error: SettingsError) -> declared.Settings:
    """Say what is wrong with the settings, and go on without export, so that `context.tracer` still works."""
    _log.error("Spans are not exported: %s", error)
    return declared.Settings(exporter="none", instrument=())


def _plant(invocation: Invocation, pipeline: Pipeline) -> None:
    context: Any = invocation.context
    try:
        context.tracer = pipeline.tracer
    except AttributeError:  # the worker's own object: where it takes no new attribute, the span is current all the same
        pass


def _parent(trace_context: Any) -> otel_context.Context:
    """Return the caller's span as the host handed it on (W3C Trace Context), in a context of its own."""
    carrier = {
        "traceparent": getattr(trace_context, "trace_parent", None) or "",
        "tracestate": getattr(trace_context, "trace_state", None) or "",
    }
    # Without a valid one the invocation begins a trace: what is current here may be left over from another invocation,
    # because the workers attach the host's context to pool threads and never detach it.
    clean = trace.set_span_in_context(trace.INVALID_SPAN, otel_context.get_current())
    return _propagator.extract(carrier, context=clean)


def _inside(context: otel_context.Context) -> Generator[None, Outcome, Outcome]:
    """Have the function run with `context` current."""
    token = otel_context.attach(context)
    try:
        return (yield)
    finally:
        otel_context.detach(token)


def _record(span: trace.Span, invocation: Invocation, outcome: Outcome) -> None:
    if not span.is_recording():
        return
    http = invocation.trigger.type.lower() == triggers.HTTP
    if outcome.error is not None:
        error = outcome.error
        span.record_exception(error, escaped=True)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        span.set_attribute("error.type", type(error).__qualname__)
        if http:
            span.set_attribute("http.response.status_code", 500)
        return
    status = triggers.status_of(invocation, outcome.result) if http else None
    if status is not None:
        span.set_attribute("http.response.status_code", status)
        if triggers.is_server_error(status):
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", str(status))
