"""Where messages come from: the spans that sent them, as their properties carry them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.trace import Link

from ext_opentelemetry.carried import span_of
from ext_opentelemetry.triggers.values import epoch_ms, is_batch, metadata_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opentelemetry.trace import SpanContext

    Read = Callable[[Any], Iterable[tuple[Any, Any]]]

ENQUEUED = "enqueuedTime"
"""Attribute of a link with the milliseconds since 1970 at which the message was queued. Application Insights shows
their mean as the measurement `timeSinceEnqueued` (azure-monitor-opentelemetry-exporter, export/trace/_exporter.py)."""

_NAMES = ("traceparent", "Diagnostic-Id")
"""Properties with the sender's span: of W3C and CloudEvents, and of the Azure SDKs."""


class Origin(NamedTuple):
    """What the span of an invocation continues, and what it is linked to."""

    parent: SpanContext | None
    links: Sequence[Link]


def origin_of(system: str, value: Any, host: SpanContext | None) -> Origin:
    """Return where an invocation for messages comes from.

    `host` is the span that the host handed on. A batch is linked to the sender of each message. A single message is
    linked to its sender as well, and continues the sender's trace if the host handed on none. Never raises.
    """
    read = _READERS.get(system)
    if read is None or value is None:
        return Origin(host, ())
    links = _links(read, value)
    if is_batch(value) or not links:
        return Origin(host, links)
    sender = links[0].context
    if host is None:
        return Origin(sender, _waited(links))
    return Origin(host, () if sender.span_id == host.span_id and sender.trace_id == host.trace_id else links)


def _waited(links: list[Link]) -> list[Link]:
    """Keep a link to the parent only for what it tells about the time in the queue."""
    return [link for link in links if link.attributes]


def _links(read: Read, value: Any) -> list[Link]:
    links: list[Link] = []
    try:
        for properties, enqueued in read(value):
            sender = _sender(properties)
            if sender is not None:
                when = epoch_ms(enqueued)
                links.append(Link(sender, None if when is None else {ENQUEUED: when}))
    except Exception:  # noqa: S110 - whatever senders put into messages: what could be read is kept
        pass
    return links


def _sender(properties: Any) -> SpanContext | None:
    if not properties or not isinstance(properties, Mapping):
        return None
    for name in _NAMES:
        sender = span_of(_text(properties, name), _text(properties, "tracestate"))
        if sender is not None:
            return sender
    return None


def _text(properties: Mapping[Any, Any], name: str) -> Any:
    """Return a property; those of the SDK bindings are bytes by bytes, as AMQP has them."""
    found = properties.get(name)
    if found is None:
        found = properties.get(name.encode())
    return found.decode("latin-1") if isinstance(found, bytes) else found


def _each(value: Any) -> Sequence[Any]:
    return value if is_batch(value) else (value,)


def _service_bus(value: Any) -> Iterable[tuple[Any, Any]]:
    for message in _each(value):
        properties = getattr(message, "application_properties", None) or getattr(message, "user_properties", None)
        yield properties, getattr(message, "enqueued_time_utc", None)


def _event_hubs(value: Any) -> Iterable[tuple[Any, Any]]:
    """Read properties from the metadata, as the host delivers them; events of the SDK bindings have their own."""
    metadata = metadata_of(value)
    if is_batch(value):
        listed = metadata.get("PropertiesArray")
        properties = listed if isinstance(listed, list) else []
    else:
        properties = [metadata.get("Properties")]
    for index, event in enumerate(_each(value)):
        own = getattr(event, "properties", None) or (properties[index] if index < len(properties) else None)
        yield own, getattr(event, "enqueued_time", None)


def _event_grid(value: Any) -> Iterable[tuple[Any, Any]]:
    for event in _each(value):
        yield getattr(event, "extension_attrs", None), getattr(event, "time", None)


def _kafka(value: Any) -> Iterable[tuple[Any, Any]]:
    for event in _each(value):
        yield _headers(getattr(event, "headers", None)), getattr(event, "timestamp", None)


def _headers(headers: Any) -> dict[str, str]:
    """Return Kafka's headers, a list of {"Key": ..., "Value": ...}, the values as text or as base64 of it."""
    found: dict[str, str] = {}
    for header in headers if isinstance(headers, (list, tuple)) else ():
        if isinstance(header, Mapping) and isinstance(header.get("Value"), str):
            name, value = header.get("Key"), header["Value"]
            if name in (*_NAMES, "tracestate"):
                found[str(name)] = value if "-" in value or "=" in value.rstrip("=") else _decoded(value)
    return found


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return value


_READERS: dict[str, Read] = {
    "servicebus": _service_bus,
    "eventhubs": _event_hubs,
    "eventgrid": _event_grid,
    "kafka": _kafka,
}
