"""OpenTelemetry tracing of Azure Functions, exported to Application Insights.

An example::

    from ext_opentelemetry import OpenTelemetryExtension

    OpenTelemetryExtension.configure()

Each invocation gets a span that continues the caller's trace; the function finds a tracer as `context.tracer`.
"""

from ext_opentelemetry.exporter import AppInsightsSpanExporter
from ext_opentelemetry.extension import OpenTelemetryExtension

__all__ = ["AppInsightsSpanExporter", "OpenTelemetryExtension"]
