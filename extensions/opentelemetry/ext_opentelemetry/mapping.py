"""Finished spans as Application Insights items.

The mapping is that of Microsoft's azure-monitor-opentelemetry-exporter, so that existing queries and workbooks go on
working, apart from what that one gets wrong: docs/reference/opentelemetry.md lists each difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ext_appinsights import lines
from ext_appinsights.fields import TAG_LIMITS, TEXT_LIMIT
from ext_appinsights.redaction import DEFAULT
from ext_opentelemetry import as_dependency, as_request
from ext_opentelemetry.attributes import MEASUREMENTS, measurements, text
from ext_opentelemetry.dimensions import Dimensions
from ext_opentelemetry.events import Events
from ext_opentelemetry.operations import REQUESTS, WHOLE, rate_of
from ext_opentelemetry.reading import ids, plain, read, some
from ext_opentelemetry.resource import tags_of
from ext_opentelemetry.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.operations import Operation

MOST_LINKS = 102
"""Links of 80 characters that fit into a property of 8192."""

_NAMES_REMEMBERED = 512
_VISITOR = frozenset({"enduser.id", "enduser.pseudo.id", "session.id", "user_agent.synthetic.type"})
_AGENT_LIMIT, _ADDRESS_LIMIT = TAG_LIMITS["ai.user.userAgent"], TAG_LIMITS["ai.location.ip"]


class Mapper:
    """Turns spans into items; any number of threads may share one.

    `redactor` takes credentials out; None leaves everything as it is.
    """

    def __init__(self, redactor: Redactor | None = DEFAULT) -> None:
        self._redact = _unchanged if redactor is None else redactor.text
        self._suspects = _never if redactor is None else redactor.suspects
        self._dimensions = Dimensions(redactor)
        self._shapes = Shapes(self._dimensions, redactor)
        self._events = Events(self._dimensions, self._redact)
        self._names: dict[str, str] = {}
        self._last: tuple[Resource | None, str] = (None, "")

    def lines(self, span: ReadableSpan, operation: Operation | None) -> list[bytes]:
        """Return the request or dependency that a span is, and its events as exceptions and messages, as JSON."""
        fields = read(span)
        attributes = fields[4]
        if type(attributes) is not dict:
            attributes = plain(attributes)
        name, rate = ("", WHOLE) if operation is None else operation.tell(span, fields, attributes)
        tags = self._tags(fields, name)
        if not some(getattr(span, "_links", True)):
            quick = self._shapes.line(span, fields, attributes, tags, rate)
            if quick is not None:
                if not some(getattr(span, "_events", True)):
                    return [quick]
                return [quick, *self._events.lines(span, tags, rate)]
        return self._at_length(span, attributes, tags, rate)

    def _at_length(self, span: ReadableSpan, attributes: Attributes, tags: str, rate: float) -> list[bytes]:
        own_rate = rate_of(attributes)
        rate = own_rate if own_rate != WHOLE else rate
        is_request = span.kind in REQUESTS
        agent = text(attributes, "user_agent.original", "http.user_agent")
        if "AlwaysOn" in agent or not _VISITOR.isdisjoint(attributes):
            tags = _joined(tags, lines.tags(_visitor(attributes, agent)))
        of_span_alone = tags + _asker(attributes, agent, is_request=is_request)
        made = [self._item(span, attributes, of_span_alone, rate, is_request)]
        if getattr(span, "_events", True):  # the property copies them, which costs ten times as much
            made += self._events.lines(span, tags, rate)
        return made

    def envelopes(self, span: ReadableSpan, operation: Operation | None) -> list[dict[str, Any]]:
        """Return the same items as `lines`, as dicts."""
        return [json.loads(line) for line in self.lines(span, operation)]

    def _tags(self, fields: tuple[Any, ...], operation_name: str) -> str:
        """Return, as members, the tags of the resource and the operation."""
        context, parent, _, _, _, _, _, _, resource = fields
        known, members = self._last
        if resource is not known:
            members = self._resource(resource)
        name = self._names.get(operation_name)
        if name is None:
            name = self._name(operation_name)
        above = 0 if parent is None else ids(parent)[1]
        caller = f',"ai.operation.parentId":"{above:016x}"' if above else ""
        return f'{members},"ai.operation.id":"{ids(context)[0]:032x}"{name}{caller}'

    def _resource(self, resource: Resource) -> str:
        members = lines.tags(tags_of(resource))
        self._last = (resource, members)  # in one step: another thread may read it
        return members

    def _name(self, operation_name: str) -> str:
        """Return the tag of the operation's name; names come again and again."""
        members = lines.tags({"ai.operation.name": self._redact(operation_name)}) if operation_name else ""
        known = f",{members}" if members else ""
        if len(operation_name) <= TEXT_LIMIT:  # longer ones are paths, which are the caller's to choose
            if len(self._names) >= _NAMES_REMEMBERED:
                self._names.clear()
            self._names[operation_name] = known
        return known

    def _item(self, span: ReadableSpan, attributes: Attributes, tags: str, rate: float, is_request: bool) -> bytes:
        context = span.context
        assert context is not None
        started, ended = span.start_time or 0, span.end_time
        numbers = measurements(attributes) if MEASUREMENTS in attributes else {}
        properties = self._dimensions.members(attributes)
        if getattr(span, "_links", True):
            properties = _and_links(properties, span)
            waited = as_request.time_in_queue(span) if is_request else None
            if waited is not None:
                numbers["timeSinceEnqueued"] = waited
        fields = self._fields(span, attributes, as_request.fields_of if is_request else as_dependency.fields_of)
        return (lines.request if is_request else lines.dependency)(
            time_ns=started,
            id=f"{context.span_id:016x}",
            duration_ns=ended - started if ended and started else 0,
            properties=properties,
            measurements=lines.measurements(numbers) if numbers else "",
            tags=tags,
            sample_rate=rate,
            **fields,
        )

    def _fields(
        self, span: ReadableSpan, attributes: Attributes, read: Callable[..., dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what depends on what the span was about. A database's statement is left as it is."""
        fields = read(span, attributes, _unchanged)
        asked = fields.get("url") or fields.get("data")
        if asked and self._suspects(asked) and self._redact(asked) != asked:
            fields = read(span, attributes, self._redact)
        known = fields.get("source") or fields.get("target")
        if self._suspects(f"{fields['name']}\n{known}\n{fields.get('type')}"):
            for key in ("name", "source", "target", "type"):
                if key in fields:
                    fields[key] = self._redact(fields[key])
        if "statement" in fields:
            fields["data"] = fields.pop("statement")
        return fields


def _unchanged(text: str) -> str:
    return text


def _never(text: str) -> bool:  # noqa: ARG001  as Redactor.suspects
    return False


def _joined(members: str, more: str) -> str:
    return f"{members},{more}" if members and more else members or more


def _visitor(attributes: Attributes, agent: str) -> dict[str, str]:
    """Return the tags that tell for whom all this was done."""
    is_synthetic = "AlwaysOn" in agent or attributes.get("user_agent.synthetic.type") in ("bot", "test")
    return {
        "ai.user.authUserId": text(attributes, "enduser.id"),
        "ai.user.id": text(attributes, "enduser.pseudo.id"),
        "ai.session.id": text(attributes, "session.id"),
        "ai.operation.syntheticSource": "True" if is_synthetic else "",
    }


def _asker(attributes: Attributes, agent: str, *, is_request: bool) -> str:
    """Return, as members with a comma before each, the tags of a span alone: with what and from where it was asked."""
    asker = f',"ai.user.userAgent":{lines.quoted(agent[:_AGENT_LIMIT])}' if agent else ""
    address = text(attributes, "client.address", "http.client_ip", "net.peer.ip") if is_request else ""
    return f'{asker},"ai.location.ip":{lines.quoted(address[:_ADDRESS_LIMIT])}' if address else asker


def _and_links(properties: str, span: ReadableSpan) -> str:
    links = json.dumps(
        [
            {"operation_Id": f"{link.context.trace_id:032x}", "id": f"{link.context.span_id:016x}"}
            for link in span.links[:MOST_LINKS]
        ]
    )
    return _joined(properties, f'"_MS.links":{lines.quoted(links)}')
