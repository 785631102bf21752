"""Reads what the service would refuse (`--loose`): what can be understood of an item is stored, with the reason.

An item that is valid is read as ever. One that is not is mended first, field by field: what is wrong is put right if
it says what is meant, replaced by a default if it is required, and left out otherwise. The property `_refused` then has
the service's words for the first thing that was wrong.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.ingest import fields
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.kinds import KINDS
from ext_devkit.insights.ingest.maps import LONGEST_VALUE, to_json
from ext_devkit.insights.ingest.moment import AnyTime
from ext_devkit.insights.ingest.rejection import RejectedError

if TYPE_CHECKING:
    from ext_devkit.insights.ingest.kinds import Field
    from ext_devkit.insights.ingest.moment import Window

REFUSED = "_refused"
"""Property of an item that was mended: why Application Insights would not take it."""

PREFIX = "Microsoft.ApplicationInsights."
LONGEST_MS = 1000 * 24 * 60 * 60 * 1000
CLIENT_ERROR = 400
MOST_ENTRIES = 1000
"""Exceptions of a chain, and frames of a stack, that are mended."""

_DEFAULTS = {"name": "n/a", "duration": "00:00:00", "responseCode": "0", "message": ""}


def read_loosely(envelope: Any, window: Window) -> tuple[str, list[Any]]:
    """Return table and row as `read_item` does; raise RejectedError only for what says nothing that can be stored."""
    try:
        return read_item(envelope, window)
    except RejectedError as error:
        if type(envelope) is not dict:
            raise
        return read_item(_mended(envelope, str(error)), AnyTime())


def _mended(envelope: dict[str, Any], reason: str) -> dict[str, Any]:
    base_type, data = _data(envelope)
    mended = _base_data(base_type, data)
    mended["properties"] = _properties(data.get("properties")) | {REFUSED: reason}
    mended["measurements"] = {
        key: value for key, value in _map(data.get("measurements")).items() if _reads(fields.number, value)
    }
    key = envelope.get("iKey")
    return {
        "name": "mended",
        "time": envelope.get("time"),
        "iKey": None if key is None else as_text(key),
        "sampleRate": _rate(envelope.get("sampleRate")),
        "tags": _tags(envelope.get("tags")),
        "data": {"baseType": base_type, "baseData": mended},
    }


def _data(envelope: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return base type and base data; those of a log that tells what came if the type is not known."""
    data = _map(envelope.get("data"))
    base_type, base_data = data.get("baseType"), data.get("baseData")
    if type(base_type) is not str or base_type not in KINDS:
        suffix = as_text(envelope.get("name")).rpartition(".")[2]
        named = {"RemoteDependency": "RemoteDependencyData"}.get(suffix, f"{suffix}Data")
        if base_type is None and named in KINDS and type(base_data) is dict:
            return named, base_data
        known = base_data if type(base_data) is dict else data
        message = known.get("message") or known.get("name") or base_type or envelope.get("name")
        told = {"baseType": as_text(base_type), "baseData": as_text(base_data)[:LONGEST_VALUE]}
        return "MessageData", {"message": message, "properties": _properties(known.get("properties")) | told}
    return base_type, base_data if type(base_data) is dict else {}


def _base_data(base_type: str, data: dict[str, Any]) -> dict[str, Any]:
    if base_type == "MetricData":
        return {"metrics": [_point(data)]}
    mended = {field.name: _field(field, data) for field in KINDS[base_type].fields}
    if base_type == "ExceptionData":
        chain = [_exception(entry) for entry in _list(data.get("exceptions"))]
        mended["exceptions"] = chain or [_exception(data)]
        mended["problemId"] = as_text(data.get("problemId")) or None
    return mended


def _field(field: Field, data: dict[str, Any]) -> Any:
    """Return a value that the field's reader takes, None if the field can go without."""
    given = data.get(field.name)
    meant = _meant(field, given)
    if meant is not None and _reads(field.read, meant):
        return meant
    if field.expected is None:
        return None
    if field.name == "id":
        return secrets.token_hex(8)
    if field.name == "success":
        code = as_text(data.get("responseCode"))
        return not (code.isdecimal() and int(code[:9]) >= CLIENT_ERROR)
    return _DEFAULTS[field.name]


def _meant(field: Field, value: Any) -> Any:
    if value is None or _reads(field.read, value):
        return value
    if field.read is fields.duration:
        return _time_span(value)
    if field.read is fields.boolean:
        return {0: False, 1: True, "0": False, "1": True}.get(value) if isinstance(value, (int, str)) else None
    if field.read is fields.severity:
        return min(max(value, 0), len(fields.SEVERITIES) - 1) if type(value) is int else None
    return as_text(value)


def _time_span(value: Any) -> str | None:
    """Return a number of milliseconds as a time span."""
    if not _reads(fields.number, value) or not 0 <= value < LONGEST_MS:
        return None
    seconds, ticks = divmod(round(value * 10_000), 10_000_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{min(days, 999)}.{hour:02}:{minute:02}:{second:02}.{ticks:07}"


def _point(data: dict[str, Any]) -> dict[str, Any]:
    """Return the first data point; without a name or a value there is nothing to put in their place."""
    point = _map(next(iter(_list(data.get("metrics"))), None))
    mended: dict[str, Any] = {"value": _number(point.get("value")), "name": as_text(point.get("name")) or None}
    mended["ns"] = as_text(point.get("ns")) or None
    mended |= {key: _number(point.get(key)) for key in ("min", "max", "stdDev")}
    count = _number(point.get("count"))
    mended["count"] = count if _reads(fields.integer, count) else None
    return mended


def _exception(entry: Any) -> dict[str, Any]:
    """Return one exception of a chain; a bare text is its message."""
    details = entry if type(entry) is dict else {"message": entry}
    frames = details.get("parsedStack")
    stack = details.get("stack") or (frames if type(frames) is str else None)
    told = {key: details[key] for key in ("id", "outerId") if _reads(fields.integer, details.get(key))}
    if _reads(fields.boolean, details.get("hasFullStack")):
        told["hasFullStack"] = details["hasFullStack"]
    return told | {
        "typeName": as_text(details.get("typeName")) or "Exception",
        "message": as_text(details.get("message")),
        "stack": None if stack is None else as_text(stack),
        "parsedStack": [_frame(place, _map(frame)) for place, frame in enumerate(_list(frames))],
    }


def _frame(place: int, frame: dict[str, Any]) -> dict[str, Any]:
    level, line = (frame.get(key) if _reads(fields.integer, frame.get(key)) else None for key in ("level", "line"))
    return {
        "level": place if level is None else level,
        "method": as_text(frame.get("method")) or "n/a",
        "assembly": as_text(frame.get("assembly")) or None,
        "fileName": as_text(frame.get("fileName")) or None,
        "line": line,
    }


def _rate(value: Any) -> Any:
    rate = _number(value)
    return rate if rate is not None and 0 < rate <= 100 else None  # noqa: PLR2004  percent


def _tags(value: Any) -> dict[str, str]:
    return {tag: as_text(content) for tag, content in _map(value).items() if content is not None}


def _properties(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if type(value) is not dict:
        return {"properties": as_text(value)}
    return {key: as_text(content) for key, content in value.items() if content is not None}


def _number(value: Any) -> Any:
    """Return a finite number, also one that stands in a text; None if there is none."""
    if isinstance(value, str):
        try:
            value = float(value[:64])
        except ValueError:
            return None
    return value if value is not None and _reads(fields.number, value) else None


def as_text(value: Any) -> str:
    """Return text as it is, nothing as no text, anything else as JSON."""
    if value is None:
        return ""
    if type(value) is str:
        return value
    try:
        return to_json(value)
    except RecursionError:
        return "(nested too deeply)"


def _map(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _list(value: Any) -> list[Any]:
    return value[:MOST_ENTRIES] if type(value) is list else []


def _reads(read: Any, value: Any) -> bool:
    try:
        read(value, "", "")
    except RejectedError:
        return False
    return True
