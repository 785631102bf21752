"""`azure-monitor-opentelemetry` in the same app: each span arrives once, whoever is set up first."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ext_opentelemetry import beside
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.backend import backend
from tests.support.ingestion import KEY, IngestionServer
from tests.support.lifecycle import invoke
from tests.support.otlp import OtlpServer

TIMER = Trigger("timer", "timerTrigger", {})

QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
}
"""Switches for what the distribution reports to Microsoft, or asks around for."""

SCRIPT = """
import json, logging, sys
when, url, other = sys.argv[1:]
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s|%(levelname)s|%(message)s")

def theirs():
    from azure.monitor.opentelemetry import configure_azure_monitor
    options = {name: {"enabled": False} for name in ("django", "fastapi", "flask", "psycopg2", "urllib", "urllib3", "httpx")}
    configure_azure_monitor(enable_live_metrics=False, enable_performance_counters=False, disable_offline_storage=True,
                            instrumentation_options=options)

if when == "before":
    theirs()
from ext_opentelemetry import OpenTelemetryExtension
OpenTelemetryExtension.configure(**({"connection_string": other} if other else {}))
if when == "after":
    theirs()
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke
trigger = Trigger("timer", "timerTrigger", {})

def main(context):
    import requests
    with context.tracer.span("part"):
        requests.get(url, timeout=20)

invoke(main, name="First", trigger=trigger)
if when == "late":
    theirs()
invoke(main, name="Second", trigger=trigger)
print(json.dumps(flush(90.0)))  # official exporters ask one by one, and each waits for its answer
"""

SPANS = ("RequestData", "RemoteDependencyData")
ONCE = {"First": 1, "Second": 1, "part": 2, "GET /": 2}


def run(when: str, server: IngestionServer, url: str, *, ours: str = "", **settings: str) -> str:
    """Run the app, and return what it logged."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, when, url, ours], capture_output=True, text=True, timeout=180, check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **QUIET, "OTEL_TRACES_SAMPLER": "always_on",
             "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string, **settings},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) is True, done.stderr
    return done.stderr


def items_of(server: IngestionServer) -> list[dict]:
    """Return what came of spans; Microsoft's exporter sends arrays, ours lines."""
    found = []
    for line in server.items:
        found += line if isinstance(line, list) else [line]
    return [item for item in found if item["data"]["baseType"] in SPANS]


def spans(server: IngestionServer) -> dict[str, int]:
    """Return how often each span came, by name."""
    return Counter(item["data"]["baseData"]["name"] for item in items_of(server))


@pytest.mark.parametrize("when", ["before", "after", "late"])
def test_each_span_arrives_once_whoever_is_set_up_first(server, when: str):
    """Set up before our import, after our `configure`, or even inside an invocation."""
    with backend() as service:
        said = run(when, server, f"{service.url}/")

    assert spans(server) == ONCE
    by_ours = {item["tags"]["ai.internal.sdkVersion"].startswith("azfuncext") for item in items_of(server)}
    assert by_ours == {when == "late"}
    if when == "late":
        assert "Overriding of current TracerProvider is not allowed" in said
    else:
        assert said.count("Spans are exported by azure-monitor-opentelemetry") == 1


def test_the_invocation_is_the_parent_of_what_is_inside(server):
    """Also in their export: the trace is whole."""
    with backend() as service:
        run("before", server, f"{service.url}/")

    items = {}
    for item in items_of(server):
        items.setdefault(item["data"]["baseData"]["name"], []).append(item)
    requests = {item["data"]["baseData"]["id"] for name in ("First", "Second") for item in items[name]}
    assert {item["tags"]["ai.operation.parentId"] for item in items["part"]} == requests
    parts = {item["data"]["baseData"]["id"] for item in items["part"]}
    assert {item["tags"]["ai.operation.parentId"] for item in items["GET /"]} == parts


def test_another_resource_gets_its_own_copy(server):
    """Two resources are two wishes."""
    with backend() as service, IngestionServer() as other:
        ours = other.connection_string.replace(KEY, "99999999-2222-3333-4444-555555555555")
        run("before", server, f"{service.url}/", ours=ours)

        assert spans(server) == ONCE
        assert spans(other) == ONCE


# Recognising the exporter


class Exporter(InMemorySpanExporter):
    """As Microsoft's, by name."""

    _instrumentation_key = KEY.upper()


Exporter.__name__ = "AzureMonitorTraceExporter"
Exporter.__module__ = "azure.monitor.opentelemetry.exporter.export.trace._exporter"


def provider_with(*processors) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


@pytest.mark.parametrize("kind", [BatchSpanProcessor, SimpleSpanProcessor])
def test_it_is_found_in_the_official_processors(kind):
    """Behind others."""
    processor = kind(Exporter())
    provider = provider_with(SimpleSpanProcessor(InMemorySpanExporter()), processor)

    assert beside.instrumentation_key(provider) == KEY
    processor.shutdown()


def test_it_is_found_behind_a_processor_of_the_apps():
    """One that filters, for example."""
    inner = SimpleNamespace(_wrapped_processor=SimpleSpanProcessor(Exporter()))
    provider = SimpleNamespace(processors=[inner])

    assert beside.instrumentation_key(provider) == KEY


def test_another_exporter_or_none_is_not_taken_for_it():
    """Nor one that only bears the name."""
    namesake = type("AzureMonitorTraceExporter", (InMemorySpanExporter,), {})()

    assert beside.instrumentation_key(provider_with(SimpleSpanProcessor(namesake))) is None
    assert beside.instrumentation_key(provider_with()) is None
    assert beside.instrumentation_key(None) is None


def test_a_key_that_cannot_be_told_is_empty():
    """Then it counts as the same resource."""
    exporter = Exporter()
    exporter._instrumentation_key = None

    assert beside.instrumentation_key(provider_with(SimpleSpanProcessor(exporter))) == ""


def test_processors_in_a_circle_come_to_an_end():
    """Whatever an app builds."""
    one, other = SimpleNamespace(), SimpleNamespace()
    one.processor, other.processor = other, one

    assert beside.instrumentation_key(one) is None


def test_an_exporter_that_is_not_recognised_is_told_of(fresh, server, monkeypatch, caplog):
    """Ours is added then: rather twice than not at all."""
    monkeypatch.setitem(sys.modules, "azure.monitor.opentelemetry.exporter", SimpleNamespace())
    own = InMemorySpanExporter()
    trace.set_tracer_provider(provider_with(SimpleSpanProcessor(own)))
    fresh.configure(connection_string=server.connection_string)
    for _ in range(2):
        invoke(lambda: None, name="Job", trigger=Trigger("timer", "timerTrigger", {}))
    assert fresh.shutdown(20.0)

    assert spans(server) == {"Job": 2}
    assert len(own.get_finished_spans()) == 2
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [
        "azure-monitor-opentelemetry is loaded, but its exporter was not found at the app's tracer provider, so "
        'OpenTelemetryExtension exports spans as well. If each of them arrives twice, set exporter="none".'
    ]


def test_their_resource_needs_no_connection_string_of_ours(fresh, caplog):
    """It may have been given in the code."""
    trace.set_tracer_provider(provider_with(SimpleSpanProcessor(Exporter())))
    caplog.set_level(logging.INFO, "ext_opentelemetry")
    fresh.configure()
    invoke(lambda: None, name="Job", trigger=Trigger("timer", "timerTrigger", {}))

    assert fresh._pipeline.destination.instrumentation_key == KEY
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


# The official OTLP exporter in the app


def test_spans_that_an_app_sends_by_otlp_are_not_sent_twice(fresh, monkeypatch, caplog):
    """Its variable is that of "auto" as well; metrics, for which the app has no provider, go there all the same."""
    caplog.set_level(logging.INFO, "ext_opentelemetry")
    with OtlpServer() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        trace.set_tracer_provider(provider_with(BatchSpanProcessor(OTLPSpanExporter())))
        fresh.configure(flush="background")
        invoke(lambda: metrics.get_meter("app").create_counter("orders").add(2), name="Job", trigger=TIMER)
        assert flush(20.0)
        assert [span.name for span in receiver.spans] == ["Job"]
        assert [metric.name for metric in receiver.metrics] == ["orders"]

        fresh.configure(exporter="otlp", flush="background")
        invoke(lambda: None, name="Twice", trigger=TIMER)
        assert flush(20.0)
        assert [span.name for span in receiver.spans] == ["Job", "Twice", "Twice"]

    assert [record.getMessage() for record in caplog.records if record.name == "ext_opentelemetry"] == [
        "Spans are exported by the OTLP exporter of the app's own tracer provider: OpenTelemetryExtension adds no "
        'export of its own. To have one all the same: exporter="otlp".'
    ]
