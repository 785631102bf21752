"""Who reports an invocation as a request: held for each row of docs/explanation/who-reports-what.md that can be."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ext_opentelemetry import host, host_json, reporting
from ext_opentelemetry.destinations import Beside, Destination

OURS = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
AZURE = {"WEBSITE_INSTANCE_ID": "i"}
CORE_TOOLS = {"FUNCTIONS_CORETOOLS_ENVIRONMENT": "True"}
CONTAINER = {"FUNCTIONS_WORKER_DIRECTORY": "/azure-functions-host/workers/python"}
KNOWN = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={OURS.upper()};IngestionEndpoint=http://127.0.0.1:1"
}
KEY = {"APPINSIGHTS_INSTRUMENTATIONKEY": OURS}
ELSEWHERE = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={OTHER}"}
BROKEN = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "nonsense"}
OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
TRACES_ONLY = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}
OTEL_MODE = {"AzureFunctionsJobHost__telemetryMode": "OpenTelemetry"}

APPINSIGHTS = Beside(OURS)
UNKNOWN_RESOURCE = Beside("")
ANYWHERE = Destination()


def to_otlp() -> Destination:
    destination = Destination()
    destination.is_otlp = True
    return destination


TO_OTLP = to_otlp()


@pytest.fixture(autouse=True)
def no_host_json(fresh):
    """The extension as new, so that host.json is read again."""


@pytest.mark.parametrize("mode", [{}, OTEL_MODE], ids=["default", "OpenTelemetry"])
@pytest.mark.parametrize(
    ("around", "destination", "span"),
    [
        (KNOWN, APPINSIGHTS, "server"),
        (KNOWN | OTLP, TO_OTLP, "server"),
        (AZURE, APPINSIGHTS, "server"),
        (AZURE, TO_OTLP, "server"),
        (AZURE, ANYWHERE, "server"),
        (AZURE | KNOWN, APPINSIGHTS, "internal"),
        (CORE_TOOLS | KNOWN, APPINSIGHTS, "internal"),
        (CONTAINER | KNOWN, APPINSIGHTS, "internal"),
        (AZURE | KNOWN, UNKNOWN_RESOURCE, "internal"),
        (AZURE | BROKEN, APPINSIGHTS, "internal"),
        (AZURE | ELSEWHERE, APPINSIGHTS, "server"),
        (AZURE | KNOWN, TO_OTLP, "server"),
        (AZURE | KNOWN | TRACES_ONLY, TO_OTLP, "server"),
        (AZURE | KNOWN, ANYWHERE, "internal"),
    ],
)
def test_a_request_is_counted_once_in_each_place(monkeypatch, mode: dict, around: dict, destination, span: str):
    """Where the host reports it, our span is inside; where it does not, ours is the request."""
    assert span_under(monkeypatch, mode | around, destination) == span


@pytest.mark.parametrize(
    ("around", "destination", "span"),
    [
        (AZURE | KEY, APPINSIGHTS, "internal"),
        (AZURE | KEY | OTEL_MODE, APPINSIGHTS, "server"),
        (AZURE | OTLP, TO_OTLP, "server"),
        (AZURE | OTLP | OTEL_MODE, TO_OTLP, "internal"),
        (AZURE | OTLP, ANYWHERE, "server"),
        (AZURE | OTLP | OTEL_MODE, ANYWHERE, "internal"),
        (OTLP | OTEL_MODE, TO_OTLP, "server"),
        (AZURE | OTLP | OTEL_MODE, APPINSIGHTS, "server"),
    ],
)
def test_the_telemetry_mode_decides_what_the_host_reads(monkeypatch, around: dict, destination, span: str):
    """By OTLP it sends in OpenTelemetry mode only, and an instrumentation key it reads in the default mode only."""
    assert span_under(monkeypatch, around, destination) == span


def span_under(monkeypatch, around: dict, destination) -> str:
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    return reporting.invocation_span(SimpleNamespace(invocation_span="auto"), destination)


@pytest.mark.parametrize("setting", ["server", "internal", "none"])
def test_what_is_set_counts(monkeypatch, setting: str):
    """Whatever the host does."""
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "i")

    assert reporting.invocation_span(SimpleNamespace(invocation_span=setting), ANYWHERE) == setting


@pytest.mark.parametrize(
    ("content", "opentelemetry"),
    [
        ({"version": "2.0", "telemetryMode": "OpenTelemetry"}, True),
        ({"version": "2.0", "telemetryMode": "opentelemetry"}, True),
        ({"version": "2.0", "telemetryMode": "ApplicationInsights"}, False),
        ({"version": "2.0"}, False),
        ([], False),
        (None, False),
        ("{", False),
    ],
)
def test_the_mode_is_read_from_host_json(tmp_path, monkeypatch, content, opentelemetry: bool):
    """In the app's folder; in any case of letters, as the host reads it."""
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "host.json").write_text("\ufeff" + text, "utf-8")
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    host_json._read.clear()

    assert host.uses_opentelemetry() is opentelemetry


def test_an_app_setting_overrides_host_json(tmp_path, monkeypatch):
    """The host reads AzureFunctionsJobHost__telemetryMode as one."""
    (tmp_path / "host.json").write_text('{"telemetryMode": "OpenTelemetry"}')
    host_json._read.clear()
    assert host.uses_opentelemetry()

    monkeypatch.setenv("AzureFunctionsJobHost__telemetryMode", "ApplicationInsights")
    assert not host.uses_opentelemetry()


def test_a_value_deep_in_host_json_is_found_or_none(tmp_path):
    """Whatever lies on the way."""
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": "v1"}, "queues": 7}}')
    host_json._read.clear()

    assert host_json.setting("extensions", "http", "routePrefix") == "v1"
    assert host_json.setting("extensions", "queues", "batchSize") is None
    assert host_json.setting("missing") is None


def test_the_pipeline_asks_for_its_destination(fresh, monkeypatch, server):
    """From the settings to the kind of span."""
    for name, value in (AZURE | KNOWN).items():
        monkeypatch.setenv(name, value)
    fresh.configure(exporter=InMemorySpanExporter())
    assert fresh._current().span == "internal"

    fresh.configure(connection_string=server.connection_string.replace(OURS, OTHER))
    assert fresh._current().span == "server"

    fresh.configure(connection_string=server.connection_string)
    assert fresh._current().span == "internal"
