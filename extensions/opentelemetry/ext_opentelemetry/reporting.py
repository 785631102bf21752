"""Who reports an invocation as a request: this process or the host; never both in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_opentelemetry import host

if TYPE_CHECKING:
    from ext_opentelemetry.destinations import Destination
    from ext_opentelemetry.settings import Settings


def invocation_span(settings: Settings, destination: Destination) -> str:
    """Return "server", "internal" or "none".

    "auto" is "internal" if a host reports each invocation as a request to where our spans go, or might: only of
    Application Insights and of the OTLP endpoint in the app settings this can be told.
    """
    if settings.invocation_span != "auto":
        return settings.invocation_span
    return "internal" if _host_reports_to(destination) else "server"


def _host_reports_to(destination: Destination) -> bool:
    key = host.reports_to_appinsights()
    if destination.instrumentation_key is not None:
        return key is not None and (
            "" in (key, destination.instrumentation_key) or key == destination.instrumentation_key
        )
    if destination.is_otlp:
        return host.reports_to_otlp()
    return key is not None or host.reports_to_otlp()
