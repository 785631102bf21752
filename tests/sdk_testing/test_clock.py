"""A clock that stands still, and ids that are counted."""

from __future__ import annotations

import asyncio
import time

import pytest

from ext_sdk import AppExtension
from ext_sdk.testing import frozen, isolated, run
from tests.sdk_testing import timed


@pytest.fixture(autouse=True)
def alone():
    with isolated():
        yield


def test_a_function_takes_as_long_as_the_clock_is_told():
    took = []

    class Stopwatch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            took.append(outcome.duration_ns)

    with frozen() as clock:
        run(lambda: None)
        run(lambda: clock.advance(1.5))
    assert took == [0, 1_500_000_000]


def test_a_function_that_fails_takes_as_long_as_the_clock_is_told():
    took = []

    class Stopwatch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            took.append(outcome.duration_ns)

    with frozen() as clock:

        def fails():
            clock.advance(1.5)
            raise LookupError

        run(fails)
    assert took == [1_500_000_000]


def test_modules_have_the_clock_by_whatever_name():
    with frozen("tests") as clock:
        before = timed.all_of_them()
        clock.advance(2)
        after = timed.all_of_them()
    assert [late - early for early, late in zip(before, after, strict=True)] == [2, 2, 2_000_000_000, 2]


def test_a_suspension_ends_when_the_clock_says_so():
    class Fails(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.attributes["tried"] = True
            raise ValueError
            yield

    with frozen() as clock:
        for _ in range(5):
            assert run(lambda: None).attributes
        assert run(lambda: None).attributes == {}
        clock.advance(61)
        assert run(lambda: None).attributes == {"tried": True}


def test_nobody_elses_clock_changes():
    with frozen():
        before = time.perf_counter()
        asyncio.run(asyncio.sleep(0.01))
        assert time.perf_counter() > before


def test_ids_are_counted():
    with frozen():
        first, second = (run(lambda context: context).value for _ in range(2))
    assert first.invocation_id == "00000000-0000-0000-0000-000000000001"
    assert first.trace_context.trace_parent == f"00-{2:032x}-{2:016x}-01"
    assert second.invocation_id == "00000000-0000-0000-0000-000000000003"
    assert run(lambda context: context).value.invocation_id.count("0") < 30


def test_everything_is_put_back():
    with frozen("tests"):
        pass
    first = timed.all_of_them()
    assert first[0] == pytest.approx(time.perf_counter(), abs=60)
    assert timed.time is time


def test_a_clock_does_not_go_back():
    with frozen() as clock, pytest.raises(ValueError, match="a clock") as caught:
        clock.advance(-1)
    assert str(caught.value) == "advance(-1): a clock does not go back."
