"""Blobs, Cosmos DB documents and SQL rows: which ones changed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ext_opentelemetry.triggers.expressions import told_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FROM_BINDING: dict[str, dict[str, tuple[str, ...]]] = {
    "blobtrigger": {"faas.document.collection": ("path",)},
    "cosmosdbtrigger": {
        "faas.document.collection": ("databaseName",),
        "faas.document.name": ("containerName", "collectionName"),
    },
    "sqltrigger": {"faas.document.collection": ("tableName",)},
    "mysqltrigger": {"faas.document.collection": ("tableName",)},
}
"""Trigger -> attribute -> the properties of the binding that can give it. Of Cosmos DB the database is the collection,
and the container the document (OpenTelemetry semantic conventions, attribute registry, FaaS)."""


def source(kind: str, binding: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., None]]:
    """Return the attributes of all invocations, and what reads a single one.

    `faas.document.operation` is left out: no trigger tells an insertion from a change.
    """
    attributes = told_by(binding, FROM_BINDING[kind])
    if kind != "blobtrigger":
        return attributes, _read_documents
    container = attributes.pop("faas.document.collection", "").strip("/").partition("/")[0]
    return {"faas.document.collection": container} if container else {}, _read_blob


def _read_blob(blob: Any, attributes: dict[str, Any]) -> None:
    """`blob` is an InputStream, whose name begins with the container, or an object of the SDK bindings."""
    container = getattr(blob, "container_name", None) or getattr(blob, "container", None)
    name = getattr(blob, "blob_name", None) or getattr(blob, "name", None)
    if not container:
        container, _, name = str(name or "").partition("/")
    if container and name:
        attributes["faas.document.collection"] = str(container)
        attributes["faas.document.name"] = str(name)
    properties = getattr(blob, "blob_properties", None)
    if isinstance(properties, dict) and isinstance(properties.get("LastModified"), str):
        attributes["faas.document.time"] = properties["LastModified"]


def _read_documents(documents: Any, attributes: dict[str, Any]) -> None:
    if isinstance(documents, (str, bytes)) or not hasattr(documents, "__len__"):
        return
    attributes["azure.functions.document_count"] = len(documents)
    if len(documents) != 1:
        return
    changed = documents[0].get("_ts")  # seconds, of Cosmos DB
    if isinstance(changed, int):
        moment = datetime.fromtimestamp(changed, timezone.utc)
        attributes["faas.document.time"] = moment.isoformat().replace("+00:00", "Z")
