"""Blobs, Cosmos DB documents and SQL rows: which ones changed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ext_opentelemetry.triggers.expressions import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COLLECTIONS = {
    "blobtrigger": ("path",),
    "cosmosdbtrigger": ("containerName", "collectionName"),
    "sqltrigger": ("tableName",),
    "mysqltrigger": ("tableName",),
}
"""Trigger -> the properties of the binding that can name the container or table."""


def source(kind: str, binding: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., None]]:
    """Return the attributes of all invocations, and what reads a single one.

    `faas.document.operation` is left out: no trigger tells an insertion from a change.
    """
    collection = next(filter(None, map(resolved, map(binding.get, COLLECTIONS[kind]))), "")
    if kind == "blobtrigger":
        collection = collection.strip("/").partition("/")[0]
    read = _read_blob if kind == "blobtrigger" else _read_documents
    return {"faas.document.collection": collection} if collection else {}, read


def _read_blob(blob: Any, attributes: dict[str, Any]) -> None:
    """`blob` is an InputStream, whose name begins with the container, or a client of the SDK bindings."""
    container, _, name = str(getattr(blob, "name", None) or "").partition("/")
    container = container or str(getattr(blob, "container_name", None) or "")
    name = name or str(getattr(blob, "blob_name", None) or "")
    if container and name:
        attributes["faas.document.collection"] = container
        attributes["faas.document.name"] = name
    properties = getattr(blob, "blob_properties", None)
    if isinstance(properties, dict) and isinstance(properties.get("LastModified"), str):
        attributes["faas.document.time"] = properties["LastModified"]


def _read_documents(documents: Any, attributes: dict[str, Any]) -> None:
    if isinstance(documents, (str, bytes)) or not hasattr(documents, "__len__"):
        return
    attributes["azure.functions.document_count"] = len(documents)
    if len(documents) != 1:
        return
    get = getattr(documents[0], "get", None)
    if get is None:
        return
    if isinstance(get("id"), str):
        attributes["faas.document.name"] = get("id")
    changed = get("_ts")  # seconds, of Cosmos DB
    if isinstance(changed, int):
        moment = datetime.fromtimestamp(changed, timezone.utc)
        attributes["faas.document.time"] = moment.isoformat().replace("+00:00", "Z")
