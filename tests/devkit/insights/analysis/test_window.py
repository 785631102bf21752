"""Which time a question is about, and how it is cut."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.window import MOST_STEPS, Steps, Window, stored
from tests.devkit.insights.analysis.conftest import time


def test_times_are_read_with_any_offset_and_stored_as_utc():
    window = Window.parse("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05.5Z")

    assert (window.since, window.until) == ("2026-01-02T01:04:05.000000Z", "2026-01-02T03:04:05.500000Z")


def test_a_plus_that_a_query_made_a_space_is_a_plus():
    assert Window.parse("2026-01-02T03:04:05 02:00").since == "2026-01-02T01:04:05.000000Z"


def test_a_span_ends_now():
    before = datetime.now(timezone.utc) - timedelta(minutes=15)
    window = Window.parse(last="15m")

    assert window.until is None
    assert stored(before) <= window.since <= stored(before + timedelta(seconds=30))


def test_a_span_before_all_time_is_all_time():
    assert Window.parse(last="999999d") in (Window(), Window.parse(last="999999d"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"from_": "noon"}, "'from' is 'noon'. Expected a time with Z or an offset, as in 2026-01-02T03:04:05Z."),
        ({"to": "2026-01-02T03:04:05"}, "'to' is '2026-01-02T03:04:05'. Expected a time with Z or an offset"),
        ({"last": "0m"}, "'last' is '0m'. Expected a number and s, m, h or d, as in 15m, 24h or 7d."),
        ({"last": "1h", "to": "2026-01-02T03:04:05Z"}, "'last' cannot be given together with 'from' or 'to'."),
        ({"from_": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, "'from' has to be before 'to'."),
    ],
)
def test_what_is_no_time_is_explained(given, message):
    with pytest.raises(DevkitError) as caught:
        Window.parse(**given)
    assert str(caught.value).startswith(message)


@given(st.none() | st.text(max_size=30), st.none() | st.text(max_size=30), st.none() | st.text(max_size=10))
def test_any_text_is_read_or_refused(from_, to, last):
    try:
        window = Window.parse(from_, to, last)
    except DevkitError as error:
        message = str(error)
    else:
        message = ""
        assert window.since is None or window.since.endswith("Z")
    assert "\n" not in message or any("\n" in text for text in (from_, to, last) if text)


def test_steps_are_of_a_round_length_and_hold_all_there_is(rows):
    for at in ("00:00:03", "00:30:00", "00:59:59.9"):
        rows.add("requests", at)
    steps = Steps.of(rows.reader, Window(), ["requests"])

    assert steps.seconds == 120
    assert steps.edges[0] == time("00:00:00")
    assert steps.edges[-1] == time("01:00:00")
    assert len(list(steps)) == 30


def test_steps_are_of_what_the_window_has(rows):
    for at in ("00:00:03", "12:00:00", "23:00:00"):
        rows.add("requests", at)
    steps = Steps.of(rows.reader, Window(time("11:00:00"), time("13:00:00")), ["requests"])

    assert (steps.seconds, steps.edges) == (1, [time("12:00:00"), time("12:00:01")])


def test_there_are_no_steps_of_nothing(rows):
    assert list(Steps.of(rows.reader, Window(), ["requests", "dependencies"])) == []


@given(st.integers(1, 10**9))
def test_there_are_never_too_many_steps(length):
    class Reader:
        def query(self, sql, _values):
            end = datetime(2000, 1, 1, tzinfo=timezone.utc)
            return [{"t": stored(end if "max(" in sql else end - timedelta(seconds=length))}]

    steps = Steps.of(Reader(), Window(), ["requests"])

    assert 1 <= len(list(steps)) <= MOST_STEPS
    assert steps.edges[0] <= stored(datetime(2000, 1, 1, tzinfo=timezone.utc) - timedelta(seconds=length))
    assert steps.edges[-1] > stored(datetime(2000, 1, 1, tzinfo=timezone.utc))


def test_steps_that_are_too_short_are_refused(rows):
    rows.add("customMetrics", "00:00:00")
    rows.add("customMetrics", "23:00:00")

    with pytest.raises(DevkitError, match="Steps of 1 s are too short for that time: it would be 82801 of them, 600"):
        Steps.of(rows.reader, Window(), ["customMetrics"], 1)
