"""The ways of a `records.Record`: straight into a channel, or through OpenTelemetry's logs."""

from __future__ import annotations

import json
import traceback
import warnings
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import _logs, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from ext_appinsights import stacks
from ext_appinsights.redaction import redactor_of
from ext_opentelemetry.as_log import EVENT_NAME, LogMapper, is_exception, is_not_sampled
from ext_opentelemetry.operations import WHOLE
from ext_opentelemetry.providers import LazyLoggerProvider

if TYPE_CHECKING:
    from ext_appinsights import Channel
    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.operations import Operations
    from ext_opentelemetry.records import Record


class Named(NamedTuple):
    """An operation of which the name is known, and no span."""

    name: str
    rate: float = WHOLE


class ToChannel:
    """Hands records to a channel; they are mapped later, on another thread or by the next commit."""

    def __init__(
        self,
        channel: Channel,
        operations: Operations,
        *,
        follow_sampling: bool,
        redact: bool | Redactor,
        resource: Any,
    ) -> None:
        self._send = channel.send
        self._operation = operations.of_context
        self._follow_sampling = follow_sampling
        self._envelopes = LogMapper(redactor_of(redact)).envelopes
        self._resource = resource

    def take(self, record: Record) -> bool:
        """Hand a record over, unless its operation is not sampled."""
        sampled = self._follow_sampling
        if sampled and not record.trace_flags & 1 and is_not_sampled(record) and not is_exception(record):
            return True
        record.resource = self._resource
        operation: Any = self._operation(record.trace_id, record.span_id) if record.trace_id else None
        if operation is None and record.operation_name:
            operation = Named(record.operation_name)
        self._send((partial(self._envelopes, record, operation, sampled=sampled),))
        return True


class ThroughLogs:
    """Hands records to the logger provider that is set: ours, which exports where spans go, or the app's."""

    def __init__(self) -> None:
        self._provider: Any = None
        self._loggers: dict[str, _logs.Logger] = {}

    def take(self, record: Record) -> bool:
        """Emit a record; False if no provider would export it."""
        provider: Any = _logs.get_logger_provider()
        if isinstance(provider, LazyLoggerProvider):
            if provider.lazy.get() is None:
                return False
        elif not hasattr(provider, "add_log_record_processor"):
            return False
        if provider is not self._provider:
            self._provider, self._loggers = provider, {}
        name = record.scope_name or "ext_opentelemetry"
        logger = self._loggers.get(name)
        if logger is None:
            if len(self._loggers) >= _MOST_LOGGERS:
                self._loggers.clear()
            logger = self._loggers[name] = provider.get_logger(name)
        logger.emit(_official(record, getattr(logger, "resource", None)))
        return True


_MOST_LOGGERS = 1024


def _official(record: Record, resource: Any) -> Any:
    """Return a record as the installed SDK wants it."""
    fields: dict[str, Any] = {
        "timestamp": record.timestamp,
        "observed_timestamp": record.observed_timestamp,
        "severity_text": record.severity_text,
        "severity_number": _severity(record.severity_number),
        "body": record.body,
        "attributes": _attributes(record),
    }
    span = SpanContext(record.trace_id, record.span_id, False, TraceFlags(record.trace_flags))
    context = trace.set_span_in_context(NonRecordingSpan(span), record.context)
    old = _old_class()
    if old is None:
        name = record.event_name or record.attributes.get(EVENT_NAME)
        return _logs.LogRecord(**fields, context=context, event_name=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces the next
        fields["resource"] = resource
        try:
            return old(**fields, context=context)
        except TypeError:  # before 1.35
            return old(**fields, trace_id=span.trace_id, span_id=span.span_id, trace_flags=span.trace_flags)


def _old_class() -> Any:
    """Return the SDK's own class of log records, which it has up to 1.38."""
    from opentelemetry.sdk import _logs as sdk

    return getattr(sdk, "LogRecord", None)


def _severity(number: Any) -> _logs.SeverityNumber:
    return _logs.SeverityNumber(number or 0)


def _attributes(record: Record) -> dict[str, Any]:
    attributes = {
        key: json.dumps(value, default=str) if isinstance(value, Mapping) else value
        for key, value in record.attributes.items()
    }
    error = record.exception
    if error is not None:
        kind = type(error)
        in_module = kind.__module__ and kind.__module__ != "builtins"
        attributes.setdefault(
            "exception.type", f"{kind.__module__}.{kind.__qualname__}" if in_module else kind.__name__
        )
        attributes.setdefault("exception.message", stacks.text_of(error))
        stack = "".join(traceback.format_exception(kind, error, error.__traceback__))
        attributes.setdefault("exception.stacktrace", stack)
    return attributes
