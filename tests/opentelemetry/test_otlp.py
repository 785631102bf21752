"""Spans, metrics and logs by OTLP/HTTP, to a receiver that parses what comes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from time import monotonic

import pytest
import requests
from opentelemetry import _logs, metrics

from ext_opentelemetry import OpenTelemetryExtension, otlp
from ext_sdk import SettingsError, flush
from ext_sdk.function import Trigger
from tests.support.backend import backend
from tests.support.ingestion import KEY
from tests.support.lifecycle import TRACEPARENT, invoke
from tests.support.otlp import OtlpServer, attributes
from tests.support.signals import emit

TRIGGER = Trigger("timer", "timerTrigger", {})
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def serve(main=lambda: None, name: str = "Job"):
    return invoke(main, name=name, trigger=TRIGGER)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch):
    """A receiver that the app settings name."""
    with OtlpServer() as running:
        monkeypatch.setenv(ENDPOINT, running.url)
        yield running


def names(receiver: OtlpServer) -> list[str]:
    return [span.name for span in receiver.spans]


def test_spans_arrive_whole_with_the_settings_of_opentelemetry(fresh, receiver, monkeypatch):
    """Headers, compression and resource are named as everywhere."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    fresh.configure(exporter="otlp")

    def main(context):
        with context.tracer.span("part"):
            pass

    serve(main)
    assert flush(20.0)

    part, job = receiver.spans
    assert (part.name, job.name) == ("part", "Job")
    assert part.parent_span_id == job.span_id
    assert job.trace_id.hex() == TRACEPARENT[3:35]
    assert attributes(job)["faas.trigger"] == "timer"
    (export,) = receiver.exports
    assert (export.headers["x-api-key"], export.headers["content-encoding"]) == ("secret", "gzip")
    assert receiver.resource("/v1/traces")["service.name"] == "shop"


@pytest.mark.parametrize("variable", [ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_auto_takes_the_otlp_endpoint_where_there_is_no_connection_string(fresh, monkeypatch, variable: str):
    """Either name of it."""
    with OtlpServer() as receiver:
        monkeypatch.setenv(variable, receiver.url if variable == ENDPOINT else f"{receiver.url}/v1/traces")
        fresh.configure()
        serve()
        assert flush(20.0)
        assert names(receiver) == ["Job"]


def test_auto_prefers_application_insights(fresh, receiver, server):
    """A connection string is the more explicit wish."""
    fresh.configure(connection_string=server.connection_string)
    serve()
    assert flush(20.0)

    assert [item["data"]["baseData"]["name"] for item in server.items] == ["Job"]
    assert receiver.exports == []


def test_what_is_missing_is_told_with_the_command(fresh, monkeypatch, caplog):
    """Asked for by name, it is an error at `configure`; with "auto" one line, and the functions run."""
    monkeypatch.setattr(otlp, "find_spec", lambda _: None)
    for name in [name for name in sys.modules if name.startswith("opentelemetry.exporter.otlp.proto.http")]:
        monkeypatch.delitem(sys.modules, name)
    cure = "the OTLP exporter is not installed. To have it: pip install 'azfunc-ext-opentelemetry[otlp]'"

    with pytest.raises(SettingsError) as caught:
        fresh.configure(exporter="otlp")
    assert str(caught.value) == f"OpenTelemetryExtension: setting 'exporter' is 'otlp', but {cure}"

    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    fresh.configure()
    assert [serve(lambda: "fine") for _ in range(3)] == ["fine"] * 3
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [f"Spans are not exported: {cure}"]


def test_the_other_protocol_is_told(fresh, receiver, monkeypatch, caplog):
    """Its port is another one."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    fresh.configure()
    serve()

    said = [record.getMessage() for record in caplog.records if record.name == "ext_opentelemetry"]
    assert said == [
        "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', but spans are sent by HTTP (http/protobuf): name an endpoint for that, "
        "which is port 4318 in most cases, not 4317."
    ]


def test_calls_to_the_endpoint_are_not_traced(fresh, receiver):
    """Neither the exporter's own, nor those of another client in the app."""
    fresh.configure()

    def main():
        requests.post(f"{receiver.url}/v1/traces", data=b"", timeout=20)
        with backend() as other:
            requests.get(f"{other.url}/stock", timeout=20)

    serve(main)
    assert flush(20.0)
    serve(name="Second")
    assert flush(20.0)

    assert names(receiver) == ["GET", "Job", "Second"]


def test_a_flush_keeps_its_time_and_starts_no_more_than_one_thread(fresh, monkeypatch):
    """The official processor would hold the caller for as long as the receiver takes."""
    with OtlpServer(delay=30.0) as slow:
        monkeypatch.setenv(ENDPOINT, slow.url)
        fresh.configure()
        serve()
        pipeline = fresh._pipeline
        began = monotonic()
        results = [pipeline.flush(0.02) for _ in range(20)]
        took = monotonic() - began
        helpers = [one for one in threading.enumerate() if one.name == "ext_opentelemetry-flush"]

    assert results == [False] * 20
    assert took < 10.0
    assert len(helpers) <= 1


def test_a_refusal_is_said_once_and_flush_knows_of_it(fresh, monkeypatch, caplog):
    """The official processor says nothing to who flushes."""
    with OtlpServer(status=400) as refusing:
        monkeypatch.setenv(ENDPOINT, refusing.url)
        fresh.configure(flush="background")
        for _ in range(3):
            serve()
            assert not flush(20.0)

    said = [record.getMessage() for record in caplog.records if record.name == "ext_opentelemetry"]
    assert said == ["Spans to the OTLP endpoint were not accepted: the log of the exporter may say why."]


def test_metrics_and_logs_go_there_too(fresh, receiver):
    """One flush delivers all three."""
    fresh.configure(flush="background")

    def main():
        metrics.get_meter("app").create_counter("orders").add(2)
        emit(_logs.get_logger("app"), "hello")

    serve(main)
    assert flush(20.0)

    assert names(receiver) == ["Job"]
    assert [metric.name for metric in receiver.metrics] == ["orders"]
    assert [record.body.string_value for record in receiver.logs] == ["hello"]
    assert len({receiver.resource(f"/v1/{what}")["service.name"] for what in ("traces", "metrics", "logs")}) == 1


SCRIPT = """
import json, sys, threading
from ext_opentelemetry import OpenTelemetryExtension
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke
OpenTelemetryExtension.configure(exporter="otlp", flush="background")
HEAVY = ("requests", "urllib3", "google", "opentelemetry.sdk.metrics", "opentelemetry.sdk._logs",
         "opentelemetry.exporter.otlp.proto.http.trace_exporter")
loaded = lambda: [name for name in HEAVY if name in sys.modules]
configured = loaded(), threading.active_count()
invoke(lambda: None, name="First", trigger=Trigger("timer", "timerTrigger", {}))
served = loaded(), threading.active_count()
print(json.dumps([configured, served, flush(20.0)]))
"""


def test_nothing_is_imported_before_there_is_something_to_export(receiver):
    """Not for `configure`, nor in the way of the first invocation, whose end the processor's thread is."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))), env={**os.environ, ENDPOINT: receiver.url},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    configured, served, arrived = json.loads(done.stdout)
    assert arrived
    assert configured[0] == served[0] == []
    assert configured[1] <= 2
    assert served[1] == configured[1] + 1
    assert names(receiver) == ["First"]


def test_the_endpoints_are_those_of_all_signals(monkeypatch):
    """With the default that the exporters have."""
    monkeypatch.delenv(ENDPOINT, raising=False)
    assert otlp.endpoints() == ("http://localhost:4318",)

    monkeypatch.setenv(ENDPOINT, f"https://collector/{KEY}/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:4318/v1/metrics")
    assert otlp.endpoints() == (f"https://collector/{KEY}", "http://metrics:4318/v1/metrics")
    assert OpenTelemetryExtension.Settings(exporter="otlp").exporter == "otlp"
