"""Where spans go, and what becomes of it when the settings change."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass, field
from time import monotonic
from types import SimpleNamespace

import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ext_opentelemetry
from ext_opentelemetry import AppInsightsSpanExporter, background, pipeline
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke
from tests.support.signals import emit

TRIGGER = Trigger("timer", "timerTrigger", {})


def serve(main=lambda: None, name: str = "Job"):
    return invoke(main, name=name, trigger=TRIGGER)


def processors() -> int:
    """Return how many official batch processors have a thread."""
    return sum(one.name.startswith("OtelBatchSpan") for one in threading.enumerate())


class Stuck(SpanExporter):
    """Exports nothing until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.names: list[str] = []
        self.ended = False

    def export(self, spans):
        self.go.wait(30.0)
        self.names += [span.name for span in spans]
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.ended = True


def wait_until(true) -> None:
    end = monotonic() + 20.0
    while not true():
        assert monotonic() < end
        threading.Event().wait(0.01)


def test_an_exporter_that_is_replaced_gets_its_spans_and_loses_its_thread(fresh):
    """It stays the app's: it is not shut down, and can be configured again."""
    first, second = InMemorySpanExporter(), InMemorySpanExporter()
    before = processors()
    for number, exporter in enumerate([first, second] * 3):
        fresh.configure(exporter=exporter, flush="background")
        serve(name=f"Job{number}")
    assert flush(20.0)

    wait_until(lambda: len(first.get_finished_spans()) == len(second.get_finished_spans()) == 3)
    assert {span.name for span in first.get_finished_spans()} == {"Job0", "Job2", "Job4"}
    assert {span.name for span in second.get_finished_spans()} == {"Job1", "Job3", "Job5"}
    wait_until(lambda: processors() <= before + 1)


def test_a_new_setting_beside_the_same_exporter_loses_nothing(fresh):
    """While one processor still hands it over, the next one already does."""
    exporter = Stuck()
    for number in range(3):
        fresh.configure(exporter=exporter, flush="background", flush_budget=number)
        serve(name=f"Job{number}")
    exporter.go.set()
    assert flush(20.0)

    wait_until(lambda: len(exporter.names) == 3)
    assert sorted(exporter.names) == ["Job0", "Job1", "Job2"]
    assert not exporter.ended


def test_a_flush_is_bounded_whatever_the_exporter_does(fresh):
    """The official processor would wait for it."""
    exporter = Stuck()
    fresh.configure(exporter=exporter, flush="background")
    serve()
    began = monotonic()
    delivered = fresh._pipeline.flush(0.1)
    took = monotonic() - began
    exporter.go.set()

    assert not delivered
    assert took < 5.0
    assert fresh._pipeline.flush(20.0)
    assert exporter.names == ["Job"]


def test_a_kick_delivers_without_waiting(fresh):
    """Long before the processor's own time comes."""
    exporter = Stuck()
    exporter.go.set()
    fresh.configure(exporter=exporter, flush="background")
    serve()
    fresh._pipeline.kick()

    wait_until(lambda: exporter.names == ["Job"])


def test_an_exporter_that_raises_is_said_once_and_the_function_runs(fresh, caplog):
    """Also that it failed is known to who flushes."""

    class Broken(InMemorySpanExporter):
        def export(self, spans):
            raise ConnectionError("no route")

    fresh.configure(exporter=Broken(), flush="background")
    results = []
    for _ in range(2):
        assert serve(lambda: "fine") == "fine"
        results.append(fresh._pipeline.flush(20.0))

    assert results == [False, False]
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["Spans to Broken were not accepted: ConnectionError: no route"]


def test_the_spans_of_an_apps_own_provider_are_flushed_with_ours(fresh, server):
    """It may have a processor that nobody else flushes before the process is frozen."""
    exporter = InMemorySpanExporter()
    own = TracerProvider(shutdown_on_exit=False)
    own.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(own)
    fresh.configure(connection_string=server.connection_string)
    serve()

    assert flush(20.0)
    assert [span.name for span in exporter.get_finished_spans()] == ["Job"]
    assert [item["data"]["baseData"]["name"] for item in server.items] == ["Job"]
    own.shutdown()


def test_without_a_destination_an_apps_own_provider_is_enough(fresh, caplog):
    """Its processors export, so there is nothing to warn of."""
    exporter = InMemorySpanExporter()
    own = TracerProvider(shutdown_on_exit=False)
    own.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(own)
    fresh.configure()
    serve()

    assert [span.name for span in exporter.get_finished_spans()] == ["Job"]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_metrics_and_logs_go_where_spans_go(fresh, server):
    """By one channel: a log record has its request as parent."""
    fresh.configure(connection_string=server.connection_string)

    def main():
        metrics.get_meter("app").create_counter("orders").add(2)
        emit(_logs.get_logger("app"), "hello")

    serve(main)
    assert flush(20.0)

    kinds = {item["data"]["baseType"]: item for item in server.items}
    assert set(kinds) == {"RequestData", "MetricData", "MessageData"}
    assert kinds["MessageData"]["tags"]["ai.operation.parentId"] == kinds["RequestData"]["data"]["baseData"]["id"]


def test_without_a_destination_an_app_can_still_set_its_own_providers(fresh):
    """Of meters and loggers, also after the first invocation."""
    fresh.configure(exporter="none")
    serve()

    assert type(metrics.get_meter_provider()).__module__.startswith("opentelemetry.")
    assert type(_logs.get_logger_provider()).__module__.startswith("opentelemetry.")


def test_what_instrumentations_measure_is_not_sent_unasked(fresh, server):
    """Each call would be in a metric item as well, for which a thread would be made."""
    import requests

    fresh.configure(connection_string=server.connection_string)
    serve(lambda: requests.get(f"{server.url}/", timeout=20) and None)
    assert flush(20.0)

    assert "MetricData" not in {
        item["data"]["baseType"] for request in server.requests if request.body for item in request.items
    }


def test_exporters_share_a_channel(server):
    """And leave it open."""
    first = AppInsightsSpanExporter(server.connection_string)
    second = AppInsightsSpanExporter(channel=first.channel)
    assert second.channel is first.channel
    second.shutdown()
    assert first.channel.close(5.0)

    with pytest.raises(TypeError) as caught:
        AppInsightsSpanExporter("x", channel=first.channel, interval=1)
    assert str(caught.value) == (
        "AppInsightsSpanExporter got a channel, which has a destination and options of its own; "
        "leave out: connection_string, interval."
    )


def test_all_three_exporters_are_public():
    """Those of metrics and logs are loaded when they are asked for."""
    assert ext_opentelemetry.AppInsightsMetricExporter.__name__ == "AppInsightsMetricExporter"
    assert ext_opentelemetry.AppInsightsLogExporter.__name__ == "AppInsightsLogExporter"
    with pytest.raises(AttributeError, match="module 'ext_opentelemetry' has no attribute 'Other'"):
        _ = ext_opentelemetry.Other


# The helper thread


def test_who_asks_while_it_runs_gets_a_run_of_its_own():
    """What came after the first began is not in it."""
    begun, go = threading.Event(), threading.Event()
    runs = []

    def action() -> bool:
        runs.append(len(runs))
        begun.set()
        assert go.wait(20.0)
        return len(runs) == 2

    helper = background.Background(action, "helper")
    first = helper.ask()
    assert begun.wait(20.0)
    second, third = helper.ask(), helper.ask()
    assert second is third
    assert not first.wait(0.0)
    go.set()

    assert (first.wait(20.0), second.wait(20.0)) == (False, True)
    assert runs == [0, 1]
    wait_until(lambda: "helper" not in {one.name for one in threading.enumerate()})


def test_an_action_that_raises_has_not_succeeded():
    """And the next one runs."""
    results = iter([ValueError("no"), None])

    def action() -> bool:
        error = next(results)
        if error is not None:
            raise error
        return True

    helper = background.Background(action, "helper")
    assert not helper.ask().wait(20.0)
    assert helper.ask().wait(20.0)


def test_where_no_thread_can_be_started_the_caller_does_it(monkeypatch):
    """As Python 3.12 says at interpreter exit."""

    def refuse(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert background.Background(lambda: True, "helper").ask().wait(0.0)


@pytest.mark.parametrize(
    ("redact", "came"),
    [(True, "REDACTED"), (False, "hunter2"), (ext_opentelemetry.Redactor(keys=["iban"]), "REDACTED")],
)
def test_the_setting_redact_reaches_all_three_signals(fresh, server, redact, came: str):
    """Also that it is off."""
    fresh.configure(connection_string=server.connection_string, redact=redact)

    def main(context):
        context.tracer.current_span().set_attribute("password", "hunter2")
        metrics.get_meter("app").create_counter("orders").add(2, {"password": "hunter2"})
        emit(_logs.get_logger("app"), "hello", {"password": "hunter2"})

    serve(main)
    assert flush(20.0)

    found = {item["data"]["baseType"]: item["data"]["baseData"]["properties"].get("password") for item in server.items}
    assert found == dict.fromkeys(("RequestData", "MetricData", "MessageData"), came)


# What others do meanwhile


def test_an_exporter_without_a_hash_is_served_as_any(fresh, caplog):
    """As every dataclass is; also while one configuration gives it to the next."""

    @dataclass
    class Plain(SpanExporter):
        names: list[str] = field(default_factory=list)

        def export(self, spans):
            self.names += [span.name for span in spans]
            return SpanExportResult.SUCCESS

    exporter = Plain()
    for number in range(2):
        fresh.configure(exporter=exporter, flush="background", flush_budget=number)
        serve(name=f"Job{number}")
    assert flush(20.0)

    wait_until(lambda: sorted(exporter.names) == ["Job0", "Job1"])
    assert caplog.records == []


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)], ids=["error", "exit"])
def test_an_exporter_that_fails_once_is_asked_again(fresh, error):
    """Whatever it raises."""
    errors = [error]

    class Failing(InMemorySpanExporter):
        def force_flush(self, timeout_millis=30_000):
            if errors:
                raise errors.pop()
            return True

    fresh.configure(exporter=Failing(), flush="background")
    serve()

    assert [fresh._pipeline.flush(20.0) for _ in range(2)] == [False, True]


def test_a_provider_that_cannot_be_flushed_does_not_keep_another_from_it(fresh):
    """An app has one of traces and one of metrics."""

    class Broken(SpanProcessor):
        def force_flush(self, timeout_millis=30_000):
            raise ValueError("no")

    own = TracerProvider(shutdown_on_exit=False)
    own.add_span_processor(Broken())
    trace.set_tracer_provider(own)
    flushed = []
    theirs = SimpleNamespace(force_flush=flushed.append, get_meter=lambda *_, **__: metrics.NoOpMeter("x"))
    metrics.set_meter_provider(theirs)
    fresh.configure(exporter="none", flush="background")
    serve()

    assert not fresh._pipeline.flush(20.0)
    assert len(flushed) == 1


def test_a_provider_that_takes_no_processors_is_used_and_told_of(fresh, caplog):
    """Not every provider is the SDK's."""
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    fresh.configure(exporter=InMemorySpanExporter())
    assert serve(lambda: "fine") == "fine"

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "Spans are not exported by OpenTelemetryExtension: "
        "the app's tracer provider (NoOpTracerProvider) takes no span processors."
    ]


def test_functions_run_while_others_configure(fresh):
    """Also while there is no destination for a moment."""
    before = processors()
    exporters = [InMemorySpanExporter(), InMemorySpanExporter(), "none"]
    stop, failures = threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                assert serve(lambda context: context.tracer.start_span("part").end() or "fine") == "fine"
        except BaseException as error:
            failures.append(error)
            raise

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for number in range(60):
            fresh.configure(exporter=exporters[number % 3], instrument=(), flush="background", flush_budget=number)
            threading.Event().wait(0.005)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)

    assert failures == []
    fresh.configure(exporter="none", instrument=())
    serve()
    wait_until(lambda: processors() <= before)


def test_a_span_meets_a_destination_that_was_taken_away_meanwhile():
    """Between two steps of its end, as other threads are let in there."""

    class Fading(pipeline.SwitchProcessor):
        @property
        def target(self):
            return self.targets.pop(0)

        @target.setter
        def target(self, _):
            self.targets = [SpanProcessor(), None]

    for pass_on in (lambda s: s.on_start(None), lambda s: s.on_end(None), lambda s: s.force_flush()):
        pass_on(Fading())


def test_a_switched_off_sdk_costs_nothing_but_spans(fresh, monkeypatch, caplog):
    """`OTEL_SDK_DISABLED=true`: the tracer is there all the same."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    exporter = InMemorySpanExporter()
    fresh.configure(exporter=exporter)

    def main(context):
        with context.tracer.span("part") as span:
            span.add_attribute("a", 1)
        return "fine"

    assert serve(main) == "fine"
    assert flush(20.0)
    assert exporter.get_finished_spans() == ()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
