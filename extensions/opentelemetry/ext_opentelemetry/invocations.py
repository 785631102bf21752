"""The span of one invocation: what it continues, that it is current while the function runs, and how it ended."""

from __future__ import annotations

import json
import logging
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Status, StatusCode

from ext_opentelemetry import links, triggers
from ext_opentelemetry.carried import span_of
from ext_opentelemetry.triggers import web

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.context import Context

    from ext_opentelemetry.links import Origin
    from ext_opentelemetry.pipeline import Pipeline
    from ext_opentelemetry.triggers import Source
    from ext_sdk import Invocation, Outcome

    Steps = Generator[None, Outcome, None]

_log = logging.getLogger("ext_opentelemetry")


def traced(pipeline: Pipeline, invocation: Invocation) -> Steps:
    """Have the function run within its span, or, where it is to have none, within the caller's."""
    source = triggers.source_of(invocation)
    carried = invocation.trace_context
    host = span_of(getattr(carried, "trace_parent", None), getattr(carried, "trace_state", None))
    origin = links.Origin(host, ())
    if source.messages is not None:
        origin = links.origin_of(source.messages, source.value(invocation), host)
    # Without a caller the invocation begins a trace: what is current here may be left over from another invocation,
    # because the workers attach the host's context to pool threads and never detach it.
    caller = trace.INVALID_SPAN if origin.parent is None else NonRecordingSpan(origin.parent)
    around = trace.set_span_in_context(caller)
    if pipeline.span == "none":
        yield from _inside(around)
    elif source.replays:
        yield from _episode(pipeline, invocation, source, around)
    else:
        yield from _spanned(pipeline, invocation, source, origin, around)


def _spanned(pipeline: Pipeline, invocation: Invocation, source: Source, origin: Origin, around: Context) -> Steps:
    try:
        name, attributes = source.describe(invocation)
        kind = pipeline.kind(message=source.messages is not None)
        span = pipeline.start_span(name, around, origin.parent, kind, attributes, origin.links)
    except Exception as error:  # of a sampler or a processor of the app
        say_once("An invocation has no span", error)
        yield from _inside(around)
        return
    outcome = None
    try:
        outcome = yield from _inside(trace.set_span_in_context(span, around))
    finally:
        _end(span, invocation, source, outcome)


def _end(span: trace.Span, invocation: Invocation, source: Source, outcome: Outcome | None) -> None:
    try:
        if outcome is not None and span.is_recording():
            if outcome.error is not None:
                _record_failure(span, outcome.error, is_http=source.is_http)
            elif source.is_http:
                _record_status(span, web.status_of(invocation.args, outcome.result))
    except Exception as error:  # such as of a function's own exception that cannot be printed
        say_once("The span of an invocation is not complete", error)
    try:
        span.end()
    except Exception as error:  # of a processor of the app
        say_once("The span of an invocation is not exported", error)


def _episode(pipeline: Pipeline, invocation: Invocation, source: Source, around: Context) -> Steps:
    """Have a Durable orchestrator run, which is invoked anew after each of its steps and replays those before.

    So that an orchestration is not as many spans as it has steps, it gets one when it completes or fails: of its
    last episode.
    """
    began = time_ns()
    outcome = yield from _inside(around)
    if outcome.error is None and not _is_done(outcome.result):
        return
    try:
        name, attributes = source.describe(invocation)
        span = pipeline.tracer.start_span(name, around, pipeline.kind(message=False), attributes, start_time=began)
    except Exception as error:  # as above
        say_once("An invocation has no span", error)
        return
    _end(span, invocation, source, outcome)


def _is_done(result: Any) -> bool:
    """Whether what an orchestrator returned says that there is nothing left to do (azure-functions-durable)."""
    try:
        return json.loads(result)["isDone"] is True
    except (TypeError, ValueError, LookupError, RecursionError):
        return True


def _inside(context: Context) -> Generator[None, Outcome, Outcome]:
    """Have the function run with `context` current."""
    token = otel_context.attach(context)
    outcome = None
    try:
        outcome = yield
    finally:
        # An abandoned coroutine is closed from elsewhere, where there is nothing to undo.
        abandoned = outcome is not None and isinstance(outcome.error, GeneratorExit)
        if not abandoned or otel_context.get_current() is context:
            otel_context.detach(token)
    return outcome


def _record_failure(span: trace.Span, error: BaseException, *, is_http: bool) -> None:
    if is_http:
        span.set_attribute("http.response.status_code", 500)
    span.set_attribute("error.type", type(error).__qualname__)
    span.record_exception(error, escaped=True)
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def _record_status(span: trace.Span, status: int | None) -> None:
    if status is None:
        return
    span.set_attribute("http.response.status_code", status)
    if web.is_server_error(status):
        span.set_status(Status(StatusCode.ERROR))
        span.set_attribute("error.type", str(status))


_said: set[tuple[str, type]] = set()


def say_once(what: str, error: Exception) -> None:
    """Log an error of foreign code, the first of its kind only: this may come with each invocation."""
    if (what, type(error)) not in _said:
        _said.add((what, type(error)))
        _log.error("%s (said once): %s: %s", what, type(error).__name__, error)
