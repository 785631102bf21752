"""Which destination the settings mean, and what is said where there is none."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from ext_appinsights import ConnectionString
from ext_opentelemetry import beside, otlp
from ext_opentelemetry.destinations import Beside, BesideOtlp, Destination, ToChannel, ToConsole, ToExporter, ToOtlp
from ext_opentelemetry.exporter import AppInsightsSpanExporter, channel_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_opentelemetry.settings import Settings

_log = logging.getLogger("ext_opentelemetry")

NO_DESTINATION = (
    "Spans are not exported: there is no connection string and no OTLP endpoint. Set "
    "APPLICATIONINSIGHTS_CONNECTION_STRING or OTEL_EXPORTER_OTLP_ENDPOINT, or call "
    'OpenTelemetryExtension.configure(connection_string=...). To have no export without this line: exporter="none".'
)

BESIDE = (
    "Spans are exported by azure-monitor-opentelemetry, which was set up before, and its sampler decides what is kept: "
    "OpenTelemetryExtension adds no export of its own. Without a setting that sampler takes spans out of the middle of "
    "traces; OTEL_TRACES_SAMPLER=always_on keeps them whole."
)

BESIDE_OTLP = (
    "Spans are exported by the OTLP exporter of the app's own tracer provider: OpenTelemetryExtension adds no export "
    'of its own. To have one all the same: exporter="otlp".'
)

HIDDEN = (
    "azure-monitor-opentelemetry is loaded, but its exporter was not found at the app's tracer provider, so "
    'OpenTelemetryExtension exports spans as well. If each of them arrives twice, set exporter="none".'
)


def destination_of(settings: Settings, theirs: Any, report: Callable[[int, str], None] | None) -> Destination:
    """Return where telemetry goes. `theirs` is the tracer provider that the app has, if it has one of its own.

    `report` takes what threads have to say, where a host would not show it.
    """
    exporter = settings.exporter
    if isinstance(exporter, AppInsightsSpanExporter):
        return ToChannel(exporter.channel, "", owned=False, redact=exporter.redact)
    if not isinstance(exporter, str):
        return ToExporter(lambda: exporter, type(exporter).__name__, owned=False, report=report)
    if exporter == "console":
        return ToConsole()
    if exporter == "otlp":
        return _otlp(report)
    return Destination() if exporter == "none" else _found(settings, theirs, report)


def _found(settings: Settings, theirs: Any, report: Callable[[int, str], None] | None) -> Destination:
    """Return the Application Insights resource, with "auto" what else the app settings name."""
    try:
        target = _target(settings.connection_string)
        if target is not None:
            return _appinsights(settings, target, theirs, report)
    except ValueError as error:  # of the connection string, of what comes with it, or of the credential for it
        _log.warning("Spans are not exported: %s", error)
        return Destination()
    if settings.exporter == "auto" and otlp.endpoint_is_set():
        if beside.exports_by_otlp(theirs):
            _log.info(BESIDE_OTLP)
            return BesideOtlp()
        return _otlp(report)
    if theirs is None:
        _log.warning(NO_DESTINATION)
    key = beside.instrumentation_key(theirs)
    return Destination() if key is None else Beside(key)


def _target(given: str | None) -> ConnectionString | None:
    return ConnectionString.from_environment() if given is None else ConnectionString.parse(given)


def _appinsights(
    settings: Settings, target: ConnectionString, theirs: Any, report: Callable[[int, str], None] | None
) -> Destination:
    key = beside.instrumentation_key(theirs)
    if key is not None and key in ("", target.instrumentation_key.lower()):
        _log.info(BESIDE)
        return Beside(key)
    if theirs is not None and key is None and beside.may_be_hidden():
        _log.warning(HIDDEN)
    # ext_sdk flushes at exit
    options: dict[str, Any] = {"exit_timeout": 0.0, "report": report, "journal": settings.journal}
    channel = channel_of(target, credential=settings.credential, **options)
    return ToChannel(channel, target.instrumentation_key.lower(), owned=True, redact=settings.redact)


def _otlp(report: Callable[[int, str], None] | None) -> Destination:
    if not otlp.is_installed():
        _log.warning("Spans are not exported: %s", otlp.MISSING)
        return Destination()
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol == "grpc":
        _log.warning(otlp.NO_GRPC)
    return ToOtlp(report)
