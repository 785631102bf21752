"""Spans of kind CLIENT, PRODUCER and INTERNAL as dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_opentelemetry import urls
from ext_opentelemetry.attributes import first, http_method, http_status, text

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from ext_opentelemetry.attributes import Attributes

_CLIENT_ERROR = 400

_SQL = frozenset(
    {
        "db2", "ibm.db2", "derby", "mariadb", "mssql", "microsoft.sql_server", "oracle", "oracle.db", "sqlite",
        "other_sql", "hsqldb", "h2", "h2database",
    }
)  # fmt: skip


def fields_of(span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
    """Return the arguments for `envelope.dependency` that depend on what was called."""
    namespace = text(attributes, "az.namespace")
    if span.kind is SpanKind.PRODUCER:
        return _producer(attributes, namespace)
    if span.kind is not SpanKind.CLIENT:
        return {"type": f"InProc | {namespace}" if namespace else "InProc", "target": urls.peer(attributes)}
    fields = _client(span, attributes)
    if namespace:
        # Of an Azure SDK the service counts more than the protocol; what the protocol tells is kept.
        fields["type"] = namespace
        fields["name"] = span.name
        fields["target"] = urls.azure_target(attributes) or fields["target"]
    return fields


def _client(span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
    if http_method(attributes):
        return _http(span, attributes)
    if "db.system.name" in attributes or "db.system" in attributes:
        return _database(attributes)
    if "messaging.system" in attributes:
        return {"type": text(attributes, "messaging.system"), "target": urls.messaging_target(attributes)}
    system = text(attributes, "rpc.system.name", "rpc.system")
    if system:
        return _rpc(attributes, system)
    return {"type": "N/A", "target": urls.peer(attributes)}


def _http(span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
    url = urls.url_of(attributes)
    code = http_status(attributes)
    return {
        "type": "HTTP",
        "name": f"{http_method(attributes)} {urls.path_of(url)}",
        "data": url,
        "target": urls.http_target(attributes, url),
        "result_code": str(code),
        "success": span.status.is_ok and code < _CLIENT_ERROR,
    }


def _database(attributes: Attributes) -> dict[str, Any]:
    system = text(attributes, "db.system.name", "db.system")
    return {
        "type": "SQL" if system in _SQL else system,
        "data": text(attributes, "db.query.text", "db.statement", "db.operation.name", "db.operation"),
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
