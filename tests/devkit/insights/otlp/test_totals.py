"""Running totals are stored as what they grew by, so that sums over rows are right."""

from __future__ import annotations

import sqlite3
from time import time_ns

import pytest

from ext_devkit.insights.otlp.points import Number
from ext_devkit.insights.otlp.totals import Totals
from tests.support.otlp_http import export, metric

DELTA, CUMULATIVE = 1, 2
TOTAL = {"aggregation_temporality": CUMULATIVE, "is_monotonic": True}
START = time_ns() - 10**9


def sent(server, *values, kind="sum", start=START, **data):
    """Send values one after another as totals since `start`."""
    for value in values:
        point = value if isinstance(value, dict) else {"as_int": value}
        export(server, "metrics", metric(kind, {"start_time_unix_nano": start} | point, **(data or TOTAL)))


def stored(server):
    return [row["value"] for row in server.store.rows("customMetrics")]


def test_a_total_is_stored_as_what_it_grew_by(server):
    sent(server, 5, 8, 8, 9)

    assert stored(server) == [5, 3, 1]


def test_a_total_that_begins_again_is_stored_whole(server):
    """The process was started again: by a later start, or because less cannot come of more."""
    sent(server, 5)
    sent(server, 7, start=START + 1)
    sent(server, 2, start=START + 1)

    assert stored(server) == [5, 7, 2]


def test_a_total_that_was_sent_twice_counts_once(server):
    """As an exporter does whose answer was lost."""
    request = metric("sum", {"start_time_unix_nano": START, "as_int": 5}, **TOTAL)
    older = metric("sum", {"start_time_unix_nano": START, "as_int": 3, "time_unix_nano": START + 1}, **TOTAL)

    for one in (request, request, older):
        assert not export(server, "metrics", one).partial_success.rejected_data_points

    assert stored(server) == [5]


def test_each_series_has_a_total_of_its_own(server):
    """The order of attributes makes no other series; another value, resource, or name does."""
    for attributes, resource, name in [
        ({"a": "1", "b": "2"}, {}, "sales"),
        ({"b": "2", "a": "1"}, {}, "sales"),
        ({"a": "1", "b": "3"}, {}, "sales"),
        ({"a": "1", "b": "2"}, {"service.instance.id": "two"}, "sales"),
        ({"a": "1", "b": "2"}, {}, "returns"),
    ]:
        point = {"start_time_unix_nano": START, "as_int": 5, "attributes": attributes}
        export(server, "metrics", metric("sum", point, resource=resource, name=name, **TOTAL))

    assert stored(server) == [5, 5, 5, 5]


@pytest.mark.parametrize(
    "data", [{"aggregation_temporality": DELTA, "is_monotonic": True}, {"aggregation_temporality": CUMULATIVE}]
)
def test_what_is_no_running_total_is_stored_as_it_is(server, data):
    sent(server, 5, 5, 8, **data)

    assert stored(server) == [5, 5, 8]


def test_a_histogram_grows_by_count_and_sum_and_may_shrink_in_sum(server):
    """What is least and most of a part is not known from totals."""
    points = [{"count": 2, "sum": 5.0, "min": 1.0, "max": 4.0}, {"count": 3, "sum": 4.0, "min": -1.0, "max": 4.0}]

    sent(server, *points, kind="histogram", aggregation_temporality=CUMULATIVE)

    rows = server.store.rows("customMetrics")
    assert [(row["valueCount"], row["valueSum"], row["valueMin"], row["valueMax"]) for row in rows] == [
        (2, 5.0, 1.0, 4.0),
        (1, -1.0, -1.0, -1.0),
    ]


def test_a_summary_is_a_total_with_its_least_and_most_among_the_quantiles(server):
    quantiles = [{"quantile": 0.0, "value": 1.0}, {"quantile": 0.5, "value": 2.0}, {"quantile": 1.0, "value": 4.0}]

    for point in ({"count": 2, "sum": 5.0, "quantile_values": quantiles}, {"count": 4, "sum": 9.0}):
        export(server, "metrics", metric("summary", point))

    rows = server.store.rows("customMetrics")
    assert [(row["valueCount"], row["valueSum"], row["valueMin"], row["valueMax"]) for row in rows] == [
        (2, 5.0, 1.0, 4.0),
        (2, 4.0, None, None),
    ]


def test_a_point_that_only_says_that_nothing_was_recorded_is_not_stored(server):
    export(server, "metrics", metric("gauge", {"flags": 1}))

    assert stored(server) == []


def test_a_total_that_could_not_be_stored_is_not_remembered(server, monkeypatch):
    """The client sends it again, and then it counts."""
    with monkeypatch.context() as broken:
        broken.setattr(server.store, "store", lambda _: (_ for _ in ()).throw(sqlite3.OperationalError("full")))
        with pytest.raises(AssertionError, match="could not be stored"):
            sent(server, 5)

    sent(server, 5)

    assert stored(server) == [5]


def test_a_total_that_was_refused_is_not_remembered(server):
    server.set_faults(["partial=1,times=1"])
    sent(server, 5)

    sent(server, 6)

    assert stored(server) == [6]


def test_the_series_that_was_longest_not_sent_is_forgotten_first():
    totals = Totals(most=2)
    for time, series in enumerate([b"a", b"b", b"a", b"c"], start=1):
        with totals:
            totals.note(series, 0, Number({}, time, time))
            totals.keep()

    with totals:
        grown = [totals.growth(series, 0, Number({}, 9, 9)).value for series in (b"a", b"b", b"c")]

    assert grown == [6, 9, 5]
