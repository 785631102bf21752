"""How long calls take, beside a look at each of them."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.percentiles import percentiles, rank, weighted
from ext_devkit.insights.analysis.performance import histogram, performance, slowest
from ext_devkit.insights.analysis.window import Window
from tests.devkit.insights.analysis.conftest import time

ALL = Window()


def nearest_rank(durations, share):
    """Return the percentile as its definition says: the least value that so many do not exceed."""
    return sorted(durations)[max(math.ceil(round(share * len(durations), 6)) - 1, 0)]


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["GET /", "POST /", None]),
        st.floats(0, 1e7) | st.sampled_from([0.0, 1.0, 2.0]),
        st.booleans(),
        st.sampled_from([1, 1, 1, 5]),
        st.integers(0, 120),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS, st.sampled_from(["requests", "dependencies"]))
def test_the_numbers_are_those_of_a_look_at_each_call(shared, calls, kind):
    shared.clear()
    calls = [(name or ("" if kind == "dependencies" else None), *rest) for name, *rest in calls]
    for name, duration, success, count, second in calls:
        at = f"00:{second // 60:02}:{second % 60:02}"
        shared.add(kind, at, name=name, duration=duration, success=success, itemCount=count)
    found = performance(shared.reader, ALL, kind=kind)

    expected = {}
    for name, duration, success, count, _ in calls:
        expected.setdefault(name or "", []).extend([(duration, success)] * count)
    assert {one["name"] for one in found["operations"]} == set(expected)
    for one in found["operations"]:
        check(one, expected[one["name"]])
    everything = [call for some in expected.values() for call in some]
    if everything:
        check(found["overall"], everything)
    else:
        assert (found["overall"], found["series"]) == (None, [])
    assert sum(step["count"] for step in found["series"]) == len(everything)
    assert sum(step["failed"] for step in found["series"]) == sum(not success for _, success in everything)


def check(found, calls):
    durations = [duration for duration, _ in calls]
    assert found["count"] == len(calls)
    assert found["failed"] == sum(not success for _, success in calls)
    assert found["max"] == max(durations)
    assert found["sum"] == pytest.approx(sum(durations))
    assert found["mean"] == pytest.approx(sum(durations) / len(durations))
    for name, share in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        assert found[name] == nearest_rank(durations, share)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 50)), min_size=1, max_size=30))
def test_a_weight_is_as_many_of_the_same(pairs):
    pairs.sort()

    assert weighted(pairs) == percentiles([value for value, count in pairs for _ in range(count)])


@pytest.mark.parametrize(
    ("share", "count", "place"), [(0.5, 1, 0), (0.5, 2, 0), (0.95, 100, 94), (0.99, 100, 98), (0.95, 20, 18)]
)
def test_a_rank_is_not_moved_by_how_shares_are_stored(share, count, place):
    assert rank(share, count) == place


def test_a_window_a_role_and_a_name_narrow_it(rows):
    rows.add("requests", "00:00:00", name="GET /", cloud_RoleName="shop", duration=1.0)
    rows.add("requests", "00:00:10", name="GET /", cloud_RoleName="stock", duration=2.0)
    rows.add("requests", "00:00:20", name="POST /", cloud_RoleName="shop", duration=3.0)

    def durations(window=ALL, **asked):
        return [one["sum"] for one in performance(rows.reader, window, **asked)["operations"]]

    assert durations() == [3.0, 3.0]
    assert durations(role="shop") == [3.0, 1.0]
    assert durations(name="GET /") == [3.0]
    assert durations(name="GET /", role="stock") == [2.0]
    assert durations(Window(time("00:00:10"), time("00:00:20"))) == [2.0]
    assert durations(Window(time("00:00:10.000001"))) == [3.0]


def test_the_slowest_come_first(rows):
    for duration in (3.0, 1.0, 2.0):
        rows.add("requests", duration=duration)

    assert [row["duration"] for row in slowest(rows.reader, ALL, limit=2)["items"]] == [3.0, 2.0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1e9) | st.sampled_from([0.1, 1.0, 10.0, 1e7]), max_size=15))
def test_each_call_is_in_one_bucket(shared, durations):
    shared.clear()
    for duration in durations:
        shared.add("requests", duration=duration)
    buckets = histogram(shared.reader, ALL)["buckets"]

    assert sum(bucket["count"] for bucket in buckets) == len(durations)
    for before, after in pairwise(buckets):
        assert before["to"] == after["from"]
    for duration in durations:
        assert any(bucket["from"] <= duration <= bucket["to"] for bucket in buckets)


def test_another_kind_is_refused(rows):
    with pytest.raises(DevkitError, match=r"'kind' is 'traces'. Expected: requests or dependencies"):
        performance(rows.reader, ALL, kind="traces")
