"""The calls as functions of the module: for wherever there is no `context` at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_telemetry import dependencies, items, metrics, where

if TYPE_CHECKING:
    from ext_telemetry.dependencies import Dependency
    from ext_telemetry.telemetry import Kind
    from ext_telemetry.values import Measurements, Moment, Properties, Seconds


def track_event(name: str, properties: Properties = None, measurements: Measurements = None) -> None:
    """Send an event: that something happened, under a name by which it is counted.

    `name`: what is beyond 512 characters is cut off. `properties`: custom dimensions; what is neither text nor a number
    is written as JSON, as it is now, and None is left out. `measurements`: numbers by name.
    """
    items.event(where.here(), name, properties, measurements)


def track_metric(name: str, value: float, properties: Properties = None, kind: Kind = "gauge", unit: str = "") -> None:
    """Measure a value. It is aggregated in the process, and sent once a minute and at a flush, for no operation.

    `kind`: of a "gauge" the last value counts, a "counter" is added up, a "histogram" has count, sum, smallest and
    largest. The first call decides on kind and unit. `properties`: dimensions, each set of which is a series of its
    own; there are 1,000 for each metric, and what comes beyond is added up in one, `otel.metric.overflow`.
    """
    metrics.track(name, value, properties, kind, unit)


def track_exception(
    error: BaseException | None = None, properties: Properties = None, measurements: Measurements = None
) -> None:
    """Send an exception with its stack and causes; in an `except` block that which is being handled by default."""
    items.exception(where.here(), error, properties, measurements)


def track_availability(
    name: str,
    duration: Seconds,
    success: bool = True,
    message: str = "",
    run_location: str = "",
    id: str = "",  # noqa: A002  the field's name in Application Insights
    properties: Properties = None,
    measurements: Measurements = None,
) -> None:
    """Send the result of an availability test, which has just ended and took so many seconds (or a timedelta).

    `message` says what went wrong. `run_location`: by default the region, REGION_NAME. `id`: by default a new one.
    """
    told = {"message": message, "run_location": run_location, "id": id}
    items.availability(where.here(), name, duration, success, told, properties, measurements)


def track_dependency(
    name: str,
    type: str = "",  # noqa: A002  the field's name in Application Insights
    target: str = "",
    data: str = "",
    *,
    duration: Seconds | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    success: bool = True,
    result_code: str | int = "",
    properties: Properties = None,
    measurements: Measurements = None,
) -> Dependency:
    """Send a call to something else that no instrumentation knows, or be the block around it.

    With `duration` (seconds or a timedelta) it has just ended, unless `start` or `end` say otherwise (a datetime, or
    seconds since the epoch); with `start` alone too. With none of them: `with track_dependency("check stock"):`.
    `type`: what kind of thing was called, such as "SQL"; `target`: where; `data`: the statement or URL.
    """
    told = {
        "type": type, "target": target, "data": data, "success": success, "result_code": result_code,
        "properties": properties, "measurements": measurements,
    }  # fmt: skip
    return dependencies.track(where.here(), name, told, (duration, start, end))
