"""Spans of kind CLIENT, PRODUCER and INTERNAL as dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_opentelemetry import urls
from ext_opentelemetry.attributes import (
    TOLD_DATA,
    TOLD_RESULT_CODE,
    TOLD_TARGET,
    TOLD_TYPE,
    first,
    http_method,
    http_status,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from ext_opentelemetry.attributes import Attributes

_CLIENT, _PRODUCER = SpanKind.CLIENT, SpanKind.PRODUCER
_CLIENT_ERROR = 400

_SQL = frozenset(
    {
        "db2", "ibm.db2", "derby", "mariadb", "mssql", "microsoft.sql_server", "oracle", "oracle.db", "sqlite",
        "other_sql", "hsqldb", "h2", "h2database",
    }
)  # fmt: skip


def fields_of(span: ReadableSpan, attributes: Attributes, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return the arguments for a dependency that depend on what was called."""
    namespace = text(attributes, "az.namespace")
    if span.kind is _CLIENT:
        fields = _client(span, attributes, redact)
        if namespace:
            # Of an Azure SDK the service counts more than the protocol; what the protocol tells is kept.
            fields["type"] = namespace
            fields["name"] = span.name
            fields["target"] = urls.azure_target(attributes) or fields["target"]
    else:
        fields = {"name": span.name, "success": span.status.is_ok, "result_code": "0"}
        if span.kind is _PRODUCER:
            return fields | _producer(attributes, namespace)
        fields["type"] = f"InProc | {namespace}" if namespace else "InProc"
        fields["target"] = urls.peer(attributes)
    model = text(attributes, "gen_ai.provider.name", "gen_ai.system")
    if model:
        fields["type"] = f"GenAI | {model}"
        if span.kind is _CLIENT:
            fields["target"] = fields["target"] or model
    return _as_told(span, attributes, redact, fields) if TOLD_TYPE in attributes else fields


def _as_told(
    span: ReadableSpan, attributes: Attributes, redact: Callable[[str], str], fields: dict[str, Any]
) -> dict[str, Any]:
    """Return the fields of a dependency that was made by hand: as it says itself, whatever else it is about."""
    fields.pop("statement", None)
    return fields | {
        "name": span.name,
        "type": text(attributes, TOLD_TYPE),
        "target": text(attributes, TOLD_TARGET),
        "data": redact(text(attributes, TOLD_DATA)),
        "result_code": text(attributes, TOLD_RESULT_CODE) or "0",
        "success": span.status.is_ok,
    }


def _client(span: ReadableSpan, attributes: Attributes, redact: Callable[[str], str]) -> dict[str, Any]:
    method = http_method(attributes)
    if method:
        return _http(span, method, attributes, redact(urls.call_url(attributes)))
    common = {"name": span.name, "success": span.status.is_ok, "result_code": "0"}
    system = text(attributes, "db.system.name", "db.system")
    if system:
        return common | _database(attributes, system)
    system = text(attributes, "messaging.system")
    if system:
        return common | {"type": system, "target": urls.messaging_target(attributes)}
    system = text(attributes, "rpc.system.name", "rpc.system")
    if system:
        return common | _rpc(attributes, system)
    return common | {"type": "N/A", "target": urls.peer(attributes)}


def _http(span: ReadableSpan, method: str, attributes: Attributes, url: str) -> dict[str, Any]:
    parts = urls.split(url)
    code = http_status(attributes)
    return {
        "type": "HTTP",
        "name": f"{method} {parts[2] or '/'}",
        "data": url,
        "target": urls.http_target(attributes, parts),
        "result_code": str(code),
        "success": span.status.is_ok and code < _CLIENT_ERROR,
    }


def _database(attributes: Attributes, system: str) -> dict[str, Any]:
    return {
        "type": "SQL" if system in _SQL else system,
        "statement": text(attributes, "db.query.text", "db.statement", "db.operation.name", "db.operation"),
        "target": urls.db_target(attributes, system),
    }


def _rpc(attributes: Attributes, system: str) -> dict[str, Any]:
    code = first(attributes, "rpc.response.status_code", "rpc.grpc.status_code")
    return {
        "type": system,
        "target": urls.peer(attributes) or system,
        "result_code": "0" if code is None else str(code),
    }


def _producer(attributes: Attributes, namespace: str) -> dict[str, Any]:
    system = namespace or text(attributes, "messaging.system")
    return {
        "type": f"Queue Message | {system}" if system else "Queue Message",
        "target": urls.azure_target(attributes) if namespace else urls.messaging_target(attributes),
    }
