"""Events and exceptions where telemetry does not go to Application Insights by our channel; and where it goes nowhere."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import _logs, metrics
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer

from ext_opentelemetry import records
from ext_opentelemetry.choosing import NO_DESTINATION
from ext_telemetry import (
    TelemetryExtension,
    logs,
    track_availability,
    track_dependency,
    track_event,
    track_exception,
    track_metric,
)
from ext_telemetry.stand_in import NoTelemetry
from tests.support.apps import run_app
from tests.support.invocations import ITEMS, PARENT, TRACE, request
from tests.support.lifecycle import invoke
from tests.support.otlp import OtlpServer, attributes
from tests.support.signals import Kept

SERVER, CLIENT = 2, 3
"""Kinds of spans in OTLP."""


def run(work):
    return invoke(lambda req, context: work(context.telemetry), trigger=ITEMS, req=request())


def use_all(telemetry):
    telemetry.track_event("x", {"a": [1]}, {"b": 2})
    telemetry.track_metric("x", 1)
    telemetry.track_exception(ValueError("y"))
    telemetry.track_availability("x", 1)
    telemetry.track_dependency("x", duration=1)
    with telemetry.track_dependency("x") as block:
        block.success = False
    return "done"


@pytest.fixture
def kept(fresh, forgetful):
    """What a logger provider of the app itself gets."""
    processor = Kept()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    _logs.set_logger_provider(provider)
    fresh.configure(exporter="none")
    return processor.records


def test_the_apps_own_logger_provider_gets_events(kept):
    run(lambda telemetry: telemetry.track_event("order placed", {"tenant": "a"}, {"value": 12.5}))

    (found,) = kept
    record = found.log_record
    assert (record.trace_id, record.span_id) == (TRACE, PARENT)
    assert record.body == "order placed"
    assert dict(record.attributes) == {
        "tenant": "a",
        "microsoft.custom_measurements": '{"value": 12.5}',
        "microsoft.custom_event.name": "order placed",
    }


def test_the_apps_own_logger_provider_gets_exceptions(kept):
    run(lambda telemetry: telemetry.track_exception(LookupError("gone"), {"order": 7}))

    attributes = dict(kept[0].log_record.attributes)
    assert attributes.pop("exception.stacktrace").startswith("LookupError: gone")
    assert attributes == {"order": 7, "exception.type": "LookupError", "exception.message": "gone"}


def test_an_exception_that_cannot_be_printed_arrives_all_the_same(kept):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    run(lambda telemetry: telemetry.track_exception(Mute(), {"order": 7}))

    attributes = dict(kept[0].log_record.attributes)
    assert attributes["exception.message"] == "<the text of this Mute could not be made>"
    assert attributes["order"] == 7


def test_the_otlp_endpoint_gets_all_of_it(fresh, forgetful, monkeypatch):
    """Before the first invocation too; the log records and the spans with the ids of the invocation."""
    with OtlpServer() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        fresh.configure(flush="background")
        track_event("imported")
        run(use_all)
        assert fresh.shutdown(20.0)

    (request_span,) = [span for span in server.spans if span.kind == SERVER]
    dependencies = [span for span in server.spans if span.kind == CLIENT]
    assert {span.parent_span_id for span in dependencies} == {request_span.span_id}
    assert [attributes(span)["microsoft.dependency.type"] for span in dependencies] == ["", ""]
    names = [attributes(record).get("microsoft.custom_event.name") for record in server.logs]
    assert names == ["imported", "x", None, None]
    assert {record.span_id for record in server.logs[1:]} == {request_span.span_id}
    assert {metric.name for metric in server.metrics} >= {"x"}


def test_without_a_destination_all_calls_do_nothing_and_one_line_says_why(fresh, forgetful, caplog):
    caplog.set_level(logging.WARNING)
    fresh.configure()

    assert run(use_all) == "done"
    assert run(use_all) == "done"

    assert [one.getMessage() for one in caplog.records] == [NO_DESTINATION]


def test_a_record_that_nobody_takes_is_told(fresh):
    fresh.configure(exporter="none")
    run(lambda _: None)

    assert records.emit(records.Record(body="x")) is False


def test_what_waits_for_the_first_invocation_is_bounded(fresh):
    for _ in range(records.MOST_WAITING + 5):
        track_event("x")

    assert len(records._waiting) == records.MOST_WAITING
    assert isinstance(records.tracer(), NoOpTracer)
    records._waiting.clear()


def test_the_stand_in_has_all_calls():
    stand_in = TelemetryExtension.stand_ins["telemetry"]()

    assert isinstance(stand_in, NoTelemetry)
    assert use_all(stand_in) == "done"


def test_a_failing_provider_does_not_reach_the_function(kept, fresh, caplog):
    class Broken(LoggerProvider):
        def get_logger(self, *_, **__):
            raise RuntimeError("broken")

    provider = Broken(shutdown_on_exit=False)
    _logs._internal._LOGGER_PROVIDER = provider

    assert run(use_all) == "done"


@pytest.fixture
def said(fresh, forgetful, warnings_of, monkeypatch):
    """Run with a bare exporter of spans; calling it gives the warnings."""
    monkeypatch.setattr(logs, "_decided", (None, None, None))
    monkeypatch.setattr(logs, "_said", set())
    fresh.configure(exporter=InMemorySpanExporter())

    def after():
        for _ in range(2):
            run(use_all)
        return warnings_of()

    return after


def test_a_bare_span_exporter_takes_nothing_else_which_is_said_once(said):
    assert said() == [
        "InMemorySpanExporter, the exporter of OpenTelemetryExtension, takes spans only: events, exceptions, "
        "availability results, log records and metrics are left out. To have them too, set "
        'exporter="appinsights" or "otlp", or a logger provider and a meter provider of OpenTelemetry\'s, before the '
        "first invocation."
    ]


def test_beside_a_bare_span_exporter_what_a_provider_of_the_app_takes_is_not_left_out(said):
    _logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))

    assert said() == [
        "InMemorySpanExporter, the exporter of OpenTelemetryExtension, takes spans only: metrics are left out. To have "
        'them too, set exporter="appinsights" or "otlp", or a meter provider of OpenTelemetry\'s, before the first '
        "invocation."
    ]


def test_where_providers_of_the_app_take_all_nothing_is_said(said):
    _logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))
    metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))

    assert said() == []


def test_switched_off_nothing_is_kept_for_later(fresh, forgetful, monkeypatch):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")

    track_event("x")
    track_metric("x", 1)
    track_exception(ValueError("y"))
    track_availability("x", 1)
    track_dependency("x", duration=1)
    with track_dependency("x"):
        pass

    assert list(records._waiting) == []


def test_switched_off_nothing_is_put_on_the_root_logger(monkeypatch):
    found = run_app(
        """
        os.environ["PYTHON_ENABLE_WORKER_EXTENSIONS"] = "0"
        import logging
        from ext_telemetry import TelemetryExtension, track_event
        TelemetryExtension.configure(logs="export")
        track_event("x")
        report(handlers=[type(one).__name__ for one in logging.root.handlers])
        """
    )

    assert found == {"handlers": []}


def test_a_dependency_without_a_pipeline_waits(fresh, forgetful):
    before = len(records._waiting)
    with track_dependency("x"):
        pass

    assert len(records._waiting) == before + 1
    records._waiting.clear()
