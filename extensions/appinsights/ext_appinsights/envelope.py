"""Builders of telemetry items: one function per item type, each returning an envelope ready for JSON.

An envelope is a plain dict as on the wire, without `iKey`, which the `Channel` that sends it fills in. Arguments that
all builders share:

- `time_ns`: when it began, in nanoseconds since the epoch.
- `duration_ns`: nanoseconds.
- `tags`: context such as `ai.operation.id` and `ai.cloud.role`.
- `properties`, `measurements`: shown as customDimensions and customMeasurements.
- `sample_rate`: percentage; the item stands for `100 / sample_rate` items.

Every text is cut to its limit (the Bond schema of its item type), so no builder makes an item that the service refuses
for its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_appinsights import fields, stacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_appinsights.stacks import Details

    Envelope = dict[str, Any]
    Properties = Mapping[str, Any] | None
    Measurements = Mapping[str, Any] | None
    Tags = Mapping[str, Any] | None

__all__ = [
    "availability",
    "dependency",
    "event",
    "exception",
    "exception_details",
    "message",
    "metric",
    "page_view",
    "request",
]

_NAME = "Microsoft.ApplicationInsights."


def request(
    *,
    time_ns: int,
    id: str,  # noqa: A002  the field's name on the wire
    name: str,
    duration_ns: int,
    success: bool,
    response_code: str = "0",
    url: str | None = None,
    source: str | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a request: one thing that was asked of this application (RequestData.bond)."""
    data = {
        "id": fields.required(id, fields.ID_LIMIT),
        "name": fields.required(name, fields.TEXT_LIMIT),
        "duration": fields.duration(duration_ns),
        "responseCode": fields.required(response_code, fields.TEXT_LIMIT),
        "success": bool(success),
    }
    _optional(data, "url", url, fields.URL_LIMIT)
    _optional(data, "source", source, fields.TEXT_LIMIT)
    return _envelope("Request", "RequestData", data, time_ns, tags, sample_rate, properties, measurements)


def dependency(
    *,
    time_ns: int,
    name: str,
    duration_ns: int,
    success: bool = True,
    id: str | None = None,  # noqa: A002  the field's name on the wire
    result_code: str | None = None,
    type: str | None = None,  # noqa: A002  the field's name on the wire
    target: str | None = None,
    data: str | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a dependency: a call to something else, or a part of the work (RemoteDependencyData.bond)."""
    base = {
        "name": fields.required(name, fields.TEXT_LIMIT),
        "duration": fields.duration(duration_ns),
        "success": bool(success),
    }
    _optional(base, "id", id, fields.ID_LIMIT)
    _optional(base, "resultCode", result_code, fields.TEXT_LIMIT)
    _optional(base, "type", type, fields.TEXT_LIMIT)
    _optional(base, "target", target, fields.TEXT_LIMIT)
    _optional(base, "data", data, fields.DATA_LIMIT)
    return _envelope(
        "RemoteDependency", "RemoteDependencyData", base, time_ns, tags, sample_rate, properties, measurements
    )


def exception(
    *,
    time_ns: int,
    error: BaseException | None = None,
    details: list[Details] | None = None,
    severity: int | None = None,
    problem_id: str | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return an exception with its frames and causes (ExceptionData.bond).

    Give `error`, or the `details` that `exception_details` made of a type, a message and a stack as text.

    Raises:
        ValueError: when neither is given.

    """
    found = details or (stacks.from_exception(error) if error is not None else None)
    if not found:
        raise ValueError("envelope.exception needs error= or details=.")
    data: dict[str, Any] = {"exceptions": found}
    _severity(data, severity)
    _optional(data, "problemId", problem_id, fields.TEXT_LIMIT)
    return _envelope("Exception", "ExceptionData", data, time_ns, tags, sample_rate, properties, measurements)


def exception_details(type_name: str, message: str, stack: str | None = None) -> list[Details]:
    """Return `details` for `exception` from texts; Python's own traceback text is taken apart into frames."""
    return stacks.from_text(type_name, message, stack)


def message(
    *,
    time_ns: int,
    text: str,
    severity: int | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a log line, shown in the table `traces` (MessageData.bond). `severity`: 0 verbose ... 4 critical."""
    data: dict[str, Any] = {"message": fields.required(text, 32768)}
    _severity(data, severity)
    return _envelope("Message", "MessageData", data, time_ns, tags, sample_rate, properties, measurements)


def event(
    *,
    time_ns: int,
    name: str,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a custom event (EventData.bond)."""
    data = {"name": fields.required(name, 512)}
    return _envelope("Event", "EventData", data, time_ns, tags, sample_rate, properties, measurements)


def metric(
    *,
    time_ns: int,
    name: str,
    value: float,
    count: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    standard_deviation: float | None = None,
    namespace: str | None = None,
    properties: Properties = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a metric with one data point, the only one the service reads (MetricData.bond, DataPoint.bond).

    `value` is the sum when `count` says that it stands for several measurements.

    Raises:
        ValueError: when `value` is not a finite number.

    """
    if not fields.is_finite(value):
        raise ValueError(f"The value of metric {name!r} must be a finite number, not {value!r}.")
    point: dict[str, Any] = {"name": fields.required(name, fields.TEXT_LIMIT), "value": value}
    _optional(point, "ns", namespace, 256)
    if count is not None:
        point["kind"] = 1  # DataPointType.bond: Aggregation
        point["count"] = count
    rest = {"min": minimum, "max": maximum, "stdDev": standard_deviation}
    point.update({key: number for key, number in rest.items() if fields.is_finite(number)})
    return _envelope("Metric", "MetricData", {"metrics": [point]}, time_ns, tags, sample_rate, properties, None)


def availability(
    *,
    time_ns: int,
    id: str,  # noqa: A002  the field's name on the wire
    name: str,
    duration_ns: int,
    success: bool,
    run_location: str | None = None,
    message: str | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return the result of an availability test (AvailabilityData.bond)."""
    data = {
        "id": fields.required(id, fields.ID_LIMIT),
        "name": fields.required(name, fields.TEXT_LIMIT),
        "duration": fields.duration(duration_ns),
        "success": bool(success),
    }
    _optional(data, "runLocation", run_location, fields.TEXT_LIMIT)
    _optional(data, "message", message, 8192)
    return _envelope("Availability", "AvailabilityData", data, time_ns, tags, sample_rate, properties, measurements)


def page_view(
    *,
    time_ns: int,
    id: str,  # noqa: A002  the field's name on the wire
    name: str,
    url: str | None = None,
    duration_ns: int | None = None,
    referrer_uri: str | None = None,
    properties: Properties = None,
    measurements: Measurements = None,
    tags: Tags = None,
    sample_rate: float = 100.0,
) -> Envelope:
    """Return a page view (PageViewData.bond)."""
    data = {"id": fields.required(id, fields.ID_LIMIT), "name": fields.required(name, 512)}
    _optional(data, "url", url, fields.URL_LIMIT)
    _optional(data, "referrerUri", referrer_uri, 2048)
    if duration_ns is not None:
        data["duration"] = fields.duration(duration_ns)
    return _envelope("PageView", "PageViewData", data, time_ns, tags, sample_rate, properties, measurements)


def _envelope(
    kind: str,
    base_type: str,
    data: dict[str, Any],
    time_ns: int,
    tags: Tags,
    sample_rate: float,
    properties: Properties,
    measurements: Measurements,
) -> Envelope:
    base = {"ver": 2, **data}
    if kept := fields.properties(properties):
        base["properties"] = kept
    if numbers := fields.measurements(measurements):
        base["measurements"] = numbers
    return {
        "name": _NAME + kind,
        "time": fields.timestamp(time_ns),
        "sampleRate": sample_rate,
        "tags": fields.tags(tags),
        "data": {"baseType": base_type, "baseData": base},
    }


def _optional(data: dict[str, Any], key: str, value: object, limit: int) -> None:
    if value is not None and value != "":
        data[key] = str(value)[:limit]


def _severity(data: dict[str, Any], severity: int | None) -> None:
    if severity is not None:
        data["severityLevel"] = min(max(int(severity), 0), 4)
