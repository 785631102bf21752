"""Telemetry that is stored twice or not at all: docs/explanation/who-reports-what.md and who-stores-logs.md."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ext_devkit.doctor.checks.app_settings import CONNECTION_STRING, DISTRIBUTION, KEY, OPENTELEMETRY_FLAG
from ext_devkit.doctor.extensions import OPENCENSUS, OPENTELEMETRY, RETIRED, TELEMETRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.findings import Finding
    from ext_devkit.doctor.modules import Module

CONFIGURE = "azure.monitor.opentelemetry.configure_azure_monitor"
TELEMETRY_FLAG = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
_LOGGER_NAMES = ("PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME", "PYTHON_AZURE_MONITOR_LOGGER_NAME")
_LOG_HANDLER = "opencensus.ext.azure.log_exporter.AzureLogHandler"


def check(case: Case) -> Iterator[Finding]:
    """Yield what is stored twice, or by nobody."""
    yield from _check_logs(case)
    yield from _check_taken_handlers(case)
    yield from _check_requests(case)
    yield from _check_calls(case)
    yield from _check_sampler(case)


def _by_worker(case: Case) -> str:
    """Return the setting with which the worker calls configure_azure_monitor(); empty if it does not."""
    settings = case.settings
    if case.requirements.surely_lacks(DISTRIBUTION) or case.requirements.missing:
        return ""
    if case.python.runs_hooks:
        return OPENTELEMETRY_FLAG if settings.get(OPENTELEMETRY_FLAG) else ""
    return TELEMETRY_FLAG if settings.is_true(TELEMETRY_FLAG) else ""


def _announced(case: Case) -> bool:
    """Whether the worker tells the host that it has OpenTelemetry."""
    if case.python.runs_hooks:
        return bool(_by_worker(case))
    return case.settings.is_true(OPENTELEMETRY_FLAG) or case.settings.is_true(TELEMETRY_FLAG)


def _check_logs(case: Case) -> Iterator[Finding]:
    if TELEMETRY in case.found.active or case.settings.is_true("APPLICATIONINSIGHTS_ENABLE_AGENT"):
        return
    if case.settings.complete and not (case.settings.get(CONNECTION_STRING) or case.settings.get(KEY)):
        return  # the host stores nothing at all
    if case.of_opentelemetry and _announced(case):
        worker = _by_worker(case)
        exports = worker or case.calls_of(CONFIGURE) or _has_log_exporter(case)
        if not case.python.runs_hooks and not exports:
            place = case.settings.place(OPENTELEMETRY_FLAG)
            yield case.finding("logs-nowhere", place, f"{OPENTELEMETRY_FLAG} is set, and it configures no exporter.")
        return
    for module, call in _handlers(case):
        reason = "AzureLogHandler stores each line of its logger, and the host stores them all."
        yield case.finding("logs-twice", module.at(call), reason)
    if case.settings.get("OTEL_LOGS_EXPORTER").lower() == "none":
        return
    by_app = case.certain_call_of(CONFIGURE)
    if by_app and not _keeps_logs_out(case, by_app[1]):
        reason = "configure_azure_monitor() exports log records, and the host stores them as well."
        yield case.finding("logs-twice", by_app[0].at(by_app[1]), reason)
    elif (
        not case.calls_of(CONFIGURE)
        and (setting := _by_worker(case))
        and not any(map(case.settings.get, _LOGGER_NAMES))
    ):
        reason = f"With {setting} the worker exports log records, and the host stores them as well."
        fix = 'Write "telemetryMode": "OpenTelemetry" into host.json, or let TelemetryExtension store them.'
        yield case.finding("logs-twice", case.settings.place(setting), reason, fix)


def _handlers(case: Case) -> list[tuple[Module, ast.Call]]:
    quiet = any(
        isinstance(node, ast.Attribute) and node.attr == "propagate" for m in case.modules for node in ast.walk(m.tree)
    )
    added = any(
        isinstance(node, ast.Attribute) and node.attr == "addHandler" for m in case.modules for node in ast.walk(m.tree)
    )
    return case.calls_of(_LOG_HANDLER)[:1] if added and not quiet else []


def _keeps_logs_out(case: Case, call: ast.Call) -> bool:
    names = {one.arg for one in call.keywords}
    elsewhere = "connection_string" in names and not case.settings.get(CONNECTION_STRING)
    return None in names or elsewhere or bool(names & {"logger_name", "disable_logging"})


def _has_log_exporter(case: Case) -> bool:
    signs = (
        "opentelemetry.sdk._logs",
        "opentelemetry.exporter",
        "AppInsightsLogExporter",
        "log_exporter",
        "logging.handlers",
    )
    return any(sign in one.dotted for module in case.modules for one in module.imports for sign in signs)


def _check_taken_handlers(case: Case) -> Iterator[Finding]:
    if TELEMETRY in case.found.active:
        return
    for module in case.modules:
        for node, dotted in module.calls():
            forced = any(one.arg == "force" and getattr(one.value, "value", False) is True for one in node.keywords)
            if dotted == "logging.basicConfig" and forced and id(node) in module.certain_calls:
                reason = "basicConfig(force=True) removes every handler of the root logger."
                yield case.finding("logs-taken-from-worker", module.at(node), reason)


def _check_requests(case: Case) -> Iterator[Finding]:
    if not case.settings.get(CONNECTION_STRING):
        return
    for call in case.found.calls(OPENTELEMETRY):
        elsewhere = call.open or call.value("exporter") or call.value("connection_string")
        if call.certain and call.constant("invocation_span") == "server" and not elsewhere:
            reason = f'invocation_span is "server", and the host reports to {CONNECTION_STRING} too.'
            yield case.finding("requests-twice", call.place, reason)


def _check_calls(case: Case) -> Iterator[Finding]:
    both = case.found.certain(OPENTELEMETRY) and (case.found.certain(OPENCENSUS) or case.found.certain(RETIRED))
    underneath = any(one.open or one.value("underneath") for one in case.found.calls(OPENCENSUS))
    if not both or underneath or case.settings.get("EXT_OPENCENSUS_UNDERNEATH"):
        return
    if any(one.open or one.value("instrument") for one in case.found.calls(OPENTELEMETRY)):
        return
    if case.settings.get("EXT_OPENTELEMETRY_INSTRUMENT") or not _traces_requests(case):
        return
    for module, call in case.calls_of("opencensus.trace.config_integration.trace_integrations"):
        if "'requests'" in ast.dump(call):
            reason = "trace_integrations traces requests, and so does OpenTelemetryExtension."
            yield case.finding("calls-twice", module.at(call), reason)


def _traces_requests(case: Case) -> bool:
    """Say whether OpenTelemetry's instrumentation of requests is installed."""
    asked = case.requirements.get("azfunc-ext-opentelemetry")
    return bool(asked and "requests" in asked.extras) or "opentelemetry-instrumentation-requests" in case.requirements


def _check_sampler(case: Case) -> Iterator[Finding]:
    settings = case.settings
    by_app, by_worker = case.certain_call_of(CONFIGURE), _by_worker(case)
    if not (by_app or by_worker):
        return
    place = by_app[0].at(by_app[1]) if by_app else settings.place(by_worker)
    if case.found.certain(OPENTELEMETRY):
        for call in case.found.calls(OPENTELEMETRY):
            ratio = call.constant("sampling_ratio")
            if ratio is not None and ratio != 1:
                reason = f"sampling_ratio is {ratio!r}, and configure_azure_monitor() sets the sampler."
                yield case.finding("sampling-ratio-without-effect", call.place, reason)
    given = {one.arg for one in by_app[1].keywords} if by_app else set()
    if (
        settings.known
        and not settings.get("OTEL_TRACES_SAMPLER")
        and not given & {None, "sampling_ratio", "traces_per_second"}
    ):
        asked = case.requirements.get(DISTRIBUTION)
        if not (asked and asked.version and _is_before_rate_limits(asked.version)) and "disable_tracing" not in given:
            yield case.finding(
                "traces-with-holes", place, "OTEL_TRACES_SAMPLER is not set: five traces a second are kept."
            )


def _is_before_rate_limits(version: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) < Version("1.8.6")
    except InvalidVersion:
        return True
