"""Log records, events and exceptions by the way that the pipeline in force has for them. For other extensions.

`emit` hands one over. It costs an append where telemetry goes to Application Insights, and needs nothing of the SDK's
logs there; everywhere else a record goes through OpenTelemetry's logs. Before the first invocation, which puts the
pipeline into force, what is handed over waits.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache, partial
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import trace

from ext_opentelemetry.extension import OpenTelemetryExtension
from ext_opentelemetry.invocations import say_once
from ext_opentelemetry.record_ways import ThroughLogs

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import SeverityNumber
    from opentelemetry.context import Context

    from ext_opentelemetry.pipeline import Pipeline

__all__ = ["MOST_WAITING", "Record", "emit", "tracer", "when_changed", "when_ready"]

MOST_WAITING = 1000
"""What may wait for the first invocation; the oldest goes first."""

_FAILED = "A record is not exported"


class Scope(NamedTuple):
    """What logged: the name is a custom dimension, `logger_name`."""

    name: str


_scope = lru_cache(maxsize=1024)(Scope)


class Record:
    """What `emit` takes; its fields are those of OpenTelemetry's LogRecord (logs data model).

    Once it was handed over it is not to be changed, nor what its attributes hold: it is read later, in another thread.
    """

    __slots__ = (
        "attributes",
        "body",
        "context",
        "event_name",
        "exception",
        "observed_timestamp",
        "operation_name",
        "resource",
        "scope_name",
        "severity_number",
        "severity_text",
        "span_id",
        "timestamp",
        "trace_flags",
        "trace_id",
    )

    attributes: dict[str, Any]
    """Custom dimensions, but for those with a meaning of their own, such as `microsoft.custom_event.name`."""

    body: object
    """The message."""

    context: Context | None
    """Holds the span that the ids are of, where that is not the current one: it tells whether it was sampled."""

    event_name: str | None
    """The name of an event of OpenTelemetry's; a custom event is named by its attribute."""

    exception: BaseException | None
    """Makes the record an exception, with its stack and causes; such a record is kept whatever the sampling says."""

    operation_name: str
    """The operation's name where no span tells it."""

    resource: Any
    """Who speaks; set by `emit`."""

    scope_name: str | None
    """What logged: the logger's name."""

    def __init__(
        self,
        *,
        timestamp: int = 0,
        observed_timestamp: int = 0,
        trace_id: int = 0,
        span_id: int = 0,
        trace_flags: int = 0,
        severity_number: SeverityNumber | int | None = None,
        severity_text: str | None = None,
        body: object = None,
        attributes: dict[str, Any] | None = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
        scope_name: str | None = None,
        context: Context | None = None,
        operation_name: str = "",
    ) -> None:
        """Make a record; times are nanoseconds since the epoch, of which 0 is now, and ids of 0 are none."""
        self.timestamp = timestamp or time_ns()
        self.observed_timestamp = observed_timestamp or self.timestamp
        self.trace_id = trace_id
        self.span_id = span_id
        self.trace_flags = trace_flags
        self.severity_number = severity_number
        self.severity_text = severity_text
        self.body = body
        self.attributes = {} if attributes is None else attributes
        self.event_name = event_name
        self.exception = exception
        self.scope_name = scope_name
        self.context = context
        self.operation_name = operation_name
        self.resource = None

    @property
    def log_record(self) -> Record:
        """Itself: a record is also what the SDK hands to processors."""
        return self

    @property
    def instrumentation_scope(self) -> Scope | None:
        """What logged."""
        return None if self.scope_name is None else _scope(self.scope_name)


_waiting: deque[Callable[[], object]] = deque(maxlen=MOST_WAITING)
_changed: list[Callable[[], object]] = []
_way: tuple[Pipeline | None, Callable[[Record], bool]] = (None, lambda _: False)


def emit(record: Record) -> bool:
    """Hand a record over to the pipeline in force; whether somebody takes it. Never waits, never raises."""
    try:
        pipeline = OpenTelemetryExtension._pipeline
        if pipeline is None:
            return _wait(partial(emit, record))
        known, take = _way
        if known is not pipeline:
            take = _turn_to(pipeline)
        return take(record)
    except Exception as error:
        say_once(_FAILED, error)
        return False


def when_ready(action: Callable[[], object]) -> bool:
    """Do something that needs the pipeline: at once, or when the first is put into force. Never raises.

    Returns whether it is done, or will be; not so where extensions are switched off.
    """
    if OpenTelemetryExtension._pipeline is None:
        return _wait(action)
    return _attempt(action)


def when_changed(action: Callable[[], object]) -> None:
    """Have something done whenever a pipeline is put into force, the first one included."""
    _changed.append(action)


def tracer() -> trace.Tracer:
    """Return the tracer of the pipeline in force, which makes no spans where there is none."""
    pipeline = OpenTelemetryExtension._pipeline
    return trace.NoOpTracer() if pipeline is None else pipeline.tracer


def _wait(action: Callable[[], object]) -> bool:
    if OpenTelemetryExtension.switched_off():  # then there will never be a pipeline
        return False
    _waiting.append(action)
    if OpenTelemetryExtension._pipeline is not None:  # put into force meanwhile
        _catch_up()
    return True


def _attempt(action: Callable[[], object]) -> bool:
    try:
        action()
    except Exception as error:
        say_once(_FAILED, error)
    return True


def _turn_to(pipeline: Pipeline) -> Callable[[Record], bool]:
    global _way
    take = pipeline.record_taker() or ThroughLogs().take
    _way = (pipeline, take)
    return take


def _catch_up() -> None:
    """Do what has waited for the pipeline."""
    for action in tuple(_changed):
        _attempt(action)
    while _waiting:
        try:
            action = _waiting.popleft()
        except IndexError:  # another thread had it
            return
        _attempt(action)


OpenTelemetryExtension._when_made = _catch_up
if OpenTelemetryExtension._pipeline is not None:
    _catch_up()
