"""Metrics: aggregated in the process, with a limit to the sets of dimensions."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import nan

import pytest

from ext_telemetry import metrics, track_metric
from tests.support.lifecycle import invoke


def run(work):
    return invoke(lambda req, context: work(context.telemetry), req=None)


def run_module(work):
    return invoke(lambda req, context: work(), req=None)


def points(sent, name):
    return [metric for metric in sent.of("MetricData") if metric.metrics[0]["name"] == name]


def test_a_gauge_is_its_last_value(sent):
    def work(telemetry):
        for value in (3, 8, 5):
            telemetry.track_metric("queue length", value)

    run(work)

    (point,) = points(sent, "queue length")
    assert (point.metrics[0]["value"], point.metrics[0]["count"]) == (5, 1)


def test_a_counter_is_added_up(sent):
    def work(telemetry):
        for value in (3, 8, 5):
            telemetry.track_metric("orders", value, kind="counter")

    run(work)

    assert [point.metrics[0]["value"] for point in points(sent, "orders")] == [16]


def test_a_histogram_has_count_sum_smallest_and_largest(sent):
    def work(telemetry):
        for value in (3, 8, 5.5):
            telemetry.track_metric("size", value, kind="histogram", unit="By")

    run(work)

    ((point,),) = [point.metrics for point in points(sent, "size")]
    assert {key: point[key] for key in ("value", "count", "min", "max")} == {
        "value": 16.5, "count": 3, "min": 3, "max": 8,
    }  # fmt: skip


def test_each_set_of_dimensions_is_a_series(sent):
    def work(telemetry):
        telemetry.track_metric("orders", 1, {"tenant": "a", "paid": True}, "counter")
        telemetry.track_metric("orders", 2, {"paid": True, "tenant": "a"}, "counter")
        telemetry.track_metric("orders", 4, {"tenant": ["b"]}, "counter")

    run(work)

    found = [(point.metrics[0]["value"], point.properties) for point in points(sent, "orders")]
    assert sorted(found, key=str) == [(3, {"tenant": "a", "paid": "true"}), (4, {"tenant": '["b"]'})]


def test_what_is_measured_before_the_first_invocation_is_kept_for_it(sent):
    track_metric("orders", 2, kind="counter")
    run(lambda _: track_metric("orders", 3, kind="counter"))

    assert [point.metrics[0]["value"] for point in points(sent, "orders")] == [5]


def test_a_dimension_that_cannot_be_printed_does_not_cost_other_metrics(sent):
    """All of them are exported together."""

    def work(telemetry):
        telemetry.track_metric("one", 1, {"number": 10**5000})
        telemetry.track_metric("two", 2)

    run(work)

    assert {one.metrics[0]["name"]: one.metrics[0]["value"] for one in sent.of("MetricData")} == {"one": 1, "two": 2}


def test_more_sets_than_the_limit_are_added_up_in_one(sent, warnings_of, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_SETS", 3)

    def work(telemetry):
        for number in range(10):
            telemetry.track_metric("orders", 1, {"customer": number}, "counter")
        telemetry.track_metric("orders", 1, {"customer": 0}, "counter")

    run(work)

    found = {tuple(point.properties.items()): point.metrics[0]["value"] for point in points(sent, "orders")}
    assert found == {
        (("customer", "0"),): 2,
        (("customer", "1"),): 1,
        (("customer", "2"),): 1,
        (("otel.metric.overflow", "true"),): 7,
    }
    assert warnings_of() == [
        "Metric orders has more than 3 sets of dimensions: the others are added up in one, with the dimension "
        "otel.metric.overflow (said once for a metric). Use properties that have few values, and events for others."
    ]


def test_a_metric_may_have_a_thousand_sets_of_dimensions():
    assert metrics.MOST_SETS == 1000


def test_metrics_beyond_the_limit_are_left_out(sent, warnings_of, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_METRICS", 2)

    def work(telemetry):
        for number in range(5):
            telemetry.track_metric(f"m{number}", 1)

    run(work)

    assert sorted(point.metrics[0]["name"] for point in sent.of("MetricData")) == ["m0", "m1"]
    (text,) = warnings_of()
    assert text.endswith("there are 2 metrics already; 'm2' is not taken.")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("x", nan), "the value of 'x' is nan, not a finite number."),
        (("x", "5"), "the value of 'x' is '5', not a finite number."),
        (("x", None), "the value of 'x' is None, not a finite number."),
        (("", 1), "the name of a metric is '', not a text."),
        ((None, 1), "the name of a metric is None, not a text."),
        (("x", 1, "y"), "properties are 'y', not a dict."),
        (("x", 1, None, "sum"), "the kind is 'sum', not one of gauge, counter, histogram."),
        (("x", -1, None, "counter"), "the counter 'x' cannot take -1: only a gauge can."),
        (("x", -1, None, "histogram"), "the histogram 'x' cannot take -1: only a gauge can."),
    ],
)
def test_what_cannot_be_measured_is_left_out_and_said_once(sent, warnings_of, arguments, why):
    def work(telemetry):
        for _ in range(3):
            telemetry.track_metric(*arguments)

    run(work)

    (text,) = warnings_of()
    assert text.startswith(f"track_metric at {__file__}:")
    assert text.endswith(f" left its item out (said once for what is wrong): {why}")
    assert sent.of("MetricData") == []


def test_a_metric_has_one_kind(sent, warnings_of):
    def work(telemetry):
        telemetry.track_metric("x", 1)
        telemetry.track_metric("x", 2, kind="counter")

    run(work)

    assert [point.metrics[0]["value"] for point in sent.of("MetricData")] == [1]
    (text,) = warnings_of()
    assert text.endswith("metric 'x' is a gauge, and cannot be a 'counter' too.")


@pytest.mark.parametrize("value", [Decimal("2.5"), 2.5, True])
def test_other_numbers_are_numbers(sent, value):
    run(lambda telemetry: telemetry.track_metric("x", value))

    assert points(sent, "x")[0].metrics[0]["value"] == float(value)


@pytest.mark.parametrize("name", ["Länge der Queue", "5xx", "Orders", "n" * 300, "a b"])
def test_a_name_arrives_as_it_is(sent, name):
    """OpenTelemetry takes fewer characters, and makes lower case of them."""
    run(lambda telemetry: telemetry.track_metric(name, 1))

    assert [point.metrics[0]["name"] for point in sent.of("MetricData")] == [name]


def test_names_that_are_alike_are_told_apart(sent):
    names = {"a b": 1, "a_b": 2, "A b": 3}

    def work(telemetry):
        for name, value in names.items():
            telemetry.track_metric(name, value)

    run(work)

    assert {point.metrics[0]["name"]: point.metrics[0]["value"] for point in sent.of("MetricData")} == names


@pytest.mark.parametrize("unit", ["µs", "m" * 64, None], ids=["not ASCII", "long", "no text"])
def test_a_unit_that_is_none_is_left_away(sent, warnings_of, unit):
    run(lambda telemetry: telemetry.track_metric("x", 1, unit=unit))

    assert len(points(sent, "x")) == 1
    assert warnings_of() == [
        f"The unit of metric 'x' is {unit!r}, not a text of 63 ASCII characters or fewer: it has none."
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_measures_on(sent):
    """A thread of the parent was about to make an instrument while it forked: in the child nobody is."""
    read, write = os.pipe()
    with metrics._metrics._lock:
        child = os.fork()
        if child == 0:
            os.write(write, b"1" if metrics._metrics._lock.acquire(blocking=False) else b"0")
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 1) == b"1"
    os.close(read)
    os.close(write)


def test_threads_lose_nothing(sent):
    def work(telemetry):
        with ThreadPoolExecutor(8) as pool:
            for number in range(2000):
                pool.submit(telemetry.track_metric, "orders", 1, {"lane": number % 10}, "counter")

    run(work)

    assert [point.metrics[0]["value"] for point in points(sent, "orders")] == [200] * 10


def test_a_destination_that_is_configured_later_gets_what_is_measured_then(sent, fresh):
    string = sent._server.connection_string
    fresh.configure(exporter="none")
    run(lambda telemetry: telemetry.track_metric("orders", 1, kind="counter"))
    fresh.configure(connection_string=string, journal=False, flush="background")
    run(lambda telemetry: telemetry.track_metric("orders", 2, kind="counter"))
    run_module(lambda: track_metric("orders", 4, kind="counter"))

    assert [point.metrics[0]["value"] for point in points(sent, "orders")] == [6]
