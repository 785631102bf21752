"""From one envelope to one row of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.ingest.fields import filled, number, text
from ext_devkit.insights.ingest.kinds import EIGHT, KINDS
from ext_devkit.insights.ingest.maps import put_tags
from ext_devkit.insights.ingest.rejection import RejectedError, missing, out_of_range, wrong_type
from ext_devkit.insights.store.schema import COMMON

if TYPE_CHECKING:
    from ext_devkit.insights.ingest.kinds import Kind
    from ext_devkit.insights.ingest.moment import Window

TIMESTAMP = COMMON.index("timestamp")
KEY = COMMON.index("iKey")
COUNT = COMMON.index("itemCount")
EVERYTHING = 100
"""The sample rate, in percent, of an item that stands for itself alone."""

MOST_ITEMS = 2**31 - 1
"""Application Insights' `itemCount` is an `int`."""

_name = filled(1024)
_key = text(40)


def read_item(envelope: Any, window: Window) -> tuple[str, list[Any]]:
    """Return the table and the row, in the order of `schema.COLUMNS`; raise RejectedError with the reason."""
    if type(envelope) is not dict:
        raise wrong_type("item", "Body", "object", envelope)
    get = envelope.get
    _name(_given(get("name"), "name", "Envelope", "string"), "name", "Envelope")
    timestamp = window.read(get("time"))
    kind, data = _kind(_given(get("data"), "data", "Envelope", "object"))
    row: list[Any] = [None] * len(kind.columns)
    row[TIMESTAMP] = timestamp
    row[COUNT] = _count(get("sampleRate"))
    if (key := get("iKey")) is not None:
        row[KEY] = _key(key, "iKey", "Envelope")
    put_tags(row, get("tags"))
    kind.put(row, data)
    return kind.table, row


def _kind(data: Any) -> tuple[Kind, dict[str, Any]]:
    if type(data) is not dict:
        raise wrong_type("data", "Envelope", "object", data)
    base_type = _name(_given(data.get("baseType"), "baseType", "Data", "string"), "baseType", "Data")
    base_data = _given(data.get("baseData"), "baseData", "Data", "object")
    kind = KINDS.get(base_type)
    if kind is None:
        raise RejectedError(
            f"Field 'baseType' on type 'Data' is not known. Expected: one of {', '.join(EIGHT)}, "
            f"Actual: {base_type[:64]}"
        )
    if type(base_data) is not dict:
        raise wrong_type("baseData", "Data", "object", base_data)
    return kind, base_data


def _count(rate: Any) -> int:
    """Return how many items this one stands for."""
    if rate is None or rate == EVERYTHING:
        return 1
    percent = number(rate, "sampleRate", "Envelope")
    if not 0 < percent <= EVERYTHING:
        raise out_of_range("sampleRate", "Envelope", "more than 0, at most 100", rate)
    return round(min(EVERYTHING / percent, MOST_ITEMS))


def _given(value: Any, field: str, owner: str, expected: str) -> Any:
    if value is None:
        raise missing(field, owner, expected)
    return value
