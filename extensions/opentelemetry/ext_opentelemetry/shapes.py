"""Requests and dependencies of the usual shapes, written at once.

Nearly all spans of an app have one of few sets of attributes: what becomes of each attribute is worked out once for a
set, and a span of it is written from there. Whatever is out of the ordinary, be it an attribute or a value, is left to
the thorough way in `mapping`, which gives the same line; a test holds both beside each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.trace import SpanKind, StatusCode

from ext_appinsights import lines
from ext_appinsights.fields import (
    DATA_LIMIT,
    TAG_LIMITS,
    TEXT_LIMIT,
    URL_LIMIT,
    VALUE_LIMIT,
    duration,
    timestamp,
    value_text,
)
from ext_opentelemetry import as_dependency, as_request, urls
from ext_opentelemetry.attributes import MEASUREMENTS, SAMPLE_RATE, TOLD_TYPE, text
from ext_opentelemetry.reading import ids
from ext_opentelemetry.routed import Routed, is_routed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.dimensions import Dimensions

    Keys = tuple[str, ...]
    Fields = tuple[str, str, bool, str]
    """Name and code, as JSON; success; the other fields as members with a comma before each."""

_SERVER, _CONSUMER, _CLIENT, _INTERNAL = SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT, SpanKind.INTERNAL
_FAILED = StatusCode.ERROR
_REMEMBERED = 1024
_AGENT_LIMIT, _ADDRESS_LIMIT = TAG_LIMITS["ai.user.userAgent"], TAG_LIMITS["ai.location.ip"]
_CLIENT_ERROR = 400

_RARE = frozenset(
    {
        SAMPLE_RATE, MEASUREMENTS, "enduser.id", "enduser.pseudo.id", "session.id", "user_agent.synthetic.type",
        "http.user_agent", "http.client_ip", "net.peer.ip", TOLD_TYPE,
    }
)  # fmt: skip
"""Attributes that are left to the thorough way."""

_HTTP = frozenset({"http.request.method", "http.method"})
_CALLED = frozenset({"http.request.method", "url.full", "server.address"})
"""What tells all of a call over HTTP."""
_CALLED_OTHERWISE = frozenset({"az.namespace", "gen_ai.provider.name", "gen_ai.system", "url.scheme", "http.scheme"})

_STATEMENTS = ("db.query.text", "db.statement", "db.operation.name", "db.operation")
_NAMING = frozenset(
    {
        "az.namespace", "db.name", "db.namespace", "db.system", "db.system.name", "gen_ai.provider.name",
        "gen_ai.system", "http.scheme", "message_bus.destination", "messaging.destination",
        "messaging.destination.name", "messaging.system", "net.peer.ip", "net.peer.name", "net.peer.port",
        "peer.address", "peer.service", "rpc.grpc.status_code", "rpc.response.status_code", "rpc.system",
        "rpc.system.name", "server.address", "server.port", "url.scheme",
    }
)  # fmt: skip
"""All attributes that tell what a dependency without HTTP was, but for the statements, of which there are many. Others
of the same families are of any length, and new with each span: messages to a model, parameters of a query."""


def _unchanged(text: str) -> str:
    return text


def _never(text: str) -> bool:  # noqa: ARG001  as Redactor.suspects
    return False


def _always(text: str) -> bool:  # noqa: ARG001  as Redactor.leaves
    return True


class Shape(NamedTuple):
    """What is known of all spans of a kind with the same attributes."""

    dimensions: tuple[tuple[str, str], ...]
    """The attributes that are custom dimensions, and how the member of each begins."""
    agent: str | None
    """The attribute with the user's agent."""
    address: str | None
    """The attribute with the address of who asked."""
    read: Callable[[ReadableSpan, str, Attributes], Fields | None]
    """Returns the fields that depend on what the span, with its name, was about; None for the thorough way. Whether it
    failed by its status is looked at elsewhere."""
    routed: Routed | None
    """What reads requests with a route, all of it."""


class Shapes:
    """Writes spans of usual shapes; any number of threads may share one."""

    def __init__(self, dimensions: Dimensions, redactor: Redactor | None) -> None:
        self._dimensions = dimensions
        self._redact = _unchanged if redactor is None else redactor.text
        self._suspects = _never if redactor is None else redactor.suspects
        self._leaves = _always if redactor is None else redactor.leaves
        self._requests: dict[Keys, Shape | None] = {}
        self._calls: dict[Keys, Shape | None] = {}
        self._parts: dict[Keys, Shape | None] = {}
        self._texts: dict[str, str] = {}

    def line(
        self, span: ReadableSpan, fields: tuple[Any, ...], attributes: Attributes, tags: str, rate: float
    ) -> bytes | None:
        """Return the line of a span without links.

        `fields` are what `reading.read` returns of it; `tags` (as members) are those of the resource and operation.
        """
        context, _, kind, name, _, started, ended, status, _ = fields
        is_request = kind is _SERVER or kind is _CONSUMER
        if is_request:
            known = self._requests
        elif kind is _CLIENT:
            known = self._calls
        elif kind is _INTERNAL:
            known = self._parts
        else:
            return None
        keys = tuple(attributes)
        shape = known.get(keys, _UNKNOWN)
        if shape is _UNKNOWN:
            shape = self._learn(known, keys)
        if shape is None:
            return None
        asked = self._ordinary(shape, span, name, attributes) if shape.routed is None else shape.routed.read(attributes)
        if asked is None:
            return None
        name, code, success, more, dimensions, asker = asked
        started = started or 0
        taken = duration(ended - started if ended and started else 0)
        ending = f',"properties":{{{dimensions[1:]}}}' if dimensions else ""
        span_id = ids(context)[1]
        success = success and status.status_code is not _FAILED
        if is_request:
            return lines.request_line(
                timestamp(started), f'"{span_id:016x}"', name, taken, code, success, more, ending, tags + asker, rate
            )
        more = f',"id":"{span_id:016x}"{more}'
        return lines.dependency_line(timestamp(started), name, taken, success, more, ending, tags + asker, rate)

    def _ordinary(
        self, shape: Shape, span: ReadableSpan, span_name: str, attributes: Attributes
    ) -> tuple[Any, ...] | None:
        """Return the same as `Routed.read`."""
        dimensions = self._properties(shape, attributes)
        fields = None if dimensions is None else shape.read(span, span_name, attributes)
        if fields is None:
            return None
        asker = self._asker(shape, attributes) if shape.agent or shape.address else ""
        if asker is None:
            return None
        name, code, success, more = fields
        return name, code, success, more, dimensions, asker

    def _properties(self, shape: Shape, attributes: Attributes) -> str | None:
        written, texts = "", []
        for key, start in shape.dimensions:
            value = attributes[key]
            if type(value) is not str:
                if value is None:
                    return None
                value = value_text(value)
            if len(value) > VALUE_LIMIT:
                return None
            written += f",{start}{lines.quoted(value)}"
            texts.append(value)
        return None if texts and self._suspects("\n".join(texts)) else written

    def _asker(self, shape: Shape, attributes: Attributes) -> str | None:
        told = ""
        if shape.agent is not None:
            agent = attributes[shape.agent]
            if type(agent) is not str or not agent or "AlwaysOn" in agent:
                return None
            told = f',"ai.user.userAgent":{lines.quoted(agent[:_AGENT_LIMIT])}'
        if shape.address is not None:
            address = attributes[shape.address]
            if type(address) is not str or not address:
                return None
            told += f',"ai.location.ip":{lines.quoted(address[:_ADDRESS_LIMIT])}'
        return told

    def _learn(self, known: dict[Keys, Shape | None], keys: Keys) -> Shape | None:
        shape = None
        dimensions = self._dimensions.starts(keys)
        if dimensions is not None and _RARE.isdisjoint(keys):
            is_request, is_call = known is self._requests, known is self._calls
            read: Any = self._request if is_request else self._dependency
            if is_call and _CALLED.issubset(keys) and _CALLED_OTHERWISE.isdisjoint(keys):
                read = self._call
            elif not is_request and (not is_call or _HTTP.isdisjoint(keys)):
                read = self._remembering(keys)
            agent = "user_agent.original" if "user_agent.original" in keys else None
            address = "client.address" if is_request and "client.address" in keys else None
            routed = None
            if is_request and is_routed(keys):
                routed = Routed(keys, dimensions, self._text, self._suspects)
            shape = Shape(dimensions, agent, address, read, routed)
        if len(known) >= _REMEMBERED:
            known.clear()
        known[keys] = shape
        return shape

    def _text(self, given: str) -> str | None:
        """Return a text of which there are few as JSON; None if it is blank, long, or may hold a credential."""
        known = self._texts.get(given)
        if known is None:
            if not given or given.isspace() or len(given) > TEXT_LIMIT or self._suspects(given):
                return None
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            known = self._texts[given] = lines.quoted(given)
        return known

    def _request(self, span: ReadableSpan, _: str, attributes: Attributes) -> Fields | None:
        fields = as_request.fields_of(span, attributes, self._redact)
        name, code = self._text(fields["name"]), self._text(fields.get("response_code", "0"))
        source, url = fields.get("source"), fields.get("url")
        more = ""
        if source:
            quoted = self._text(source)
            if quoted is None:
                return None
            more = f',"source":{quoted}'
        if url:
            more += f',"url":{lines.quoted(url[:URL_LIMIT])}'
        return None if name is None or code is None else (name, code, fields["success"], more)

    def _dependency(self, span: ReadableSpan, _: str, attributes: Attributes) -> Fields | None:
        fields = as_dependency.fields_of(span, attributes, self._redact)
        few, name, url = self._few(fields), fields["name"], fields.get("data")
        if few is None or url is None or self._suspects(name) or name.isspace() or not 0 < len(name) <= TEXT_LIMIT:
            return None
        return (
            lines.quoted(name),
            "",
            fields["success"],
            f'{few},"data":{lines.quoted(url[:DATA_LIMIT])}' if url else few,
        )

    def _few(self, fields: dict[str, Any]) -> str | None:
        """Return those fields of a dependency as members that have few values."""
        members = ""
        for member, field in _FEW:
            value = fields.get(field)
            if value:
                quoted = self._text(value)
                if quoted is None:
                    return None
                members += member + quoted
        return members

    def _call(self, _: ReadableSpan, __: str, attributes: Attributes) -> Fields | None:
        method, url, address = attributes["http.request.method"], attributes["url.full"], attributes["server.address"]
        code, port = attributes.get("http.response.status_code", 0), attributes.get("server.port")
        if not (type(method) is type(url) is type(address) is str and type(code) is int and method and url and address):
            return None
        if not self._leaves(url):
            url = self._redact(url)
        scheme, _host, path = urls.split(url)
        name = f"{method} {path or '/'}"
        target = self._text(urls.joined(address, port, _PORTS.get(scheme, 0)) if port else address)
        if target is None or not code or len(name) > TEXT_LIMIT or self._suspects(name):
            return None
        more = f',"resultCode":"{code}","type":"HTTP","target":{target},"data":{lines.quoted(url[:DATA_LIMIT])}'
        return lines.quoted(name), "", code < _CLIENT_ERROR, more

    def _remembering(self, keys: Keys) -> Callable[[ReadableSpan, str, Attributes], Fields | None]:
        """Return a reader of dependencies of which all but name, success and statement has few values."""
        telling = tuple(key for key in keys if key in _NAMING)
        remembered: dict[tuple[Any, ...], tuple[str, bool]] = {}

        statements = tuple([key for key in _STATEMENTS if key in keys])

        def read(span: ReadableSpan, span_name: str, attributes: Attributes) -> Fields | None:
            values = tuple([attributes[key] for key in telling])
            if not _FEW_TYPES.issuperset(map(type, values)):
                return None
            known = remembered.get(values)
            if known is None:
                fields = as_dependency.fields_of(span, attributes, self._redact)
                few = self._few(fields)
                if few is None:
                    return None
                if len(remembered) >= _REMEMBERED:
                    remembered.clear()
                known = remembered[values] = few, "statement" in fields
            few, is_query = known
            name = self._text(span_name)
            if name is None:
                return None
            asked = text(attributes, *statements) if is_query else ""
            return name, "", True, f'{few},"data":{lines.quoted(asked[:DATA_LIMIT])}' if asked else few

        return read


_UNKNOWN: Any = object()

_FEW = ((',"resultCode":', "result_code"), (',"type":', "type"), (',"target":', "target"))
"""Fields of dependencies that have few values."""
_FEW_TYPES = frozenset({str, int})
_PORTS = {"http": 80, "https": 443}
