"""The span of one invocation: what it continues, that it is current while the function runs, and how it ended."""

from __future__ import annotations

import json
import logging
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from ext_opentelemetry import links, triggers
from ext_opentelemetry.carried import context_of, span_of
from ext_opentelemetry.triggers import web

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Link, Span

    from ext_opentelemetry.pipeline import Pipeline
    from ext_sdk import Invocation, Outcome

_log = logging.getLogger("ext_opentelemetry")


class Traced:
    """One invocation under way, within its span or, where it has none, within the caller's."""

    __slots__ = ("_began", "_context", "_invocation", "_parent", "_pipeline", "_source", "_span", "_token")

    def __init__(self, pipeline: Pipeline, invocation: Invocation) -> None:
        """Start the span, and make it current here."""
        self._pipeline, self._invocation = pipeline, invocation
        self._source = source = triggers.source_of(invocation)
        carried = invocation.trace_context
        self._parent = span_of(getattr(carried, "trace_parent", None), getattr(carried, "trace_state", None))
        senders: Sequence[Link] = ()
        if source.messages is not None:
            self._parent, senders = links.origin_of(source.messages, source.value(invocation), self._parent)
        self._span: Span | None = None
        self._began = 0
        if source.replays:
            self._began = time_ns()
        elif pipeline.span != "none":
            self._span = self._start(senders)
        # What is current here may be left over from another invocation, because the workers attach the host's context
        # to pool threads and never detach it: without a caller there is to be no span, not that one.
        span = self._span
        self._context = context_of(self._parent) if span is None else trace.set_span_in_context(span)
        self._token = otel_context.attach(self._context)

    def _start(self, senders: Sequence[Link]) -> Span | None:
        try:
            name, attributes = self._source.describe(self._invocation)
            kind = self._pipeline.kind(message=self._source.messages is not None)
            if self._began:
                around = context_of(self._parent)
                return self._pipeline.tracer.start_span(name, around, kind, attributes, start_time=self._began)
            return self._pipeline.start_span(name, self._parent, kind, attributes, senders)
        except Exception as error:  # of a sampler or a processor of the app
            say_once("An invocation has no span", error)
            return None

    def end(self, outcome: Outcome | None) -> None:
        """Undo what was made current, and say in the span how the function ended."""
        abandoned = outcome is not None and isinstance(outcome.error, GeneratorExit)
        # An abandoned coroutine is closed from elsewhere, where there is nothing to undo.
        if not abandoned or otel_context.get_current() is self._context:
            otel_context.detach(self._token)
        span = self._span
        if span is None and outcome is not None and self._source.replays and self._pipeline.span != "none":
            span = self._last_episode(outcome)
        if span is None:
            return
        try:
            if outcome is not None and span.is_recording():
                self._record(span, outcome)
        except Exception as error:  # such as of a function's own exception that cannot be printed
            say_once("The span of an invocation is not complete", error)
        try:
            span.end()
        except Exception as error:  # of a processor of the app
            say_once("The span of an invocation is not exported", error)

    def _last_episode(self, outcome: Outcome) -> Span | None:
        """Return a span for the invocation of a Durable orchestrator if it was the last one.

        An orchestrator is invoked anew after each of its steps, and replays those before. So that an orchestration is
        not as many spans as it has steps, it gets one when it completes or fails.
        """
        if outcome.error is None and not _is_done(outcome.result):
            return None
        return self._start(())

    def _record(self, span: Span, outcome: Outcome) -> None:
        error = outcome.error
        if error is not None:
            status = web.status_of_error(self._source.value(self._invocation), error) if self._source.is_http else None
            _record_failure(span, error, status)
        elif self._source.is_http:
            status = web.status_of(self._source.value(self._invocation), self._invocation.args, outcome.result)
            if status is not None:
                span.set_attribute("http.response.status_code", status)
                if web.is_server_error(status):
                    span.set_status(Status(StatusCode.ERROR))
                    span.set_attribute("error.type", str(status))


def _is_done(result: Any) -> bool:
    """Whether what an orchestrator returned says that there is nothing left to do (azure-functions-durable)."""
    try:
        return json.loads(result)["isDone"] is True
    except (TypeError, ValueError, LookupError, RecursionError):
        return True


def _record_failure(span: Span, error: BaseException, status: int | None) -> None:
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)  # first, for the rest fails with an exception that cannot be printed
    span.record_exception(error, escaped=True)
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


_said: set[tuple[str, type]] = set()


def say_once(what: str, error: Exception) -> None:
    """Log an error of foreign code, the first of its kind only: this may come with each invocation."""
    if (what, type(error)) not in _said:
        _said.add((what, type(error)))
        _log.error("%s (said once): %s: %s", what, type(error).__name__, error)
