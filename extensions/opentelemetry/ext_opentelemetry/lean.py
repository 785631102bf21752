"""The span of an invocation, at a fifth of what the SDK's own costs to start.

The SDK checks and copies each attribute that a span starts with, asks a sampler that keeps everything, takes locks, and
copies the span when it ends. Of an invocation's span the attributes are known to be right, and one thread starts and
ends it. Everything else about it is as the SDK has it, so that functions and libraries find what they expect.
"""

from __future__ import annotations

import logging
import os
import traceback
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, TraceFlags

from ext_opentelemetry.reading import known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import SpanKind
    from opentelemetry.util.types import Attributes, AttributeValue

_log = logging.getLogger("ext_opentelemetry")

MOST = 128
"""Attributes, events and links of a span, and attributes of each event and link (OpenTelemetry: span limits)."""

_SAMPLED, _RANDOM = 1, 2
_PLAIN = frozenset({str, int, bool, float})
_LIMITS = ("_ATTRIBUTE_COUNT_LIMIT", "_ATTRIBUTE_VALUE_LENGTH_LIMIT", "_EVENT_COUNT_LIMIT", "_LINK_COUNT_LIMIT")


def are_limits_set() -> bool:
    """Whether the environment changes the SDK's span limits, which a `LeanSpan` does not know."""
    return any(name.startswith("OTEL_") and name.endswith(_LIMITS) for name in os.environ)


class LeanSpans:
    """Starts spans for one provider that keeps everything and has one processor."""

    def __init__(self, provider: TracerProvider, processor: SpanProcessor, name: str) -> None:
        self._resource = provider.resource
        self._ids = provider.id_generator
        self._processor = processor
        self._scope = InstrumentationScope(name)
        is_random = getattr(self._ids, "is_trace_id_random", None)
        self._new_flags = TraceFlags(_SAMPLED | (_RANDOM if is_random is not None and is_random() else 0))
        self._flags = {flag: TraceFlags(_SAMPLED | flag) for flag in (0, _RANDOM)}

    def start(
        self,
        name: str,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, Any],
        links: Sequence[Link] = (),
    ) -> LeanSpan:
        """Start a span. `attributes`, whose keys are texts and not empty, is kept, not copied."""
        if not _PLAIN.issuperset(map(type, attributes.values())):
            attributes = dict(BoundedAttributes(MOST, attributes))
        span_id = self._ids.generate_span_id()
        if parent is None:
            context = SpanContext(self._ids.generate_trace_id(), span_id, False, self._new_flags)
        else:
            flags = self._flags[parent.trace_flags & _RANDOM]
            context = SpanContext(parent.trace_id, span_id, False, flags, parent.trace_state)
        span = LeanSpan(name, context, parent, self._resource, attributes, kind=kind)
        if links:
            span._links = BoundedList.from_seq(MOST, links)
        span._begin(self._processor, self._scope)
        self._processor.on_start(span)  # type: ignore[arg-type]
        return span


@known
class LeanSpan(Span, ReadableSpan):
    """A recording span; made by `LeanSpans`."""

    _processor: SpanProcessor
    _dropped = 0

    def _begin(self, processor: SpanProcessor, scope: InstrumentationScope) -> None:
        self._processor = processor
        self._instrumentation_scope = scope
        self._start_time = time_ns()

    @property
    def dropped_attributes(self) -> int:
        """Attributes that had no room."""
        return self._dropped

    def get_span_context(self) -> SpanContext:
        """As `opentelemetry.trace.Span.get_span_context`."""
        context: SpanContext = self._context  # type: ignore[assignment]
        return context

    def is_recording(self) -> bool:
        """As `opentelemetry.trace.Span.is_recording`."""
        return self._end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """As `opentelemetry.trace.Span.set_attribute`."""
        if self._is_open("Setting attribute"):
            if type(value) in _PLAIN and type(key) is str and key:
                self._put(key, value)
            else:  # which cleans it, or says why it cannot
                cleaned = BoundedAttributes(None, {key: value})
                self._dropped += cleaned.dropped
                for right_key, right_value in cleaned.items():
                    self._put(right_key, right_value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """As `opentelemetry.trace.Span.set_attributes`."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """As `opentelemetry.trace.Span.add_event`."""
        if self._is_open("Adding an event"):
            self._kept("_events").append(Event(name, BoundedAttributes(MOST, attributes), timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """As `opentelemetry.trace.Span.add_link`."""
        names_one = context is not None and (context.is_valid or attributes or context.trace_state)
        if names_one and self._is_open("Adding a link"):
            self._kept("_links").append(Link(context, BoundedAttributes(MOST, attributes)))

    def update_name(self, name: str) -> None:
        """As `opentelemetry.trace.Span.update_name`."""
        if self._is_open("Setting the name"):
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """As `opentelemetry.trace.Span.set_status`: OK is final, UNSET changes nothing."""
        if isinstance(status, StatusCode):
            status = Status(status, description)
        if status.status_code is StatusCode.UNSET or self._status.status_code is StatusCode.OK:
            return
        if self._is_open("Setting the status"):
            self._status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """As `opentelemetry.trace.Span.record_exception`."""
        kind = type(exception)
        in_module = kind.__module__ and kind.__module__ != "builtins"
        told = {
            "exception.type": f"{kind.__module__}.{kind.__qualname__}" if in_module else kind.__qualname__,
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(kind, exception, exception.__traceback__)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**told, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """As `opentelemetry.trace.Span.end`."""
        if self._is_open("Calling end()"):
            self._end_time = time_ns() if end_time is None else end_time
            self._processor.on_end(self)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """End it; an exception is recorded, and is the status."""
        if exc_val is not None and self.is_recording():
            self.record_exception(exc_val, escaped=True)
            self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def _put(self, key: str, value: AttributeValue) -> None:
        attributes: dict[str, Any] = self._attributes  # type: ignore[assignment]
        while len(attributes) >= MOST and key not in attributes:
            attributes.pop(list(attributes)[0], None)  # noqa: RUF015  in one step, for other threads add to it as well
            self._dropped += 1
        attributes[key] = value

    def _kept(self, name: str) -> BoundedList[Any]:
        """Return the list of events or links, made when there is something to keep; the same one for all threads."""
        things: Any = self.__dict__[name]
        if not isinstance(things, BoundedList):
            things = self.__dict__[name] = self.__dict__.setdefault(f"{name}_kept", BoundedList(MOST))
        return things  # type: ignore[no-any-return]

    def _is_open(self, what: str) -> bool:
        if self._end_time is None:
            return True
        _log.warning("%s on an ended span.", what)
        return False
