"""Log records as Application Insights items: log lines, exceptions, custom events and availability results.

The mapping is that of Microsoft's azure-monitor-opentelemetry-exporter, apart from what that one gets wrong:
docs/reference/opentelemetry.md lists each difference.
"""

from __future__ import annotations

import json
import re
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import TraceFlags, get_current_span

from ext_appinsights import envelope, stacks
from ext_appinsights.redaction import DEFAULT, MARGIN
from ext_opentelemetry.attributes import MEASUREMENTS, first, measurements, text
from ext_opentelemetry.origin import ResourceTags, is_synthetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.operations import Operation

    Envelope = dict[str, Any]

EVENT_NAME = "microsoft.custom_event.name"
EVENT_MARKER = "APPLICATION_INSIGHTS_EVENT_MARKER_ATTRIBUTE"
OPERATION_NAME = "ai.operation.name"
"""Attribute with which a record names its operation itself."""

_AVAILABILITY = "microsoft.availability."
_NEEDED = tuple(_AVAILABILITY + key for key in ("id", "name", "duration", "success"))

_FIELDS = frozenset(
    {
        EVENT_NAME,
        EVENT_MARKER,
        MEASUREMENTS,
        "exception.type",
        "exception.message",
        "exception.stacktrace",
        "exception.escaped",
        "enduser.id",
        "enduser.pseudo.id",
        "session.id",
        *_NEEDED,
        _AVAILABILITY + "runLocation",
        _AVAILABILITY + "message",
    }
)
"""Attributes that have fields of their own, and are no custom dimensions."""

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII)

_BODY_LIMIT = stacks.MESSAGE_LIMIT + MARGIN
"""Characters of a text that are looked at: what is cut off at the limit may be the rest of a credential."""


class LogMapper:
    """Turns log records into envelopes."""

    def __init__(self, redactor: Redactor | None = DEFAULT) -> None:
        self._redactor = redactor
        self._clean: Callable[[str], str] = str if redactor is None else redactor.text
        self._tags = ResourceTags()

    def envelopes(self, data: Any, operation: Operation | None = None, *, sampled: bool = True) -> list[Envelope]:
        """Return the item that a log record is, as a list of one.

        It has the name of its operation and, if records are `sampled` with their operation, its rate.

        `data` is what the installed SDK hands to processors and exporters: a record beside its scope, and with its
        resource inside (LogData, up to 1.38) or beside it (ReadWriteLogRecord, ReadableLogRecord).
        """
        record = data.log_record
        attributes: Attributes = dict(record.attributes or ())
        resource = getattr(data, "resource", None) or record.resource
        properties = _properties(data, attributes)
        common: dict[str, Any] = {
            "time_ns": record.timestamp or record.observed_timestamp or time_ns(),
            "properties": properties if self._redactor is None else self._redactor.properties(properties),
            "measurements": measurements(attributes),
            "tags": self._tags.of(resource) | _tags(record, attributes, operation),
            "sample_rate": operation.rate if operation is not None and sampled and not is_exception(record) else 100.0,
        }
        return [self._item(record, attributes, common)]

    def _item(self, record: Any, attributes: Attributes, common: dict[str, Any]) -> Envelope:
        message = self._clean(message_of(record.body))
        if is_exception(record):
            details = self._details(record, attributes, message, common["properties"])
            return envelope.exception(details=details, severity=severity_of(record), **common)
        # As in Microsoft's exporter, a marker makes an event whatever its value is.
        if attributes.get(EVENT_NAME) or attributes.get(EVENT_MARKER) is not None:
            return envelope.event(name=self._clean(text(attributes, EVENT_NAME)) or message, **common)
        if all(first(attributes, name) is not None for name in _NEEDED):
            said = attributes.get(_AVAILABILITY + "message")
            return _availability(attributes, message if said is None else self._clean(str(said)), common)
        return envelope.message(text=message.strip(), severity=severity_of(record), **common)

    def _details(
        self, record: Any, attributes: Attributes, message: str, properties: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Return the exception of a record and its causes; what it says itself becomes a property beside a body."""
        error = getattr(record, "exception", None)
        said = self._clean(text(attributes, "exception.message")[:_BODY_LIMIT])
        if error is not None and attributes.get("exception.type") is None:
            found = stacks.from_exception(error)
            said = said or self._clean(found[0]["message"])
            found[0]["message"] = (message or said)[: stacks.MESSAGE_LIMIT]
        else:
            type_name = text(attributes, "exception.type") or "Exception"
            stack = text(attributes, "exception.stacktrace") or None
            found = envelope.exception_details(type_name, message or said or "Exception", stack)
        for details in found:
            for key in {"message", "stack"} & details.keys():
                details[key] = self._clean(details[key])
        if message and said and said not in message:
            properties["exception.message"] = said
        return found


def is_exception(record: Any) -> bool:
    """Whether a record is about an exception: these are kept whatever was decided of the operation."""
    attributes = record.attributes or {}
    named = attributes.get("exception.type"), attributes.get("exception.message")
    return named != (None, None) or getattr(record, "exception", None) is not None


def is_not_sampled(record: Any) -> bool:
    """Whether this process decided against the operation; a remote caller's flag alone decides nothing here."""
    if not record.trace_id or (record.trace_flags or 0) & TraceFlags.SAMPLED:
        return False
    span = get_current_span(getattr(record, "context", None)).get_span_context()
    return span.span_id == record.span_id and not span.is_remote


def _availability(attributes: Attributes, message: str, common: dict[str, Any]) -> Envelope:
    duration = attributes[_AVAILABILITY + "duration"]
    nanoseconds = duration_of(duration)
    if nanoseconds is None:
        common["properties"][_AVAILABILITY + "duration"] = duration
    return envelope.availability(
        id=text(attributes, _AVAILABILITY + "id"),
        name=text(attributes, _AVAILABILITY + "name"),
        duration_ns=nanoseconds or 0,
        success=text(attributes, _AVAILABILITY + "success").lower() == "true",
        run_location=text(attributes, _AVAILABILITY + "runLocation"),
        message=message,
        **common,
    )


def duration_of(value: object) -> int | None:
    """Return the nanoseconds of a time span `[d.]hh:mm:ss[.fffffff]`; None if it is none.

    Numbers are none: the unit is not said, and where one is assumed (TimeSpan.Parse) 5 are five days.
    """
    found = _TIME_SPAN.fullmatch(str(value).strip())
    if found is None:
        return None
    days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def severity_of(record: Any) -> int:
    """Return 0 verbose, 1 information, 2 warning, 3 error or 4 critical (OpenTelemetry: logs data model)."""
    number = getattr(record.severity_number, "value", record.severity_number) or 0
    return 0 if number < 9 else (number - 1) // 4 - 1  # noqa: PLR2004  SeverityNumber.INFO


def message_of(body: Any) -> str:
    """Return the body of a record as text: what is no text as JSON; empty if there is none."""
    if body is None:
        return ""
    if isinstance(body, str):
        return body[:_BODY_LIMIT]
    if isinstance(body, bytes):
        return body[:_BODY_LIMIT].decode("utf-8", "replace")
    if isinstance(body, BaseException):
        return str(body)[:_BODY_LIMIT]
    try:
        return json.dumps(body, ensure_ascii=False, default=str)[:_BODY_LIMIT]
    except (TypeError, ValueError, RecursionError):  # keys that are no text, or a loop
        return str(body)[:_BODY_LIMIT]


def _properties(data: Any, attributes: Attributes) -> dict[str, Any]:
    properties = {key: value for key, value in attributes.items() if key not in _FIELDS}
    scope = data.instrumentation_scope
    if scope is not None and scope.name is not None:
        properties.setdefault("logger_name", scope.name)
    name = getattr(data.log_record, "event_name", None)
    if name:
        properties.setdefault("event.name", name)
    return properties


def _tags(record: Any, attributes: Attributes, operation: Operation | None) -> dict[str, str]:
    session = attributes.get("session.id")
    tags = {
        "ai.user.authUserId": text(attributes, "enduser.id"),
        "ai.user.id": text(attributes, "enduser.pseudo.id"),
        "ai.session.id": session if isinstance(session, str) else "",
        "ai.location.ip": text(attributes, "client.address", "http.client_ip", "net.peer.ip"),
        "ai.operation.name": text(attributes, OPERATION_NAME) or (operation.name if operation is not None else ""),
    }
    if record.trace_id:
        tags["ai.operation.id"] = f"{record.trace_id:032x}"
        if record.span_id:
            tags["ai.operation.parentId"] = f"{record.span_id:016x}"
    if is_synthetic(attributes):
        tags["ai.operation.syntheticSource"] = "True"
    return tags
