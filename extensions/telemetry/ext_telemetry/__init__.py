"""Custom telemetry and logs of Azure Functions, for Application Insights and OTLP.

An example::

    from ext_telemetry import TelemetryExtension, track_event

    TelemetryExtension.configure()

    track_event("order placed", {"tenant": "a"}, {"value": 12.5})

The function finds the same calls as `context.telemetry.track_event` and so on. Where telemetry goes is said by
OpenTelemetryExtension, which this one activates.
"""

from ext_telemetry.dependencies import Dependency
from ext_telemetry.extension import TelemetryExtension
from ext_telemetry.functions import (
    track_availability,
    track_dependency,
    track_event,
    track_exception,
    track_metric,
)
from ext_telemetry.telemetry import Telemetry

__all__ = [
    "Dependency",
    "Telemetry",
    "TelemetryExtension",
    "track_availability",
    "track_dependency",
    "track_event",
    "track_exception",
    "track_metric",
]
