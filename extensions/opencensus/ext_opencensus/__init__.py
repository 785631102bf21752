"""OpenCensus tracing of Azure Functions on every worker: a drop-in for opencensus-extension-azure-functions.

An example::

    from ext_opencensus import OpenCensusExtension
    from opencensus.trace import config_integration

    config_integration.trace_integrations(["requests"])
    OpenCensusExtension.configure()

The function finds an OpenCensus tracer as `context.tracer`; its spans go to Application Insights.
"""

from typing import TYPE_CHECKING, Any

from ext_appinsights.redaction import Redactor
from ext_opencensus.extension import OpenCensusExtension

if TYPE_CHECKING:
    from ext_opencensus.exporter import AppInsightsExporter

__all__ = ["AppInsightsExporter", "OpenCensusExtension", "Redactor"]


def __getattr__(name: str) -> Any:
    """Import OpenCensus, which takes its time, only for who asks for a name that needs it."""
    if name != "AppInsightsExporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ext_opencensus.exporter import AppInsightsExporter

    return AppInsightsExporter
