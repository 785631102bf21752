"""Finished spans as Application Insights items.

The mapping is that of Microsoft's azure-monitor-opentelemetry-exporter, so that existing queries and workbooks go on
working, apart from what that one gets wrong: docs/reference/opentelemetry.md lists each difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_appinsights import envelope
from ext_opentelemetry import as_dependency, as_request
from ext_opentelemetry.attributes import dimensions, first, measurements, text
from ext_opentelemetry.operations import rate_of
from ext_opentelemetry.resource import tags_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan

    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.operations import Operation

    Envelope = dict[str, Any]

MOST_LINKS = 102
"""Links of 80 characters that fit into a property of 8192."""


class Mapper:
    """Turns spans into envelopes. Not for several threads at once: it remembers the last resource."""

    def __init__(self) -> None:
        self._resource: Resource | None = None
        self._resource_tags: dict[str, str] = {}

    def envelopes(self, span: ReadableSpan, operation: Operation | None) -> list[Envelope]:
        """Return the request or dependency that a span is, and its events as exceptions and messages."""
        attributes: Attributes = dict(span.attributes or ())
        tags = self._tags(span, attributes, operation)
        rate = rate_of(span)
        if rate == 100.0 and operation is not None:  # noqa: PLR2004
            rate = operation.rate
        items = [_item(span, attributes, tags, rate)]
        if span.events:
            inner = _inner_tags(tags, span)
            items += [_event(event, inner, rate) for event in span.events]
        return items

    def _tags(self, span: ReadableSpan, attributes: Attributes, operation: Operation | None) -> dict[str, str]:
        if span.resource is not self._resource:
            self._resource_tags = tags_of(span.resource)
            self._resource = span.resource
        assert span.context is not None
        tags = {**self._resource_tags, "ai.operation.id": f"{span.context.trace_id:032x}"}
        if operation is not None:
            tags["ai.operation.name"] = operation.name
        if span.parent is not None:
            tags["ai.operation.parentId"] = f"{span.parent.span_id:016x}"
        return tags | _visitor(span.kind, attributes)


def _visitor(kind: SpanKind, attributes: Attributes) -> dict[str, str]:
    """Return the tags that tell who asked."""
    agent = text(attributes, "user_agent.original", "http.user_agent")
    tags = {
        "ai.user.authUserId": text(attributes, "enduser.id"),
        "ai.user.id": text(attributes, "enduser.pseudo.id"),
        "ai.session.id": text(attributes, "session.id"),
        "ai.user.userAgent": agent,
    }
    if "AlwaysOn" in agent or attributes.get("user_agent.synthetic.type") in ("bot", "test"):
        tags["ai.operation.syntheticSource"] = "True"
    if kind in (SpanKind.SERVER, SpanKind.CONSUMER):
        tags["ai.location.ip"] = text(attributes, "client.address", "http.client_ip", "net.peer.ip")
    return tags


def _inner_tags(tags: dict[str, str], span: ReadableSpan) -> dict[str, str]:
    assert span.context is not None
    kept = {key: value for key, value in tags.items() if key not in ("ai.location.ip", "ai.user.userAgent")}
    return {**kept, "ai.operation.parentId": f"{span.context.span_id:016x}"}


def _item(span: ReadableSpan, attributes: Attributes, tags: dict[str, str], rate: float) -> Envelope:
    assert span.context is not None
    started = span.start_time or 0
    arguments: dict[str, Any] = {
        "time_ns": started,
        "id": f"{span.context.span_id:016x}",
        "name": span.name,
        "duration_ns": (span.end_time or started) - started,
        "success": span.status.is_ok,
        "properties": _properties(span, attributes),
        "measurements": measurements(attributes),
        "tags": tags,
        "sample_rate": rate,
    }
    if span.kind not in (SpanKind.SERVER, SpanKind.CONSUMER):
        arguments["result_code"] = "0"
        return envelope.dependency(**(arguments | as_dependency.fields_of(span, attributes)))
    arguments["name"] = as_request.name_of(span.name, attributes)
    waited = as_request.time_in_queue(span)
    if waited is not None:
        arguments["measurements"]["timeSinceEnqueued"] = waited
    return envelope.request(**(arguments | as_request.fields_of(span, attributes)))


def _properties(span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
    properties = dimensions(attributes)
    if span.links:
        properties["_MS.links"] = json.dumps(
            [
                {"operation_Id": f"{link.context.trace_id:032x}", "id": f"{link.context.span_id:016x}"}
                for link in span.links[:MOST_LINKS]
            ]
        )
    return properties


def _event(event: Event, tags: dict[str, str], rate: float) -> Envelope:
    attributes: Attributes = dict(event.attributes or ())
    common: dict[str, Any] = {
        "time_ns": event.timestamp,
        "properties": dimensions(attributes),
        "measurements": measurements(attributes),
        "tags": {**tags, "ai.session.id": text(attributes, "session.id") or tags.get("ai.session.id", "")},
        "sample_rate": rate,
    }
    if event.name != "exception":
        return envelope.message(text=event.name, **common)
    details = envelope.exception_details(
        text(attributes, "exception.type") or "Exception",
        text(attributes, "exception.message") or "Exception",
        first(attributes, "exception.stacktrace"),
    )
    return envelope.exception(details=details, **common)
