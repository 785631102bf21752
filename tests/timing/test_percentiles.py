"""Percentiles in bounded memory, and where they are told."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_sdk import AppExtension, extensions
from ext_timing.percentiles import Percentiles
from tests.support.lifecycle import invoke

SHARES = (0.5, 0.95, 0.99, 1.0)
HOUR = 3_600_000_000_000


@given(st.lists(st.integers(0, 10 * HOUR), min_size=1, max_size=200))
def test_each_is_right_within_a_thirtysecond_part(times):
    found = Percentiles()
    for one in times:
        found.add(one)
    for share in SHARES:
        exact = sorted(times)[math.ceil(share * len(times)) - 1]
        # What is shorter than 16 units of 1.024 us is told to the unit.
        assert abs(found.at(share) - exact) <= max(exact / 31, 1024)


@given(st.lists(st.integers(0, 10 * HOUR), min_size=1))
def test_they_grow_with_their_share_and_none_passes_the_longest(times):
    found = Percentiles()
    for one in times:
        found.add(one)
    told = [found.at(share) for share in SHARES]
    assert told == sorted(told)
    assert told[-1] <= max(times) == found.longest


def test_of_nothing_they_are_nothing():
    assert Percentiles().facts() == {"count": 0, "p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}


def test_a_time_beyond_the_scale_is_counted_as_the_longest_part():
    found = Percentiles()
    found.add(1000 * 24 * HOUR)
    assert found.count == 1
    assert found.at(0.5) > 10 * HOUR


def test_memory_does_not_grow_with_what_is_counted():
    found = Percentiles()
    before = len(found.parts)
    for number in range(10_000):
        found.add(number * number * 1000)
    assert len(found.parts) == before
    assert sys.getsizeof(found.parts) < 8192


def test_extensions_tells_how_many_failed_and_how_long_they_took():
    for _ in range(3):
        invoke(lambda: None)
    with pytest.raises(ZeroDivisionError):
        invoke(lambda: 1 / 0)
    facts = extensions()[0].facts["functions"]["HttpTrigger"]
    assert (facts["count"], facts["errors"]) == (4, 1)
    assert 0 < facts["p50_ms"] <= facts["p99_ms"] <= facts["max_ms"]


def test_a_call_that_an_extension_answered_is_not_counted():
    """It took no time, and would make every percentile better than it is."""

    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no")
            return
            yield

    invoke(lambda: None)
    assert extensions()[0].facts["functions"]["HttpTrigger"]["count"] == 0


def test_functions_are_told_apart():
    invoke(lambda: None, name="One")
    invoke(lambda: None, name="Two")
    assert sorted(extensions()[0].facts["functions"]) == ["One", "Two"]
