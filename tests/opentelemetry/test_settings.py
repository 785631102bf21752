"""What `configure` takes, and what it says of anything else."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ext_sdk import SettingsError, registry
from tests.support.lifecycle import invoke

KEY = "0BADF00D-2222-3333-4444-555555555555"
EXPORTERS = "'auto' or 'appinsights' or 'otlp' or 'console' or 'none' or SpanExporter"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"exporter": "zipkin"}, f"setting 'exporter' is 'zipkin'. Allowed: {EXPORTERS}."),
        ({"exporter": 7}, f"setting 'exporter' is 7. Allowed: {EXPORTERS}."),
        ({"invocation_span": "client"}, "setting 'invocation_span' is 'client'. Allowed: 'auto' or 'server' or 'internal' or 'none'."),
        ({"sampling_ratio": 2}, "setting 'sampling_ratio' is 2.0. Allowed: a number from 0 to 1."),
        ({"sampling_ratio": float("nan")}, "setting 'sampling_ratio' is nan. Allowed: a number from 0 to 1."),
        ({"flush": "never"}, "setting 'flush' is 'never'. Allowed: 'auto' or 'invocation' or 'background'."),
        ({"flush_budget": -1}, "setting 'flush_budget' is -1.0. Allowed: seconds, 0 or more."),
        ({"flush_budget": float("inf")}, "setting 'flush_budget' is inf. Allowed: seconds, 0 or more."),
        ({"journal": ""}, "setting 'journal' is ''. Allowed: true, false or the path of a folder."),
        ({"journal": 7}, "setting 'journal' is 7. Allowed: true or false or a text."),
        ({"redact": "some"}, "setting 'redact' is 'some'. Allowed: true or false or Redactor."),
        ({"instrument": ("redis", "../x")}, "setting 'instrument' has '../x'. Allowed: names such as 'requests' or 'httpx'."),
        (
            {"connection_string": f"InstrumentationKey={KEY};oops"},
            "setting 'connection_string': Segment 2 of the connection string is not of the form Key=Value "
            "(for example InstrumentationKey=...;IngestionEndpoint=https://...).",
        ),
        (
            {"exportr": "none"},
            "unknown setting 'exportr'. Did you mean 'exporter'? Known: exporter, connection_string, credential, sampling_ratio, invocation_span, "
            "instrument, resource_attributes, flush, flush_budget, redact, journal.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_what_is_allowed(fresh, settings: dict, message: str):
    """At `configure`, whole message."""
    with pytest.raises(SettingsError) as caught:
        fresh.configure(**settings)
    assert str(caught.value) == f"OpenTelemetryExtension: {message}"


def test_appinsights_needs_a_connection_string(fresh):
    """Asked for by name, its absence is an error; with "auto" it is a warning."""
    with pytest.raises(SettingsError) as caught:
        fresh.configure(exporter="appinsights")
    assert str(caught.value) == (
        "OpenTelemetryExtension: setting 'exporter' is 'appinsights', but there is no connection string. "
        "Set APPLICATIONINSIGHTS_CONNECTION_STRING, or pass connection_string=..."
    )


def test_what_is_allowed_is_taken(fresh, monkeypatch: pytest.MonkeyPatch):
    """Also from app settings."""
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter, sampling_ratio=0, instrument=[], resource_attributes={"a": 1})
    assert fresh.settings().exporter is exporter
    assert fresh.settings().instrument == ()

    monkeypatch.setenv("EXT_OPENTELEMETRY_EXPORTER", "console")
    monkeypatch.setenv("EXT_OPENTELEMETRY_SAMPLING_RATIO", "0.25")
    monkeypatch.setenv("EXT_OPENTELEMETRY_INSTRUMENT", "requests")
    fresh.configure()
    settings = fresh.settings()
    assert (settings.exporter, settings.sampling_ratio, settings.instrument) == ("console", 0.25, ("requests",))


def test_the_settings_hide_the_connection_string(fresh):
    """In a log or a traceback."""
    fresh.configure(connection_string=f"InstrumentationKey={KEY}")

    assert KEY not in repr(fresh.settings())


def test_a_wrong_app_setting_costs_the_export_and_not_the_function(fresh, monkeypatch, caplog):
    """It is said, and `context.tracer` works."""
    monkeypatch.setenv("EXT_OPENTELEMETRY_SAMPLING_RATIO", "all")

    def main(context):
        with context.tracer.span("a"):
            return "fine"

    registry.registration_of(fresh).resolved = None
    assert invoke(main) == invoke(main) == "fine"

    said = [r.getMessage() for r in caplog.records if r.name == "ext_opentelemetry" and r.levelno >= logging.WARNING]
    assert said == [
        "Spans are not exported: OpenTelemetryExtension: app setting EXT_OPENTELEMETRY_SAMPLING_RATIO is 'all'. "
        "Allowed: a number."
    ]
    monkeypatch.delenv("EXT_OPENTELEMETRY_SAMPLING_RATIO")


def test_an_app_setting_out_of_range_is_named(fresh, monkeypatch):
    """Whoever set it looks for this name."""
    monkeypatch.setenv("EXT_OPENTELEMETRY_SAMPLING_RATIO", "7")
    with pytest.raises(SettingsError) as caught:
        fresh.configure()
    monkeypatch.delenv("EXT_OPENTELEMETRY_SAMPLING_RATIO")
    assert str(caught.value) == (
        "OpenTelemetryExtension: app setting EXT_OPENTELEMETRY_SAMPLING_RATIO is 7.0. Allowed: a number from 0 to 1."
    )
