"""From the body of an export request to messages: one item after another, each with its resource and its scope."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.ingest.document import MOST_ITEMS, read_document, too_many
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.otlp.wire import broken, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.insights.otlp.signals import Signal

MOST_BYTES_OF_ITEM = 4 * 1024 * 1024
"""Largest span, log record or metric (with all its data points), as it was sent."""

MOST_JSON_VALUES = 500_000
"""Commas and opening brackets: protobuf's reader of JSON takes some ten microseconds for each value."""

DEEPEST = 100
"""Values inside of values; protobuf's own parser has the same limit."""

_ID_FIELDS = ("traceId", "spanId", "parentSpanId")


class Sent(NamedTuple):
    """One item as it was sent; resource and scope are the same objects for all that share them."""

    resource: Any
    scope: Any
    item: Any


def read_protobuf(body: bytes | bytearray, signal: Signal) -> Iterator[Sent]:
    """Yield the items of a request in protobuf; raise RejectedError for what is none."""
    types = _types()
    count = Count()
    for number, in_resource in parts(memoryview(body)):
        if number != 1:
            continue
        resource_part, scoped = _layer(in_resource, count)
        resource = _parse(types.resource, resource_part)
        for in_scope in scoped:
            scope_part, items = _layer(in_scope, count)
            scope = _parse(types.scope, scope_part)
            for item in items:
                yield Sent(resource, scope, _parse(signal.item_type, item))


def read_json(body: bytes | bytearray, signal: Signal) -> Iterator[Sent]:
    """Yield the items of a request in OTLP's own JSON; raise RejectedError for what is none."""
    types = _types()
    document = read_document(body, MOST_JSON_VALUES)
    if type(document) is not dict:
        raise RejectedError(f"The body is no JSON object. Send one with {signal.resources!r}.")
    count = Count()
    for in_resource in _list(document, signal.resources, count):
        resource = _from_json(types.resource, in_resource.get("resource"), "resource")
        for in_scope in _list(in_resource, signal.scopes, count):
            scope = _from_json(types.scope, in_scope.get("scope"), "scope")
            for item in _list(in_scope, signal.items, count):
                yield Sent(resource, scope, _from_json(signal.item_type, _prepared(item), signal.items))


class Count:
    """Counts items and the layers around them."""

    def __init__(self) -> None:
        self._counted = 0

    def add(self, more: int) -> None:
        """Count more; raise RejectedError if it is too much for one request."""
        self._counted += more
        if self._counted > MOST_ITEMS:
            raise too_many()


class _Types(NamedTuple):
    resource: Any
    scope: Any


def _types() -> _Types:
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

    return _Types(Resource, InstrumentationScope)


def _layer(message: memoryview, count: Count) -> tuple[bytes, list[memoryview]]:
    """Return the head (field 1: resource or scope) and the parts inside (field 2) of a layer."""
    count.add(1)
    head = bytearray()
    inside: list[memoryview] = []
    for number, part in parts(message):
        if number == 1:
            head += part
        elif number == 2:  # noqa: PLR2004  the field's number
            inside.append(part)
            count.add(1)
    return bytes(head), inside


def _parse(kind: Any, content: Any) -> Any:
    from google.protobuf.message import DecodeError

    if len(content) > MOST_BYTES_OF_ITEM:
        raise RejectedError(
            f"The body has an item of {len(content)} bytes. Send items of at most {MOST_BYTES_OF_ITEM} bytes.", 413
        )
    message = kind()
    try:
        message.ParseFromString(bytes(content))
    except DecodeError as error:
        raise broken() from error
    return message


def _list(owner: dict[str, Any], field: str, count: Count) -> list[dict[str, Any]]:
    found = owner.get(field)
    if found is None:
        return []
    if type(found) is not list or not all(type(one) is dict for one in found):
        raise RejectedError(f"Field {field!r} must be an array of objects.")
    count.add(len(found))
    return found


def _from_json(kind: Any, content: Any, field: str) -> Any:
    from google.protobuf.json_format import Error, ParseDict

    message = kind()
    if content is None:
        return message
    try:
        ParseDict(content, message, ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
    except (Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RejectedError(f"Field {field!r} cannot be read: {str(error)[:300]}") from error
    return message


def _prepared(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as protobuf's own JSON has it: identifiers are base64 there and hexadecimal in OTLP's."""
    prepared = _with_ids(item)
    if type(item.get("links")) is list:
        prepared["links"] = [_with_ids(link) if type(link) is dict else link for link in item["links"]]
    return prepared


def _with_ids(owner: dict[str, Any]) -> dict[str, Any]:
    changed = dict(owner)
    for field in _ID_FIELDS:
        given = owner.get(field)
        if given:
            try:
                changed[field] = base64.b64encode(bytes.fromhex(given)).decode()
            except (ValueError, TypeError) as error:
                raise RejectedError(
                    f"Field {field!r} is {str(given)[:64]!r}. In OTLP's JSON identifiers are hexadecimal, not base64."
                ) from error
    return changed
