"""The free parts of an item: properties, measurements and tags."""

from __future__ import annotations

import json
from typing import Any

from ext_devkit.insights.ingest.fields import number
from ext_devkit.insights.ingest.rejection import RejectedError, wrong_type
from ext_devkit.insights.store.schema import COMMON

LONGEST_KEY = 150
LONGEST_VALUE = 8192

TAGS = {
    "ai.operation.id": ("operation_Id", 128),
    "ai.operation.parentId": ("operation_ParentId", 512),
    "ai.operation.name": ("operation_Name", 1024),
    "ai.operation.syntheticSource": ("operation_SyntheticSource", 1024),
    "ai.cloud.role": ("cloud_RoleName", 256),
    "ai.cloud.roleInstance": ("cloud_RoleInstance", 256),
    "ai.application.ver": ("application_Version", 1024),
    "ai.internal.sdkVersion": ("sdkVersion", 64),
    "ai.user.id": ("user_Id", 128),
    "ai.user.authUserId": ("user_AuthenticatedId", 1024),
    "ai.user.accountId": ("user_AccountId", 1024),
    "ai.session.id": ("session_Id", 64),
    "ai.device.type": ("client_Type", 64),
    "ai.device.model": ("client_Model", 256),
    "ai.device.osVersion": ("client_OS", 256),
    "ai.location.ip": ("client_IP", 46),
    "ai.location.city": ("client_City", 256),
    "ai.location.province": ("client_StateOrProvince", 256),
    "ai.location.country": ("client_CountryOrRegion", 256),
    "ai.user.userAgent": ("client_Browser", 2048),
}
"""Tag -> column and the most characters kept (ContextTagKeys.bond). Other tags have no column and are not kept."""

_SLOTS = {tag: (COMMON.index(column), limit) for tag, (column, limit) in TAGS.items()}

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def as_map(value: Any, field: str, owner: str) -> dict[str, Any]:
    """Return a JSON object as dict; absent is empty."""
    if value is None:
        return {}
    if type(value) is not dict:
        raise wrong_type(field, owner, "object", value)
    return value


def properties(value: Any, owner: str) -> str | None:
    """Return properties as JSON text, None if there are none; what is no text becomes JSON text, null is left out."""
    kept = {}
    for key, content in as_map(value, "properties", owner).items():
        if content is not None:
            words = content if type(content) is str else _as_text(content, key)
            kept[key[:LONGEST_KEY]] = words[:LONGEST_VALUE]
    return to_json(kept) if kept else None


def measurements(value: Any, owner: str) -> str | None:
    """Return measurements as JSON text, None if there are none; null is left out."""
    kept = {}
    for key, content in as_map(value, "measurements", owner).items():
        if content is not None:
            kept[key[:LONGEST_KEY]] = number(content, key, "measurements")
    return to_json(kept) if kept else None


def put_tags(row: list[Any], value: Any) -> None:
    """Write the tags that have a column into a row; an empty tag is none."""
    for tag, content in as_map(value, "tags", "Envelope").items():
        slot = _SLOTS.get(tag)
        if slot is not None and content is not None and content != "":
            index, limit = slot
            words = content if type(content) is str else _scalar(content, tag, "ContextTagKeys")
            row[index] = words[:limit]


def _as_text(value: Any, key: str) -> str:
    """Return anything as JSON text: OpenCensus sends lists and objects as they were logged."""
    try:
        return to_json(value)
    except RecursionError as error:
        raise RejectedError(f"Field '{key[:LONGEST_KEY]}' on type 'properties' is nested too deeply.") from error


def _scalar(value: Any, field: str, owner: str) -> str:
    """Return a number or a boolean as text."""
    if isinstance(value, (dict, list)):
        raise wrong_type(field[:LONGEST_KEY], owner, "string", value)
    return to_json(value)
