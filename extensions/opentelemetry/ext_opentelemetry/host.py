"""What the Functions host around this process reports itself: docs/explanation/who-reports-what.md has the table."""

from __future__ import annotations

import os

from ext_appinsights import ConnectionString, ConnectionStringError
from ext_opentelemetry import host_json

CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"
KEY = "APPINSIGHTS_INSTRUMENTATIONKEY"
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The host reads this name alone, not those of single signals (EnvironmentSettingNames.cs, OtlpEndpoint)."""

_SIGNS = ("WEBSITE_INSTANCE_ID", "FUNCTIONS_CORETOOLS_ENVIRONMENT", "FUNCTIONS_WORKER_DIRECTORY")
"""Azure; Core Tools; and what every host tells a worker that it starts (RpcWorkerProcess.cs), in containers as well."""


def is_there() -> bool:
    """Whether a host that sends telemetry of its own runs this process: not a test, and not `azfunc-ext run`."""
    return any(map(os.environ.get, _SIGNS))


def uses_opentelemetry() -> bool:
    """Whether host.json, or the app setting that overrides it, says `"telemetryMode": "OpenTelemetry"`."""
    override = os.environ.get("AzureFunctionsJobHost__telemetryMode")  # noqa: SIM112 - the platform spells it so
    mode = override or host_json.setting("telemetryMode")
    return str(mode).strip().lower() == "opentelemetry"


def reports_to_otlp() -> bool:
    """Whether the host sends requests to an OTLP endpoint: only in OpenTelemetry mode."""
    return is_there() and uses_opentelemetry() and bool(os.environ.get(OTLP_ENDPOINT, "").strip())


def reports_to_appinsights() -> str | None:
    """Return the instrumentation key of the resource that the host sends requests to; None if to none.

    In OpenTelemetry mode it does not read APPINSIGHTS_INSTRUMENTATIONKEY. A connection string that cannot be read is
    an empty key: the host may well read it.
    """
    if not is_there() or not (os.environ.get(CONNECTION_STRING) or os.environ.get(KEY)):
        return None
    if uses_opentelemetry() and not os.environ.get(CONNECTION_STRING):
        return None
    try:
        target = ConnectionString.from_environment()
    except ConnectionStringError:
        return ""
    return target.instrumentation_key.lower() if target is not None else None
