"""Real spans of a real provider, and the extension in a clean state for each test."""

from __future__ import annotations

import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from ext_opentelemetry import OpenTelemetryExtension, host_json, instrument, pipeline, providers
from tests.support.ingestion import IngestionServer

START = 1_767_323_045_678_901_000
SETTINGS = (
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPINSIGHTS_INSTRUMENTATIONKEY",
    "WEBSITE_SITE_NAME",
    "WEBSITE_INSTANCE_ID",
    "FUNCTIONS_CORETOOLS_ENVIRONMENT",
    "REGION_NAME",
    "AzureWebJobsScriptRoot",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_SAMPLER",
    "FUNCTIONS_WORKER_DIRECTORY",
    "AzureFunctionsJobHost__telemetryMode",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """No setting of this machine reaches a test; the app's folder is empty."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def remote() -> SpanContext:
    """A caller in another process."""
    return SpanContext(
        0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(1)
    )


@pytest.fixture
def make_span(remote):
    """A factory of ended spans: name, kind, attributes, parent, and what to do with the span before it ends."""
    provider = TracerProvider(
        resource=Resource({"service.name": "shop", "service.namespace": "ns", "service.instance.id": "one"}),
        shutdown_on_exit=False,
    )
    tracer = provider.get_tracer("test")

    def make(name, kind, attributes=None, *, parent=remote, links=(), change=None, milliseconds=1500):
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent else None
        span = tracer.start_span(name, context, kind, attributes, links, start_time=START)
        if change is not None:
            change(span)
        span.end(START + milliseconds * 1_000_000)
        return span

    return make


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """The extension as in a new process: not configured, no tracer provider set, nothing instrumented."""
    those_before = {providers._meters, providers._loggers}

    def forget():
        made = OpenTelemetryExtension._pipeline
        if made is not None:
            made.retire()
        instrument.apply((), ())
        instrument._told.clear()
        host_json._read.clear()
        OpenTelemetryExtension.configure()
        monkeypatch.setattr(OpenTelemetryExtension, "_pipeline", None)
        monkeypatch.setattr(OpenTelemetryExtension, "_made_of", None)
        monkeypatch.setattr(pipeline, "_served", None)
        monkeypatch.setattr(pipeline, "_own", None)
        monkeypatch.setattr(pipeline._switch, "target", None)
        monkeypatch.setattr(pipeline, "_signals_are_set", False)
        # What a test made lasts as long as the process: it must not go on sending to a port that another one may get.
        for one in {providers._meters, providers._loggers} - those_before:
            one.lazy.turn_to(None)
        monkeypatch.setattr(providers, "_meters", providers.LazyMeterProvider())
        monkeypatch.setattr(providers, "_loggers", providers.LazyLoggerProvider())
        for module, name in ((trace, "TRACER"), (metrics._internal, "METER"), (_logs._internal, "LOGGER")):
            monkeypatch.setattr(module, f"_{name}_PROVIDER", None)
            once = getattr(module, f"_{name}_PROVIDER_SET_ONCE")
            monkeypatch.setattr(module, f"_{name}_PROVIDER_SET_ONCE", type(once)())

    forget()
    yield OpenTelemetryExtension
    forget()


@pytest.fixture
def server():
    """An ingestion endpoint that accepts everything."""
    with IngestionServer() as running:
        yield running


@pytest.fixture
def finished(fresh):
    """The extension with an exporter in memory; calling it gives the spans that ended so far."""
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter)

    def spans():
        fresh.shutdown(20.0)
        return exporter.get_finished_spans()

    yield spans
    if pipeline._switch.target is not None:
        pipeline._switch.target.shutdown()
