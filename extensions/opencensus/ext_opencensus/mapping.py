"""A span of OpenCensus -> the items of Application Insights that it becomes.

Names and fields are those of Microsoft's AzureExporter (opencensus/ext/azure/trace_exporter/__init__.py), so that
queries go on to find what they found; docs/reference/opencensus.md lists where it differs, and why.
"""

from __future__ import annotations

import json
from calendar import timegm
from functools import lru_cache
from time import strptime, time_ns
from typing import TYPE_CHECKING, Any

from ext_appinsights import envelope, lines
from ext_opencensus import redaction
from ext_opencensus.failures import of_attributes, of_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SERVER, _CLIENT = 1, 2
"""opencensus.trace.span.SpanKind"""

_OK_STATUS = range(200, 400)
_ERROR_SEVERITY = 3
_MOST_LINKS = 100
"""In one property, of 8192 characters."""

_MESSAGE_TYPES = {1: "SENT", 2: "RECEIVED"}


class Mapper:
    """Makes lines of spans, for one resource."""

    def __init__(self, tags: Mapping[str, str], *, redact: bool = True) -> None:
        self._tags = dict(tags)
        self._members = lines.tags(tags)
        self._redact = redact

    def lines(self, span: Any) -> list[bytes]:
        """Return the item of a span, and before it those of what happened in it."""
        return [*self._events(span), self._item(span)]

    def _item(self, span: Any) -> bytes:
        attributes = span.attributes or {}
        is_request = span.span_kind == _SERVER
        fields, properties = (self._request if is_request else self._dependency)(span, attributes)
        properties |= {key: value for key, value in attributes.items() if not str(key).startswith("http.")}
        if span.links:
            properties["_MS.links"] = _links(span.links)
        if not _is_ok(span.status) and getattr(span.status, "description", None):
            properties["status.message"] = span.status.description
        start = nanoseconds(span.start_time) or time_ns()
        if self._redact:
            properties = redaction.properties(properties)
            for key in ("name", "url", "data", "target"):
                if fields.get(key):
                    fields[key] = redaction.text(fields[key])
        write = lines.request if is_request else lines.dependency
        return write(
            time_ns=start,
            id=span.span_id,
            duration_ns=max(0, (nanoseconds(span.end_time) or start) - start),
            properties=lines.properties(properties) if properties else "",
            tags=self._of_operation(span, fields["name"] if is_request and "http.route" in attributes else ""),
            sample_rate=getattr(span.context, "sample_rate", 100.0),
            **fields,
        )

    def _request(self, span: Any, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        method, place = attributes.get("http.method"), attributes.get("http.route") or attributes.get("http.path")
        code, success = _result(span, attributes)
        fields = {"name": span.name, "response_code": code, "success": success}
        properties = {}
        if place and ("http.method" in attributes or "http.route" in attributes):
            fields["name"] = properties["request.name"] = f"{method or ''} {place}".strip()
        elif method:
            fields["name"] = str(method)
        if attributes.get("http.url"):
            fields["url"] = properties["request.url"] = str(attributes["http.url"])
        return fields, properties

    def _dependency(self, span: Any, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        fields = {"name": span.name}
        if span.span_kind != _CLIENT:
            status = span.status
            return {
                **fields, "type": "INPROC", "result_code": _code(status), "success": _is_ok(status),
            }, {}  # fmt: skip
        fields["result_code"], fields["success"] = _result(span, attributes)
        url, method = attributes.get("http.url"), attributes.get("http.method")
        fields["type"] = str(attributes.get("component") or ("HTTP" if url else ""))
        if url:
            host, path = _parts(str(url))
            fields["data"], fields["target"] = str(url), host
            if method:
                fields["name"] = f"{method} {path}"
        return fields, {}

    def _of_operation(self, span: Any, name: str, parent: str | None = None) -> str:
        name = name or getattr(span.context, "operation_name", "")
        own = {"ai.operation.id": span.context.trace_id, "ai.operation.parentId": parent or span.parent_span_id}
        if name:
            own["ai.operation.name"] = redaction.text(name) if self._redact else name
        members = lines.tags(own)
        return f"{self._members},{members}" if self._members else members

    def _events(self, span: Any) -> Iterator[bytes]:
        """Make an exception of how the span failed, and messages of what was noted in it."""
        failure = of_attributes(span) if span.span_kind == _SERVER else None
        failure = failure or of_stack(span)
        if failure is not None:
            time = nanoseconds(span.end_time) or time_ns()
            if self._redact:
                failure = [{**one, "message": redaction.text(one["message"])} for one in failure]
            yield lines.line(
                envelope.exception(time_ns=time, details=failure, severity=_ERROR_SEVERITY, **self._of(span))
            )
        for annotation in span.annotations or ():
            attributes = getattr(annotation.attributes, "attributes", annotation.attributes) or {}
            yield self._message(span, annotation.timestamp, str(annotation.description), dict(attributes))
        for event in span.message_events or ():
            yield self._message(span, event.timestamp, *_told(event))

    def _message(self, span: Any, time: Any, text: str, attributes: dict[str, Any]) -> bytes:
        if self._redact:
            text, attributes = redaction.text(text), redaction.properties(attributes)
        when = nanoseconds(time) or time_ns()
        return lines.line(
            envelope.message(time_ns=when, text=text, severity=1, properties=attributes, **self._of(span))
        )

    def _of(self, span: Any) -> dict[str, Any]:
        name = getattr(span.context, "operation_name", "")
        tags = {
            **self._tags, "ai.operation.id": span.context.trace_id, "ai.operation.parentId": span.span_id,
            "ai.operation.name": redaction.text(name) if self._redact else name,
        }  # fmt: skip
        return {"tags": tags, "sample_rate": getattr(span.context, "sample_rate", 100.0)}


def _told(event: Any) -> tuple[str, dict[str, Any]]:
    """Return text and properties of a message that was sent or received."""
    kind = _MESSAGE_TYPES.get(event.type, "TYPE_UNSPECIFIED")
    sizes = {
        "message.event.size.uncompressed": event.uncompressed_size_bytes,
        "message.event.size.compressed": event.compressed_size_bytes,
    }
    return f"{kind} {event.id}", {"message.event.type": kind, "message.event.id": event.id, **sizes}


def _result(span: Any, attributes: Mapping[str, Any]) -> tuple[str, bool]:
    """Return code and success: those of HTTP if the span has a status code, else those of the span's status."""
    if "http.status_code" not in attributes:
        return _code(span.status), _is_ok(span.status)
    code = attributes["http.status_code"]
    try:
        number = int(code)
    except (TypeError, ValueError, OverflowError):
        return str(code), _is_ok(span.status)
    return str(number), number in _OK_STATUS


def _code(status: Any) -> str:
    return "0" if status is None else str(status.code)


def _is_ok(status: Any) -> bool:
    return status is None or status.code == 0


def _links(links: Any) -> str:
    found = [{"operation_Id": link.trace_id, "id": link.span_id} for link in links]
    return json.dumps(found[:_MOST_LINKS])


def _parts(url: str) -> tuple[str, str]:
    """Return host (with its port, without user and password) and path of a URL."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "/"
    return parts.netloc.rpartition("@")[2], parts.path or "/"


def nanoseconds(text: Any) -> int:
    """Return the time of OpenCensus's `2026-01-02T03:04:05.678901Z`, 0 if it is none."""
    try:
        return _seconds(text[:19]) * 1_000_000_000 + int(text[20:-1].ljust(9, "0"))
    except (TypeError, ValueError):
        return 0


@lru_cache(maxsize=64)
def _seconds(text: str) -> int:
    return timegm(strptime(text, "%Y-%m-%dT%H:%M:%S"))
