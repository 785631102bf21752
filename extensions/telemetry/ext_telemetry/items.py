"""Events, exceptions and availability results as records."""

from __future__ import annotations

import os
import sys
from time import time_ns
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ext_opentelemetry.records import Record, emit
from ext_telemetry import said, values

if TYPE_CHECKING:
    from ext_telemetry.values import Measurements, Properties, Seconds
    from ext_telemetry.where import Place

_EVENT = "microsoft.custom_event.name"
_MEASUREMENTS = "microsoft.custom_measurements"
_AVAILABILITY = "microsoft.availability."
_INFO, _ERROR = 9, 17
_SAMPLED = 1


def event(place: Place, name: str, properties: Properties, measurements: Measurements) -> None:
    """Send an event."""
    try:
        record = _record(place, properties, measurements, "track_event")
        record.body = record.attributes[_EVENT] = values.name(name, "an event")
    except Exception as error:
        said.refused("track_event", error)
        return
    emit(record)


def exception(place: Place, error: BaseException | None, properties: Properties, measurements: Measurements) -> None:
    """Send an exception, the one that is being handled if none is given."""
    try:
        record = _record(place, properties, measurements, "track_exception", severity=_ERROR)
        record.exception = _exception(error)
    except Exception as refused:
        said.refused("track_exception", refused)
        return
    emit(record)


def availability(
    place: Place,
    name: str,
    duration: Seconds,
    success: bool,
    fields: dict[str, Any],
    properties: Properties,
    measurements: Measurements,
) -> None:
    """Send the result of an availability test, which has just ended."""
    try:
        record = _record(place, properties, measurements, "track_availability")
        taken = values.nanoseconds(duration, "duration")
        record.timestamp = time_ns() - taken
        record.body = values.text(fields["message"], "message")
        told = {
            "id": values.text(fields["id"], "id") or uuid4().hex,
            "name": values.name(name, "an availability test"),
            "duration": values.time_span(taken),
            "success": bool(success),
            "runLocation": values.text(fields["run_location"], "run_location") or os.environ.get("REGION_NAME", ""),
            "message": record.body,
        }
        record.attributes.update((_AVAILABILITY + key, value) for key, value in told.items() if value != "")
    except Exception as error:
        said.refused("track_availability", error)
        return
    emit(record)


def _record(
    place: Place, properties: Properties, measurements: Measurements, call: str, *, severity: int = _INFO
) -> Record:
    span = place.span.get_span_context()
    attributes = values.properties(properties)
    if measurements:
        attributes[_MEASUREMENTS] = values.measurements(measurements, call)
    flags = span.trace_flags
    return Record(
        trace_id=span.trace_id,
        span_id=span.span_id,
        trace_flags=flags,
        severity_number=severity,
        attributes=attributes,
        context=None if flags & _SAMPLED else place.context(),
        operation_name=place.function,
    )


def _exception(given: Any) -> BaseException:
    error = sys.exc_info()[1] if given is None else given
    if isinstance(error, tuple) and len(error) == _EXC_INFO:
        error = error[1]
    if isinstance(error, BaseException):
        return error
    if given is None:
        raise said.RefusedError("none", "no exception was given, and none is being handled.")
    raise said.RefusedError("exception", f"the exception is {said.shown(given)}, not an instance of one.")


_EXC_INFO = 3
