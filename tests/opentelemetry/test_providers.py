"""Meters and loggers of this process export where spans do, and cost nothing before somebody asks for one."""

from __future__ import annotations

import sys
import threading
from time import monotonic

import pytest
from opentelemetry import _logs, metrics
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeter, NoOpMeterProvider, Observation
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, MetricExportResult

from ext_appinsights import Channel
from ext_opentelemetry import otlp, providers
from ext_opentelemetry.log_exporter import AppInsightsLogExporter, ChannelLogRecordProcessor
from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter
from tests.support.ingestion import HANG, IngestionServer
from tests.support.otlp import OtlpServer, attributes
from tests.support.signals import OLD_LOGS, RESOURCE, Kept, emit

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture(autouse=True)
def own_stand_in(monkeypatch):
    """The API's meters for libraries that ask early, as in a new process."""
    stand_in = type(metrics._internal._PROXY_METER_PROVIDER)
    monkeypatch.setattr(metrics._internal, "_PROXY_METER_PROVIDER", stand_in())


def resource():
    return RESOURCE


def nothing():
    return None


def to_channel(channel):
    return providers.set_up(
        metric_exporter=lambda: AppInsightsMetricExporter(channel=channel),
        log_processor=lambda: ChannelLogRecordProcessor(channel),
        resource=resource,
    )


def to(exporter=None, processor=None):
    return providers.set_up(metric_exporter=lambda: exporter, log_processor=lambda: processor, resource=resource)


@pytest.fixture
def channel(server):
    made = Channel(server.connection_string, journal=False)
    yield made
    made.close(0.0)


def count(name="orders", by=1):
    metrics.get_meter("m").create_counter(name).add(by)


def log(body):
    emit(_logs.get_logger("l"), body)


class Recorder(MetricExporter):
    """Keeps the values that it is given, and notes its end."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, float] = {}
        self.ended = threading.Event()

    def export(self, metrics_data, timeout_millis=10_000, **_):
        for of_resource in metrics_data.resource_metrics:
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    self.values[metric.name] = metric.data.data_points[0].value
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=30_000, **_):
        self.ended.set()


def test_what_is_measured_and_logged_is_delivered_at_flush(server, channel):
    put = to_channel(channel)
    count()
    log("sold out")
    assert put.flush(20.0)
    assert sorted(item["data"]["baseType"] for item in server.items) == ["MessageData", "MetricData"]
    assert {item["tags"]["ai.cloud.role"] for item in server.items} == {"ns.shop"}


def test_meters_and_loggers_from_before_the_set_up_work_after_it(server, channel):
    """Libraries ask for theirs at import."""
    counter = metrics.get_meter("library").create_counter("calls")
    logger = _logs.get_logger("library")
    counter.add(1)
    put = to_channel(channel)
    counter.add(2)
    emit(logger, "x")
    assert put.flush(20.0)
    sent = {item["data"]["baseType"]: item["data"]["baseData"] for item in server.items}
    assert sent["MetricData"]["metrics"][0]["value"] == 2
    assert sent["MessageData"]["message"] == "x"


def test_a_reader_exports_by_itself(server, channel, monkeypatch):
    """At the interval that OpenTelemetry's variable sets, in milliseconds."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    to_channel(channel)
    count()
    server.wait_for_items(1)


def test_a_wrong_interval_is_said_and_the_usual_one_taken(channel, monkeypatch, caplog):
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "0")
    put = to_channel(channel)
    count()
    assert put.flush(20.0)
    assert caplog.messages == [
        "OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds above 0; metrics are exported every 60 s."
    ]


def test_the_sdks_own_meter_starts_nothing():
    """Some of its versions ask for it with every tracer provider."""
    recorder = Recorder()
    put = to(recorder)
    assert isinstance(metrics.get_meter("opentelemetry-sdk"), NoOpMeter)
    count()
    assert put.flush(20.0)
    assert put.flush(20.0)
    assert recorder.values == {"orders": 1}


def test_the_sdk_measures_itself_if_that_is_wanted(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    recorder = Recorder()
    put = to(recorder)
    metrics.get_meter("opentelemetry-sdk").create_counter("otel.sdk.x").add(1)
    assert put.flush(20.0)
    assert recorder.values["otel.sdk.x"] == 1


@pytest.mark.parametrize("theirs", [NoOpMeterProvider(), providers.LazyMeterProvider()])
def test_a_meter_provider_of_the_app_is_left_alone(channel, theirs):
    metrics.set_meter_provider(theirs)
    to_channel(channel)
    assert metrics.get_meter_provider() is theirs
    assert _logs.get_logger_provider() is providers._loggers


def test_a_logger_provider_of_the_app_is_left_alone(channel):
    theirs = NoOpLoggerProvider()
    _logs.set_logger_provider(theirs)
    to_channel(channel)
    assert _logs.get_logger_provider() is theirs
    assert metrics.get_meter_provider() is providers._meters


def test_without_a_destination_meters_and_loggers_do_nothing(server, channel):
    """Those that are asked for once there is one work."""
    to()
    assert isinstance(metrics.get_meter("m"), NoOpMeter)
    count()
    log("x")
    put = to_channel(channel)
    count("later")
    assert put.flush(20.0)
    assert [item["data"]["baseData"]["metrics"][0]["name"] for item in server.items] == ["later"]


def test_a_switched_off_sdk_stays_off(channel, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    to_channel(channel)
    assert isinstance(metrics.get_meter("m"), NoOpMeter)
    log("x")
    assert channel.stats()["waiting"] == 0


def test_an_exporter_that_cannot_be_made_is_said_once_and_harms_nobody(caplog):
    def fails():
        raise ImportError("No module named 'otlp'")

    providers.set_up(metric_exporter=fails, log_processor=fails, resource=resource)
    for _ in range(2):
        count()
        log("x")
    assert caplog.messages == [
        "Metrics are not exported: ImportError: No module named 'otlp'",
        "Logs are not exported: ImportError: No module named 'otlp'",
    ]


def test_a_resource_that_cannot_be_made_harms_nobody(caplog):
    def fails():
        raise ValueError("no resource")

    providers.set_up(metric_exporter=Recorder, log_processor=nothing, resource=fails)
    count()
    assert caplog.messages == ["Metrics are not exported: ValueError: no resource"]


def test_an_exporter_may_ask_for_a_meter_while_it_is_made():
    """The official ones measure themselves."""

    def asks():
        metrics.get_meter("exporter").create_counter("sent").add(1)
        return recorder

    recorder = Recorder()
    put = providers.set_up(metric_exporter=asks, log_processor=nothing, resource=resource)
    count()
    assert put.flush(20.0)
    assert recorder.values == {"orders": 1}


def test_any_number_of_threads_get_meters_of_one_provider():
    made = []

    def make():
        made.append(Recorder())
        return made[-1]

    put = providers.set_up(metric_exporter=make, log_processor=nothing, resource=resource)
    together = threading.Barrier(8)

    def work():
        together.wait()
        count()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert put.flush(20.0)
    assert [recorder.values for recorder in made] == [{"orders": 8}]


def test_after_another_configuration_the_same_meter_exports_there():
    """What was measured before goes where it went."""
    first, second = Recorder(), Recorder()
    before = to(first)
    counter = metrics.get_meter("m").create_up_down_counter("open")
    counter.add(1)
    put = to(second)
    before.retire()
    counter.add(1)
    assert put.flush(20.0)
    assert (first.values, second.values) == ({"open": 1}, {"open": 2})
    assert first.ended.wait(20.0)
    assert not second.ended.is_set()


def test_running_totals_for_otlp_or_the_console_are_not_added_up_in_application_insights(server, channel, caplog):
    """The SDK keeps the temporality that the first exporter wanted."""
    before = to(Recorder())
    meter = metrics.get_meter("m")
    counter, waiting = meter.create_counter("orders"), meter.create_histogram("waiting")
    opened = meter.create_up_down_counter("open")
    put = to_channel(channel)
    before.retire()
    for _ in range(2):
        counter.add(1)
        waiting.record(1)
        opened.add(1)
        assert put.flush(20.0)
    (first, second) = (item["data"]["baseData"]["metrics"][0] for item in server.items)
    assert [(one["name"], one["value"]) for one in (first, second)] == [("open", 1), ("open", 2)]
    assert caplog.messages == [
        f"Metric {name} is collected as a running total, as OTLP and the console want it: it is left out, because "
        "Application Insights adds up what it gets. Configure it before the first meter, or restart the process."
        for name in ("orders", "waiting")
    ]


def test_after_another_configuration_the_same_logger_logs_there():
    first, second = Kept(), Kept()
    to(processor=first)
    logger = _logs.get_logger("l")
    emit(logger, "one")
    to(processor=second)
    emit(logger, "two")
    assert [[one.log_record.body for one in kept.records] for kept in (first, second)] == [["one"], ["two"]]


def test_what_is_retired_before_the_next_is_set_up_is_delivered_and_ended():
    recorder = Recorder()
    put = to(recorder, Kept())
    count()
    log("x")
    put.retire()
    assert recorder.values == {"orders": 1}
    assert recorder.ended.wait(20.0)
    count()
    log("x")
    assert put.flush(1.0)
    other = Recorder()
    count("later")
    assert to(other).flush(20.0)
    assert other.values == {"orders": 2, "later": 1}


@pytest.mark.skipif(OLD_LOGS, reason="that SDK does not ask")
def test_a_logger_is_enabled_while_there_is_somewhere_to_log():
    from opentelemetry.sdk._logs import Logger

    if not hasattr(Logger, "enabled"):
        pytest.skip("that SDK does not ask")
    put = to(processor=Kept())
    logger = _logs.get_logger("l")
    assert logger.enabled()
    put.retire()
    assert not logger.enabled()


def test_flush_returns_in_time_whatever_the_service_does():
    with IngestionServer(default=HANG) as hanging:
        channel = Channel(hanging.connection_string, journal=False)
        put = to_channel(channel)
        count()
        log("x")
        started = monotonic()
        assert not put.flush(0.3)
        assert monotonic() - started < 5.0
        channel.close(0.0)


def test_flush_returns_in_time_whatever_an_instrument_of_the_app_does(channel):
    answer = threading.Event()

    def slow(_):
        answer.wait(60.0)
        return [Observation(1)]

    put = to_channel(channel)
    metrics.get_meter("m").create_observable_gauge("slow", [slow])
    started = monotonic()
    assert not put.flush(0.3)
    assert monotonic() - started < 10.0
    answer.set()
    assert put.flush(20.0)


def test_flush_returns_in_time_whatever_an_official_exporter_does(monkeypatch):
    with OtlpServer(delay=60.0) as slow:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", slow.url)
        put = providers.set_up(
            metric_exporter=otlp.metric_exporter, log_processor=otlp.log_processor, resource=resource
        )
        count()
        log("x")
        started = monotonic()
        assert not put.flush(0.3)
        assert monotonic() - started < 10.0


def test_otlp_gets_metrics_and_logs(monkeypatch):
    """By the official exporters."""
    with OtlpServer() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        put = providers.set_up(
            metric_exporter=otlp.metric_exporter, log_processor=otlp.log_processor, resource=resource
        )
        count(by=3)
        emit(_logs.get_logger("l"), "sold out", {"tenant": "a"})
        assert put.flush(20.0)
        (metric,), (record,) = receiver.wait_for("metrics"), receiver.wait_for("logs")
        assert (metric.name, metric.sum.data_points[0].as_int) == ("orders", 3)
        assert (record.body.string_value, attributes(record)) == ("sold out", {"tenant": "a"})
        assert receiver.resource("/v1/metrics")["service.name"] == "shop"
        assert receiver.resource("/v1/logs")["service.name"] == "shop"
        put.retire()


def test_metrics_that_otlp_refused_are_not_called_delivered(monkeypatch):
    with OtlpServer(status=400) as refusing:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", refusing.url)
        put = providers.set_up(metric_exporter=otlp.metric_exporter, log_processor=nothing, resource=resource)
        count()
        assert not put.flush(20.0)


def test_the_console_gets_metrics_and_the_exporter_works_in_official_processors(server, capsys):
    exporter = AppInsightsLogExporter(server.connection_string, journal=False)
    put = to(ConsoleMetricExporter(out=sys.stdout), SimpleLogRecordProcessor(exporter))
    count()
    log("x")
    put.flush(20.0)
    assert '"name": "orders"' in capsys.readouterr().out
    put.retire()
    server.wait_for_items(1)


def test_the_global_providers_can_be_flushed_and_stay_in_use(server, channel):
    to_channel(channel)
    for body in ("one", "two"):
        count()
        log(body)
        assert metrics.get_meter_provider().force_flush(20_000)
        assert _logs.get_logger_provider().force_flush(20_000)
        metrics.get_meter_provider().shutdown()
        _logs.get_logger_provider().shutdown()
    assert len(server.items) == 4


def test_a_thread_that_logs_while_it_is_reconfigured_loses_nothing():
    """Each record is at one of the two."""
    first, second = Kept(), Kept()
    to(processor=first)
    logger = _logs.get_logger("l")
    thread = threading.Thread(target=lambda: [emit(logger, str(number)) for number in range(500)])
    thread.start()
    to(processor=second)
    thread.join()
    assert [one.log_record.body for one in first.records + second.records] == [str(number) for number in range(500)]
