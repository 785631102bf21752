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
from ext_appinsights.redaction import redactor_of
from ext_opencensus.failures import of_attributes, of_stack
from ext_opencensus.plain import Plain
from ext_opencensus.spans import InvocationSpan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ext_appinsights.redaction import Redactor

_SERVER, _CLIENT = 1, 2
"""opencensus.trace.span.SpanKind"""

_OK_STATUS = range(200, 400)
_INFORMATION, _ERROR_SEVERITY = 1, 3
_LONGEST_ID, _LONGEST_NAME = 128, 1024
_NONE: Mapping[str, Any] = {}
_Told = tuple[dict[str, Any], dict[str, Any]]
"""Fields and properties."""
_TEXTS = frozenset({"name", "url", "data", "target", "type"})
_SAID = frozenset({"message", "stack"})
"""Texts of an exception."""
_MOST_LINKS = 100
"""In one property, of 8192 characters."""

_MESSAGE_TYPES = {1: "SENT", 2: "RECEIVED"}


class Mapper:
    """Makes lines of spans, for one resource."""

    def __init__(self, tags: Mapping[str, str], *, redact: bool | Redactor = True) -> None:
        self._tags = dict(tags)
        self._members = "".join(f"{lines.tags({key: value})}," for key, value in self._tags.items())
        self._redactor = redactor_of(redact)
        self._plain = Plain(tags, redact=redact)

    def lines(self, span: Any) -> list[bytes]:
        """Return the item of a span, and before it those of what happened in it.

        A span is a `SpanData`, or one of ours that has ended.
        """
        if isinstance(span, InvocationSpan):
            line = self._plain.line(span)
            if line is not None:
                return [line]
        return [*self._events(span), self._item(span)]

    def _item(self, span: Any) -> bytes:
        own = span.__dict__ if isinstance(span, InvocationSpan) else None
        attributes = (span.attributes if own is None else own.get("attributes")) or _NONE
        links = span.links if own is None else own.get("links")
        status = span.status if own is None else own.get("status")
        is_request = span.span_kind == _SERVER
        fields, properties = (self._request if is_request else self._dependency)(span, attributes, status)
        for key, value in attributes.items():
            if not str(key).startswith("http."):
                properties[str(key)] = value
        if links:
            properties["_MS.links"] = _links(links)
        if not _is_ok(status) and (said := getattr(status, "description", None)):
            properties["status.message"] = said
        if self._redactor is not None:
            properties = self._redactor.properties(properties)
            for key in fields.keys() & _TEXTS:
                fields[key] = self._redactor.text(fields[key])
        start, end = _times(span, own)
        write = lines.request if is_request else lines.dependency
        return write(
            time_ns=start,
            id=span.span_id,
            duration_ns=end - start,
            properties=lines.properties(properties) if properties else "",
            tags=self._of_operation(span),
            sample_rate=getattr(span.context, "sample_rate", 100.0),
            **fields,
        )

    def _request(self, span: Any, attributes: Mapping[str, Any], status: Any) -> _Told:
        method, place = attributes.get("http.method"), attributes.get("http.route") or attributes.get("http.path")
        code, success = _result(status, attributes)
        fields = {"name": str(span.name), "response_code": code, "success": success}
        properties = {}
        if place and ("http.method" in attributes or "http.route" in attributes):
            fields["name"] = properties["request.name"] = _at(method, place)
        elif method:
            fields["name"] = str(method)
        if attributes.get("http.url"):
            fields["url"] = properties["request.url"] = str(attributes["http.url"])
        return fields, properties

    def _dependency(self, span: Any, attributes: Mapping[str, Any], status: Any) -> _Told:
        fields: dict[str, Any] = {"name": str(span.name)}
        if span.span_kind != _CLIENT:
            fields |= {"type": "INPROC", "result_code": _code(status), "success": _is_ok(status)}
            return fields, {}
        fields["result_code"], fields["success"] = _result(status, attributes)
        url, method = attributes.get("http.url"), attributes.get("http.method")
        fields["type"] = str(attributes.get("component") or ("HTTP" if url else ""))
        if url:
            url = str(url) if self._redactor is None else self._redactor.text(str(url))
            host, path = _parts(url)
            fields["data"], fields["target"] = url, host
            if method:
                fields["name"] = f"{method} {path}"
        return fields, {}

    def _of_operation(self, span: Any) -> str:
        quoted, context, parent = lines.quoted, span.context, span.parent_span_id
        found = f'{self._members}"ai.operation.id":{quoted(str(context.trace_id)[:_LONGEST_ID])}'
        if parent:
            found += f',"ai.operation.parentId":{quoted(str(parent)[:_LONGEST_ID])}'
        name = self._operation_name(span)
        return f'{found},"ai.operation.name":{quoted(name[:_LONGEST_NAME])}' if name else found

    def _operation_name(self, span: Any) -> str:
        """Return the route's name for a request that has one, else what the invocation is called."""
        name: str = getattr(span.context, "operation_name", "")
        if span.span_kind == _SERVER and span.attributes and span.attributes.get("http.route"):
            name = _at(span.attributes.get("http.method"), span.attributes["http.route"])
        return name if self._redactor is None else self._redactor.text(name)

    def _events(self, span: Any) -> Iterator[bytes]:
        """Make an exception of how the span failed, and messages of what was noted in it."""
        failure = of_attributes(span) if span.span_kind == _SERVER else None
        failure = failure or of_stack(span)
        if failure is not None:
            time = _times(span, span.__dict__ if isinstance(span, InvocationSpan) else None)[1]
            if self._redactor is not None:
                text = self._redactor.text
                failure = [{**one, **{key: text(one[key]) for key in _SAID & one.keys()}} for one in failure]
            made = envelope.exception(time_ns=time, details=failure, severity=_ERROR_SEVERITY, **self._of(span))
            yield lines.line(made)
        for annotation in span.annotations or ():
            attributes = getattr(annotation.attributes, "attributes", annotation.attributes) or {}
            yield self._message(span, annotation.timestamp, str(annotation.description), dict(attributes))
        for event in span.message_events or ():
            yield self._message(span, event.timestamp, *_told(event))

    def _message(self, span: Any, time: Any, text: str, attributes: dict[str, Any]) -> bytes:
        if self._redactor is not None:
            text, attributes = self._redactor.text(text), self._redactor.properties(attributes)
        when = nanoseconds(time) or time_ns()
        made = envelope.message(time_ns=when, text=text, severity=_INFORMATION, properties=attributes, **self._of(span))
        return lines.line(made)

    def _of(self, span: Any) -> dict[str, Any]:
        own = {"ai.operation.id": span.context.trace_id, "ai.operation.parentId": span.span_id}
        tags = {**self._tags, **own, "ai.operation.name": self._operation_name(span)}
        return {"tags": tags, "sample_rate": getattr(span.context, "sample_rate", 100.0)}


def _times(span: Any, own: Mapping[str, Any] | None) -> tuple[int, int]:
    """Return start and end in nanoseconds; `own` are the attributes of a span of ours, which has them as numbers."""
    if own is not None and "start_time" not in own and "end_time" not in own and span._started:
        return span._started, span._ended or time_ns()
    start = nanoseconds(span.start_time) or time_ns()
    return start, nanoseconds(span.end_time) or start


def _at(method: Any, place: Any) -> str:
    return f"{method or ''} {place}".strip()


def _told(event: Any) -> tuple[str, dict[str, Any]]:
    """Return text and properties of a message that was sent or received."""
    kind = _MESSAGE_TYPES.get(event.type, "TYPE_UNSPECIFIED")
    sizes = {
        "message.event.size.uncompressed": event.uncompressed_size_bytes,
        "message.event.size.compressed": event.compressed_size_bytes,
    }
    return f"{kind} {event.id}", {"message.event.type": kind, "message.event.id": event.id, **sizes}


def _result(status: Any, attributes: Mapping[str, Any]) -> tuple[str, bool]:
    """Return code and success: those of HTTP if the span has a status code, else those of the span's status."""
    if "http.status_code" not in attributes:
        return _code(status), _is_ok(status)
    code = attributes["http.status_code"]
    try:
        number = int(code)
    except (TypeError, ValueError, OverflowError):
        return str(code), _is_ok(status)
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
