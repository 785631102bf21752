"""Finished spans as Application Insights items.

The mapping is that of Microsoft's azure-monitor-opentelemetry-exporter, so that existing queries and workbooks go on
working, apart from what that one gets wrong: docs/reference/opentelemetry.md lists each difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_appinsights import envelope, lines
from ext_opentelemetry import as_dependency, as_request
from ext_opentelemetry.attributes import first, measurements, text
from ext_opentelemetry.dimensions import Dimensions
from ext_opentelemetry.operations import WHOLE, rate_of
from ext_opentelemetry.redaction import DEFAULT
from ext_opentelemetry.resource import tags_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan

    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.operations import Operation
    from ext_opentelemetry.redaction import Redactor

MOST_LINKS = 102
"""Links of 80 characters that fit into a property of 8192."""

_NAMES_REMEMBERED = 512


class Mapper:
    """Turns spans into items; any number of threads may share one.

    `redactor` takes credentials out; None leaves everything as it is.
    """

    def __init__(self, redactor: Redactor | None = DEFAULT) -> None:
        self._redact = _unchanged if redactor is None else redactor.text
        self._dimensions = Dimensions(redactor)
        self._names: dict[str, str] = {}
        self._last: tuple[Resource | None, dict[str, str], str] = (None, {}, "")

    def lines(self, span: ReadableSpan, operation: Operation | None) -> list[bytes]:
        """Return the request or dependency that a span is, and its events as exceptions and messages, as JSON."""
        attributes = _attributes_of(span)
        rate = rate_of(attributes)
        if rate == WHOLE and operation is not None:
            rate = operation.rate
        resource_tags, resource_members = self._resource(span.resource)
        tags = self._tags(span, attributes, operation)
        members = lines.tags(tags)
        made = [self._item(span, attributes, f"{resource_members},{members}", rate)]
        events = span.events
        if events:
            inner = _inner_tags({**resource_tags, **tags}, span)
            made += [lines.line(self._event(event, inner, rate)) for event in events]
        return made

    def envelopes(self, span: ReadableSpan, operation: Operation | None) -> list[dict[str, Any]]:
        """Return the same items as `lines`, as dicts."""
        return [json.loads(line) for line in self.lines(span, operation)]

    def _resource(self, resource: Resource) -> tuple[dict[str, str], str]:
        known, tags, members = self._last
        if resource is not known:
            tags = tags_of(resource)
            members = lines.tags(tags)
            self._last = (resource, tags, members)  # in one step: another thread may read it
        return tags, members

    def _tags(self, span: ReadableSpan, attributes: Attributes, operation: Operation | None) -> dict[str, str]:
        assert span.context is not None
        tags = {"ai.operation.id": f"{span.context.trace_id:032x}"}
        if operation is not None:
            tags["ai.operation.name"] = self._name(operation.name)
        parent = span.parent
        if parent is not None and parent.span_id:
            tags["ai.operation.parentId"] = f"{parent.span_id:016x}"
        self._visitor(tags, span.kind, attributes)
        return tags

    def _visitor(self, tags: dict[str, str], kind: SpanKind, attributes: Attributes) -> None:
        """Add the tags that tell who asked."""
        if "enduser.id" in attributes or "enduser.pseudo.id" in attributes:
            tags["ai.user.authUserId"] = text(attributes, "enduser.id")
            tags["ai.user.id"] = text(attributes, "enduser.pseudo.id")
        if "session.id" in attributes:
            tags["ai.session.id"] = text(attributes, "session.id")
        agent = text(attributes, "user_agent.original", "http.user_agent")
        if agent and ("http.request.method" in attributes or "http.method" in attributes):
            tags["ai.user.userAgent"] = self._name(agent)
        if "AlwaysOn" in agent or attributes.get("user_agent.synthetic.type") in ("bot", "test"):
            tags["ai.operation.syntheticSource"] = "True"
        if kind in (SpanKind.SERVER, SpanKind.CONSUMER):
            tags["ai.location.ip"] = text(attributes, "client.address", "http.client_ip", "net.peer.ip")

    def _item(self, span: ReadableSpan, attributes: Attributes, tags: str, rate: float) -> bytes:
        assert span.context is not None
        started, ended = span.start_time or 0, span.end_time
        numbers = measurements(attributes)
        is_request = span.kind in (SpanKind.SERVER, SpanKind.CONSUMER)
        properties = self._dimensions.members(attributes)
        if span.links:
            properties = _and_links(properties, span)
            waited = as_request.time_in_queue(span) if is_request else None
            if waited is not None:
                numbers["timeSinceEnqueued"] = waited
        fields = (as_request if is_request else as_dependency).fields_of(span, attributes, self._redact)
        fields["name"] = self._name(fields["name"])
        make = lines.request if is_request else lines.dependency
        return make(
            time_ns=started,
            id=f"{span.context.span_id:016x}",
            duration_ns=ended - started if ended and started else 0,
            properties=properties,
            measurements=lines.measurements(numbers) if numbers else "",
            tags=tags,
            sample_rate=rate,
            **fields,
        )

    def _event(self, event: Event, tags: dict[str, str], rate: float) -> dict[str, Any]:
        attributes: Attributes = dict(event.attributes or ())
        common: dict[str, Any] = {
            "time_ns": event.timestamp,
            "properties": self._dimensions.properties(attributes),
            "measurements": measurements(attributes),
            "tags": {**tags, "ai.session.id": text(attributes, "session.id") or tags.get("ai.session.id", "")},
            "sample_rate": rate,
        }
        if event.name != "exception":
            return envelope.message(text=self._redact(event.name), **common)
        stack = first(attributes, "exception.stacktrace")
        details = envelope.exception_details(
            text(attributes, "exception.type") or "Exception",
            self._redact(text(attributes, "exception.message") or "Exception"),
            None if stack is None else self._redact(str(stack)),
        )
        return envelope.exception(details=details, **common)

    def _name(self, name: str) -> str:
        """Return a name without credentials; names come again and again."""
        known = self._names.get(name)
        if known is None:
            known = self._redact(name)
            if len(self._names) >= _NAMES_REMEMBERED:
                self._names.clear()
            self._names[name] = known
        return known


def _unchanged(text: str) -> str:
    return text


def _attributes_of(span: ReadableSpan) -> dict[str, Any]:
    attributes: Any = span.attributes
    try:
        return attributes.copy()  # type: ignore[no-any-return]  # a dict's copy, a tenth of what dict(attributes) costs
    except AttributeError:
        return dict(attributes or ())


def _inner_tags(tags: dict[str, str], span: ReadableSpan) -> dict[str, str]:
    assert span.context is not None
    kept = {key: value for key, value in tags.items() if key not in ("ai.location.ip", "ai.user.userAgent")}
    return {**kept, "ai.operation.parentId": f"{span.context.span_id:016x}"}


def _and_links(properties: str, span: ReadableSpan) -> str:
    links = json.dumps(
        [
            {"operation_Id": f"{link.context.trace_id:032x}", "id": f"{link.context.span_id:016x}"}
            for link in span.links[:MOST_LINKS]
        ]
    )
    member = f'"_MS.links":{lines.quoted(links)}'
    return f"{properties},{member}" if properties else member
