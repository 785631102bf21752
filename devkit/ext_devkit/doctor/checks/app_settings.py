"""App settings: the flag, the worker's runtime, the connection string."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ext_appinsights import ConnectionString, ConnectionStringError
from ext_devkit.doctor.extensions import OPENCENSUS, OPENTELEMETRY, RETIRED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.doctor.case import Case
    from ext_devkit.doctor.extensions import Call
    from ext_devkit.doctor.findings import Finding

FLAG = "PYTHON_ENABLE_WORKER_EXTENSIONS"
CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"
KEY = "APPINSIGHTS_INSTRUMENTATIONKEY"
OPENTELEMETRY_FLAG = "PYTHON_ENABLE_OPENTELEMETRY"
DISTRIBUTION = "azure-monitor-opentelemetry"
_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"


def check(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with the app settings that could be read."""
    settings = case.settings
    if not settings.known and not settings.trouble:
        yield case.finding("settings-unknown", settings.file, "The app settings could not be looked at.")
    runtime = settings.get(_RUNTIME)
    if runtime and runtime.lower() != "python":
        yield case.finding("wrong-worker-runtime", settings.place(_RUNTIME), f"It is {runtime!r}.")
    yield from _check_flag(case)
    if settings.is_false(OPENTELEMETRY_FLAG) and case.python.runs_hooks and DISTRIBUTION in case.requirements:
        reason = (
            f"It is {settings.get(OPENTELEMETRY_FLAG)!r}, and {case.python}'s worker calls configure_azure_monitor()."
        )
        yield case.finding("flag-not-read", settings.place(OPENTELEMETRY_FLAG), reason)
    yield from _check_connection_strings(case)


def _check_flag(case: Case) -> Iterator[Finding]:
    settings, place = case.settings, case.settings.place(FLAG)
    names = sorted({case.found.extensions[key].name for key in case.found.active} | {e.name for e in case.official})
    if settings.is_false(FLAG):
        if names:
            reason = f"It is {settings.get(FLAG)!r}, and the app has {', '.join(names)}."
            yield case.finding("extensions-switched-off", place, reason)
    elif settings.known and case.official and case.python.runs_hooks and not settings.is_true(FLAG):
        value = settings.get(FLAG)
        said = f"is {value!r}, which the worker takes for false" if value else "is not set"
        official = ", ".join(extension.name for extension in case.official)
        yield case.finding("flag-missing", place, f"{FLAG} {said}, so the worker does not call {official}.")


def _check_connection_strings(case: Case) -> Iterator[Finding]:
    settings = case.settings
    text = settings.get(CONNECTION_STRING)
    if text and (why := _trouble(text)):
        yield case.finding("connection-string-malformed", settings.place(CONNECTION_STRING), why)
    for call in case.found.configured:
        given = call.constant("connection_string")
        if isinstance(given, str) and given and (why := _trouble(given)):
            yield case.finding("connection-string-malformed", call.place, why)
    if settings.get(KEY) and not text:
        yield case.finding("instrumentation-key-only", settings.place(KEY), f"{CONNECTION_STRING} is not set.")
    elif not text and settings.known and (names := _exporting(case)):
        rule = "no-destination" if settings.complete else "connection-string-missing"
        yield case.finding(rule, settings.file, f"{CONNECTION_STRING} is not set, and {names} exports to it.")


def _trouble(text: str) -> str:
    """Return why a connection string cannot be read; a reference to a key vault is replaced by the platform."""
    if text.startswith("@Microsoft."):
        return ""
    try:
        ConnectionString.parse(text)
    except ConnectionStringError as error:
        return str(error)
    return ""


def _exporting(case: Case) -> str:
    """Return the extensions that for certain have no other destination."""
    if case.settings.get("OTEL_EXPORTER_OTLP_ENDPOINT") or case.settings.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        return ""
    if any(
        name.startswith("EXT_") and name.endswith(("_EXPORTER", "_CONNECTION_STRING")) for name in case.settings.values
    ):
        return ""
    underneath = any(call.value("underneath") for call in case.found.calls(OPENCENSUS))
    called = case.python.runs_hooks or case.found.imports_sdk
    keys = [OPENTELEMETRY, *([RETIRED] if called else []), *([] if underneath else [OPENCENSUS])]
    silent = [key for key in keys if case.found.certain(key) and not any(map(_elsewhere, case.found.calls(key)))]
    if OPENTELEMETRY in case.found.active and OPENTELEMETRY not in silent:
        return ""  # what it is given holds for the others, or may
    return " and ".join(case.found.extensions[key].name for key in silent if key in case.found.extensions)


def _elsewhere(call: Call) -> bool:
    named = ("connection_string", "instrumentation_key", "exporter")
    given = [call.value(name) for name in named]
    return call.open or any(one is not None and not _is_none(one) for one in given)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
