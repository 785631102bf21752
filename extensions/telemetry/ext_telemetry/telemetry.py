"""What the function finds as `context.telemetry`: the calls, for one invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ext_telemetry import dependencies, items, metrics, said, where

if TYPE_CHECKING:
    from ext_sdk import Invocation
    from ext_telemetry.dependencies import Dependency
    from ext_telemetry.values import Measurements, Moment, Properties, Seconds
    from ext_telemetry.where import Place

Kind = Literal["gauge", "counter", "histogram"]


class Telemetry:
    """The telemetry of one invocation: whatever thread or task uses it, what it sends belongs to that invocation.

    None of the calls waits, and none raises: what cannot be sent is left out, and a warning says why, once.
    """

    __slots__ = ("_ended", "_invocation", "_place")

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._place = where.of_invocation(invocation)
        self._ended = False

    def end(self) -> None:
        """Note that the invocation ended: what comes later is sent, and said once."""
        self._ended = True

    def track_event(self, name: str, properties: Properties = None, measurements: Measurements = None) -> None:
        """Send an event: as `ext_telemetry.track_event`."""
        items.event(self._where("track_event"), name, properties, measurements)

    def track_metric(
        self, name: str, value: float, properties: Properties = None, kind: Kind = "gauge", unit: str = ""
    ) -> None:
        """Measure a value: as `ext_telemetry.track_metric`."""
        if self._ended:
            said.late("track_metric", self._place.function)
        metrics.track(name, value, properties, kind, unit)

    def track_exception(
        self, error: BaseException | None = None, properties: Properties = None, measurements: Measurements = None
    ) -> None:
        """Send an exception: as `ext_telemetry.track_exception`."""
        items.exception(self._where("track_exception"), error, properties, measurements)

    def track_availability(
        self,
        name: str,
        duration: Seconds,
        success: bool = True,
        message: str = "",
        run_location: str = "",
        id: str = "",  # noqa: A002  the field's name in Application Insights
        properties: Properties = None,
        measurements: Measurements = None,
    ) -> None:
        """Send the result of an availability test: as `ext_telemetry.track_availability`."""
        told = {"message": message, "run_location": run_location, "id": id}
        place = self._where("track_availability")
        items.availability(place, name, duration, success, told, properties, measurements)

    def track_dependency(
        self,
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
        """Send a call to something else, or be the block around it: as `ext_telemetry.track_dependency`."""
        told = {
            "type": type, "target": target, "data": data, "success": success, "result_code": result_code,
            "properties": properties, "measurements": measurements,
        }  # fmt: skip
        return dependencies.track(self._where("track_dependency"), name, told, (duration, start, end))

    def _where(self, call: str) -> Place:
        if self._ended:
            said.late(call, self._place.function)
        return where.within(self._invocation, self._place)
