"""The item types whose data lie deeper, or elsewhere: exceptions (a chain), metrics (a list), a page's timings."""

from __future__ import annotations

from typing import Any

from ext_devkit.insights.ingest.fields import boolean, duration, filled, integer, number, text
from ext_devkit.insights.ingest.maps import to_json
from ext_devkit.insights.ingest.rejection import missing, wrong_type

RESOURCE_METRIC = "_OTELRESOURCE_"
"""A metric that only carries resource attributes (the official exporter's `export/trace/_exporter.py`)."""

SDK_STATISTICS = frozenset(
    {
        "attach",
        "feature",
        "exception_count",
        "request_duration",
        "request_failure_count",
        "request_success_count",
        "retry_count",
        "throttle_count",
        "item_success_count",
        "item_dropped_count",
        "item_retry_count",
    }
)
"""Metrics by which an SDK counts its own work (the exporter's `_constants.py`; OpenCensus has spaces for `_`)."""

DATA_POINT = "DataPoint"
DETAILS = "ExceptionDetails"
FRAME = "StackFrame"

_long_name = filled(1024)
_name = text(1024)
_message = text(32768)


def exceptions(data: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of an exception: the outermost comes first in the chain, the innermost last."""
    chain = [_details(entry) for entry in _filled_list(data.get("exceptions"), "exceptions", "ExceptionData")]
    outer, inner = chain[0], chain[-1]
    columns: dict[str, Any] = {"details": to_json(chain)}
    for prefix, entry in (("", outer), ("outer", outer), ("innermost", inner)):
        frame = (entry.get("parsedStack") or [{}])[0]
        values = {name: entry.get(name) for name in ("type", "message")}
        values |= {name: frame.get(name) for name in ("assembly", "method")}
        columns |= {prefix + (name.capitalize() if prefix else name): value for name, value in values.items()}
    columns["problemId"] = _problem(data.get("problemId"), columns)
    return columns


def metric(data: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a metric: its first data point, as the service reads no other."""
    point = _object(_filled_list(data.get("metrics"), "metrics", "MetricData")[0], "metrics", "MetricData")
    value = number(_required(point, "value", DATA_POINT, "number"), "value", DATA_POINT)
    name = _long_name(_required(point, "name", DATA_POINT, "string"), "name", DATA_POINT)
    optional = {key: _maybe(point, key, number, DATA_POINT) for key in ("min", "max", "stdDev")}
    count = _maybe(point, "count", integer, DATA_POINT)
    single = count in (None, 1)
    return {
        "name": name,
        "namespace": _maybe(point, "ns", text(256), DATA_POINT),
        "value": value,
        "valueSum": value,
        "valueCount": 1 if count is None else count,
        "valueMin": value if single and optional["min"] is None else optional["min"],
        "valueMax": value if single and optional["max"] is None else optional["max"],
        "valueStdDev": optional["stdDev"],
        "origin": _origin(name, data.get("properties") or {}),
    }


PAGE_TIMINGS = {
    "perfTotal": "totalDuration",
    "networkConnect": "networkDuration",
    "sentRequest": "sendDuration",
    "receivedResponse": "receiveDuration",
    "domProcessing": "processingDuration",
}
"""How the browser SDK names the parts of a page's loading, and what Application Insights' browserTimings call them."""


def page_timings(data: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a metric, the time that a page took to load, with its parts as measurements (ms)."""
    given = {PAGE_TIMINGS[key]: _maybe(data, key, duration, "PageviewPerformanceData") for key in PAGE_TIMINGS}
    parts = {name: value for name, value in given.items() if value is not None}
    total = parts.get("totalDuration", 0.0)
    return {
        "name": "browserTimings/totalDuration",
        "value": total,
        "valueSum": total,
        "valueCount": 1,
        "valueMin": total,
        "valueMax": total,
        "origin": "standard",
        "customMeasurements": to_json(parts) if parts else None,
    }


def _origin(name: str, properties: dict[str, Any]) -> str:
    """Tell the application's own metrics from those that an SDK adds."""
    if name == RESOURCE_METRIC:
        return "resource"
    if name.lower().replace(" ", "_") in SDK_STATISTICS and {"language", "version"} <= properties.keys():
        return "statistics"
    return "standard" if "_MS.IsAutocollected" in properties else "application"


def _details(entry: Any) -> dict[str, Any]:
    """Return one exception of the chain under the names that Application Insights shows in `details`."""
    entry = _object(entry, "exceptions", "ExceptionData")
    stack, frames = entry.get("stack"), entry.get("parsedStack")
    if type(frames) is str:
        # As opencensus-ext-azure sends what OpenCensus' web frameworks put on spans (its issue 1241).
        stack, frames = stack or frames, None
    details = {
        "id": _maybe(entry, "id", integer, DETAILS),
        "outerId": _maybe(entry, "outerId", integer, DETAILS),
        "type": _long_name(_required(entry, "typeName", DETAILS, "string"), "typeName", DETAILS),
        "message": _message(_required(entry, "message", DETAILS, "string"), "message", DETAILS),
        "hasFullStack": _maybe(entry, "hasFullStack", boolean, DETAILS),
        "rawStack": None if stack is None else _message(stack, "stack", DETAILS),
        "parsedStack": [_frame(frame) for frame in _list(frames, "parsedStack", DETAILS)],
    }
    return {key: value for key, value in details.items() if value not in (None, [])}


def _frame(frame: Any) -> dict[str, Any]:
    frame = _object(frame, "parsedStack", DETAILS)
    values = {
        "level": integer(_required(frame, "level", FRAME, "number"), "level", FRAME),
        "method": _name(_required(frame, "method", FRAME, "string"), "method", FRAME),
        "assembly": _maybe(frame, "assembly", _name, FRAME),
        "fileName": _maybe(frame, "fileName", _name, FRAME),
        "line": _maybe(frame, "line", integer, FRAME),
    }
    return {key: value for key, value in values.items() if value is not None}


def _problem(value: Any, columns: dict[str, Any]) -> str:
    """Return the given problem id, or else what the portal groups by: the type, and the place if it is known."""
    if value is not None and (given := _name(value, "problemId", "ExceptionData")):
        return str(given)
    where = f" at {columns['method']}" if columns["method"] else ""
    return f"{columns['type']}{where}"


def _required(owner: dict[str, Any], field: str, type_name: str, expected: str) -> Any:
    value = owner.get(field)
    if value is None:
        raise missing(field, type_name, expected)
    return value


def _maybe(owner: dict[str, Any], field: str, read: Any, type_name: str) -> Any:
    value = owner.get(field)
    return None if value is None else read(value, field, type_name)


def _object(value: Any, field: str, owner: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise wrong_type(field, owner, "object", value)
    return value


def _list(value: Any, field: str, owner: str) -> list[Any]:
    if value is None:
        return []
    if type(value) is not list:
        raise wrong_type(field, owner, "array", value)
    return value


def _filled_list(value: Any, field: str, owner: str) -> list[Any]:
    found = _list(value, field, owner)
    if not found:
        raise missing(field, owner, "array", value)
    return found
