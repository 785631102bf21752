"""Reading span attributes: stable semantic conventions first, the ones before them as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ext_appinsights.fields import value_text

Attributes = Mapping[str, Any]

SAMPLE_RATE = "_MS.sampleRate"
"""Attribute with the percentage of a sampled span, as every Application Insights SDK for OpenTelemetry writes it."""

MEASUREMENTS = "microsoft.custom_measurements"

TOLD_TYPE = "microsoft.dependency.type"
TOLD_TARGET = "microsoft.dependency.target"
TOLD_DATA = "microsoft.dependency.data"
TOLD_RESULT_CODE = "microsoft.dependency.resultCode"
"""Attributes with which a dependency that was made by hand says itself what it is."""

_STANDARD_PREFIXES = (
    "http.",
    "db.",
    "message.",
    "messaging.",
    "rpc.",
    "enduser.",
    "net.",
    "peer.",
    "exception.",
    "thread.",
    "code.",
)
_STANDARD = frozenset(
    {
        SAMPLE_RATE,
        MEASUREMENTS,
        TOLD_TYPE,
        TOLD_TARGET,
        TOLD_DATA,
        TOLD_RESULT_CODE,
        "session.id",
        "client.address",
        "client.port",
        "server.address",
        "server.port",
        "url.full",
        "url.path",
        "url.query",
        "url.scheme",
        "url.template",
        "error.type",
        "network.local.address",
        "network.local.port",
        "network.protocol.name",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.version",
        "network.transport",
        "user_agent.original",
        "user_agent.synthetic.type",
    }
)
"""Attributes that have fields of their own, and are no custom dimensions (azure-monitor-opentelemetry-exporter)."""


def first(attributes: Attributes, *names: str) -> Any:
    """Return the value of the first of the attributes that is there and not empty, else None."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def text(attributes: Attributes, *names: str) -> str:
    """Return what `first` does as text; empty if there is none."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value if type(value) is str else value_text(value)
    return ""


def is_dimension(key: str) -> bool:
    """Whether an attribute becomes a custom dimension: it has no field of its own."""
    return key not in _STANDARD and not key.startswith(_STANDARD_PREFIXES)


def dimensions(attributes: Attributes) -> dict[str, Any]:
    """Return the attributes that become custom dimensions."""
    return {key: value for key, value in attributes.items() if is_dimension(key)}


def measurements(attributes: Attributes) -> dict[str, Any]:
    """Return the custom measurements that an attribute carries as a mapping or as JSON."""
    value = attributes.get(MEASUREMENTS)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def http_method(attributes: Attributes) -> str:
    """Return the HTTP method; empty if the span is not about HTTP."""
    return text(attributes, "http.request.method", "http.method")


def http_status(attributes: Attributes) -> int:
    """Return the HTTP status; 0 if there is none."""
    code = attributes.get("http.response.status_code") or attributes.get("http.status_code") or 0
    if type(code) is int:
        return code
    try:
        return int(code)
    except (TypeError, ValueError, OverflowError):
        return 0


def destination(attributes: Attributes) -> str:
    """Return the queue, topic or hub of a messaging span."""
    return text(attributes, "messaging.destination.name", "messaging.destination", "message_bus.destination")
