"""OpenTelemetry tracing of Azure Functions, exported to Application Insights, by OTLP, or anywhere.

An example::

    from ext_opentelemetry import OpenTelemetryExtension

    OpenTelemetryExtension.configure()

Each invocation gets a span that continues the caller's trace; the function finds a tracer as `context.tracer`.
"""

from typing import TYPE_CHECKING, Any

from ext_appinsights.redaction import Redactor
from ext_opentelemetry.exporter import AppInsightsSpanExporter
from ext_opentelemetry.extension import OpenTelemetryExtension

if TYPE_CHECKING:
    from ext_opentelemetry.log_exporter import AppInsightsLogExporter
    from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter

__all__ = [
    "AppInsightsLogExporter",
    "AppInsightsMetricExporter",
    "AppInsightsSpanExporter",
    "OpenTelemetryExtension",
    "Redactor",
]

_LATE = {"AppInsightsLogExporter": "log_exporter", "AppInsightsMetricExporter": "metric_exporter"}
"""Public names whose modules import more of the SDK than tracing needs."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
