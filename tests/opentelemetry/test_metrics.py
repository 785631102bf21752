"""What is measured arrives as items of Application Insights."""

from __future__ import annotations

import decimal
import logging
import math
from datetime import datetime, timezone

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)

from ext_appinsights import Channel, ConnectionStringError
from ext_devkit.insights.server import InsightsServer
from ext_opentelemetry.as_metric import NAMESPACE_OPT_IN, MetricMapper
from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter
from tests.support.signals import RESOURCE, Metrics, points_of


@pytest.fixture
def measured():
    return Metrics()


@pytest.fixture
def channel(server):
    made = Channel(server.connection_string, journal=False)
    yield made
    made.close(0.0)


def mapped(measured, mapper=None):
    collected = measured.collect()
    return [] if collected is None else list((mapper or MetricMapper()).envelopes(collected))


def point(measured):
    """Return the one data point that a collection becomes."""
    (item,) = mapped(measured)
    (found,) = item["data"]["baseData"]["metrics"]
    return found


def test_a_counter_is_sent_as_what_it_grew_by(measured):
    counter = measured.meter.create_counter("orders")
    counter.add(2)
    assert point(measured) == {"name": "orders", "value": 2, "kind": 1, "count": 1}
    counter.add(5)
    assert point(measured)["value"] == 5


def test_an_observable_counter_is_sent_as_what_it_grew_by(measured):
    totals = iter([10, 13])
    measured.meter.create_observable_counter("bytes", [lambda _: [metrics.Observation(next(totals))]])
    assert point(measured)["value"] == 10
    assert point(measured)["value"] == 3


def test_an_up_down_counter_is_sent_as_what_it_is(measured):
    counter = measured.meter.create_up_down_counter("open")
    counter.add(5)
    assert point(measured)["value"] == 5
    counter.add(-2)
    assert point(measured)["value"] == 3


def test_a_gauge_is_sent_as_what_it_is(measured):
    measured.meter.create_observable_gauge("temperature", [lambda _: [metrics.Observation(-1.5)]])
    assert point(measured) == {"name": "temperature", "value": -1.5, "kind": 1, "count": 1}


def test_a_histogram_is_sent_as_its_sum_with_count_minimum_and_maximum(measured):
    histogram = measured.meter.create_histogram("duration")
    for value in (1.0, 2.5, 0.5):
        histogram.record(value)
    assert point(measured) == {"name": "duration", "value": 4.0, "kind": 1, "count": 3, "min": 0.5, "max": 2.5}
    histogram.record(7)
    assert point(measured)["value"] == 7


def test_an_exponential_histogram_is_sent_as_any_other():
    measured = Metrics(views=[View(instrument_name="d", aggregation=ExponentialBucketHistogramAggregation())])
    histogram = measured.meter.create_histogram("d")
    for value in (1.0, 2.5, 0.5):
        histogram.record(value)
    assert point(measured) == {"name": "d", "value": 4.0, "kind": 1, "count": 3, "min": 0.5, "max": 2.5}


def test_a_histogram_without_minimum_and_maximum_has_none():
    """The SDK then says infinity."""
    plain = ExplicitBucketHistogramAggregation(record_min_max=False)
    measured = Metrics(views=[View(instrument_name="d", aggregation=plain)])
    measured.meter.create_histogram("d").record(2)
    assert point(measured) == {"name": "d", "value": 2, "kind": 1, "count": 1}


def test_the_item_has_dimensions_tags_time_and_rate(measured):
    measured.meter.create_counter("orders").add(1, {"tenant": "a", "http.route": "/x", "server.port": 80})
    collected = measured.collect()
    (item,) = MetricMapper().envelopes(collected)
    ((_, data_point, _, _),) = points_of(collected)
    assert item["name"] == "Microsoft.ApplicationInsights.Metric"
    assert item["data"]["baseType"] == "MetricData"
    assert item["data"]["baseData"]["properties"] == {"tenant": "a", "http.route": "/x", "server.port": "80"}
    assert item["sampleRate"] == 100.0
    assert item["tags"]["ai.cloud.role"] == "ns.shop"
    assert item["tags"]["ai.cloud.roleInstance"] == "one"
    moment = datetime.fromtimestamp(data_point.time_unix_nano // 1000 / 1e6, timezone.utc)
    assert item["time"] == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_each_set_of_dimensions_is_an_item(measured):
    counter = measured.meter.create_counter("orders")
    counter.add(1, {"tenant": "a"})
    counter.add(2, {"tenant": "b"})
    found = {item["data"]["baseData"]["properties"]["tenant"]: item for item in mapped(measured)}
    assert {key: item["data"]["baseData"]["metrics"][0]["value"] for key, item in found.items()} == {"a": 1, "b": 2}


@pytest.mark.parametrize(("setting", "namespace"), [("true", "shop.orders"), ("True", "shop.orders"), ("no", None)])
def test_the_namespace_is_the_meters_name_if_that_is_opted_in(measured, monkeypatch, setting, namespace):
    monkeypatch.setenv(NAMESPACE_OPT_IN, setting)
    measured.meter.create_counter("orders").add(1)
    assert point(measured).get("ns") == namespace


def test_a_value_that_is_no_finite_number_is_left_out_and_counted(caplog):
    """The newest SDKs take no such measurement; a sum may still grow beyond all numbers."""
    measured = Metrics()
    counter, other = measured.meter.create_up_down_counter("bytes"), measured.meter.create_counter("orders")
    for _ in range(2):
        counter.add(1e308)
    other.add(1)
    mapper = MetricMapper()
    with caplog.at_level(logging.WARNING, "ext_opentelemetry"):
        first, second = mapped(measured, mapper), mapped(measured, mapper)
    assert [item["data"]["baseData"]["metrics"][0]["name"] for item in first] == ["orders"]
    assert second == []
    assert mapper.left_out == 2
    assert caplog.messages == [
        "A value of metric bytes is inf, which Application Insights cannot hold: "
        "it is left out, and so are others like it."
    ]


@pytest.mark.parametrize(("value", "sent"), [(True, 1), (decimal.Decimal("1.5"), 1.5), (10**400, None)])
def test_numbers_of_other_types_are_sent_as_plain_ones(measured, value, sent):
    gauge = metrics.Observation(value)
    measured.meter.create_observable_gauge("g", [lambda _: [gauge]])
    found = mapped(measured)
    assert [item["data"]["baseData"]["metrics"][0]["value"] for item in found] == ([] if sent is None else [sent])
    assert not any(isinstance(item["data"]["baseData"]["metrics"][0]["value"], bool) for item in found)


def test_credentials_are_replaced_in_dimensions(measured, channel, server):
    """Unless that is switched off."""
    measured.meter.create_up_down_counter("open").add(1, {"password": "hunter2", "url": "https://x/?sig=hunter2"})
    for redact in (True, False):
        AppInsightsMetricExporter(channel=channel, redact=redact).export(measured.collect())
    assert channel.flush(20.0)
    redacted, kept = (item["data"]["baseData"]["properties"] for item in server.items)
    assert redacted == {"password": "REDACTED", "url": "https://x/?sig=REDACTED"}
    assert kept == {"password": "hunter2", "url": "https://x/?sig=hunter2"}


def test_a_metric_of_a_test_or_a_bot_is_marked(measured):
    measured.meter.create_counter("orders").add(1, {"user_agent.synthetic.type": "bot"})
    (item,) = mapped(measured)
    assert item["tags"]["ai.operation.syntheticSource"] == "True"


def test_the_exporter_delivers_what_a_reader_collects(server):
    exporter = AppInsightsMetricExporter(server.connection_string, journal=False)
    reader = PeriodicExportingMetricReader(exporter, math.inf)
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
    provider.get_meter("m").create_counter("orders").add(3)
    provider.force_flush()
    (item,) = server.wait_for_items(1)
    assert item["data"]["baseData"]["metrics"][0]["value"] == 3
    provider.shutdown()
    assert exporter.channel.stats()["accepted"] == 1


def test_after_its_shutdown_the_exporter_takes_nothing(server, measured):
    exporter = AppInsightsMetricExporter(server.connection_string, journal=False)
    measured.meter.create_counter("orders").add(3)
    exporter.shutdown()
    assert exporter.export(measured.collect()) is MetricExportResult.FAILURE


def test_what_is_left_out_is_told_by_the_exporter(channel, measured):
    exporter = AppInsightsMetricExporter(channel=channel)
    counter = measured.meter.create_counter("bytes")
    counter.add(1e308)
    counter.add(1e308)
    assert exporter.export(measured.collect()) is MetricExportResult.SUCCESS
    assert exporter.left_out == 1


def test_a_collection_of_nothing_is_a_success(channel, measured):
    exporter = AppInsightsMetricExporter(channel=channel)
    assert exporter.export(measured.collect()) is MetricExportResult.SUCCESS
    assert exporter.force_flush(1000)


def test_a_shared_channel_stays_open(channel, server, measured):
    exporter = AppInsightsMetricExporter(channel=channel)
    exporter.shutdown(1000)
    measured.meter.create_counter("orders").add(3)
    AppInsightsMetricExporter(channel=channel).export(measured.collect())
    assert channel.flush(20.0)
    assert len(server.items) == 1


def test_a_channel_and_options_for_another_are_refused(channel, server):
    with pytest.raises(TypeError) as caught:
        AppInsightsMetricExporter(server.connection_string, channel=channel, interval=1.0)
    assert str(caught.value) == (
        "AppInsightsMetricExporter got a channel, which has a destination and options of its own; "
        "leave out: connection_string, interval."
    )


def test_without_a_connection_string_the_exporter_says_so():
    with pytest.raises(ConnectionStringError, match=r"^There is no connection string"):
        AppInsightsMetricExporter()


def test_the_local_application_insights_shows_it():
    """Sum, count, minimum and maximum, in the table customMetrics."""
    with InsightsServer(port=0) as insights:
        exporter = AppInsightsMetricExporter(insights.connection_string, journal=False)
        provider = MeterProvider([PeriodicExportingMetricReader(exporter, math.inf)], RESOURCE, shutdown_on_exit=False)
        histogram = provider.get_meter("m").create_histogram("duration")
        histogram.record(1.5, {"tenant": "a"})
        histogram.record(2.5, {"tenant": "a"})
        provider.force_flush()
        (row,) = insights.wait_for("customMetrics", 1, timeout=20)
        provider.shutdown()
    assert (row["name"], row["valueSum"], row["valueCount"], row["valueMin"], row["valueMax"]) == (
        "duration",
        4,
        2,
        1.5,
        2.5,
    )
    assert row["customDimensions"] == {"tenant": "a"}
    assert row["cloud_RoleName"] == "ns.shop"
