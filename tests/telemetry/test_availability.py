"""Results of availability tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ext_telemetry import track_availability
from tests.support.invocations import ITEMS, TRACE, request
from tests.support.lifecycle import invoke


def run(work):
    return invoke(lambda req, context: work(context.telemetry), trigger=ITEMS, req=request())


@pytest.mark.parametrize("duration", [1.5, timedelta(seconds=1.5)])
def test_a_result_has_all_its_fields(sent, duration):
    def work(telemetry):
        telemetry.track_availability(
            "front page", duration, False, "503", "West Europe", "run-1", {"tenant": "a"}, {"bytes": 5}
        )

    run(work)

    found = sent.one("AvailabilityData")
    assert (found.id, found.name, found.duration) == ("run-1", "front page", "0.00:00:01.500")
    assert (found.success, found.message, found.runLocation) == (False, "503", "West Europe")
    assert (found.properties, found.measurements) == ({"tenant": "a"}, {"bytes": 5})
    assert found.tags["ai.operation.id"] == f"{TRACE:032x}"


def test_a_result_needs_no_more_than_a_name_and_a_duration(sent, monkeypatch):
    """Its id is new, its place the region, and it began when it must have."""
    monkeypatch.setenv("REGION_NAME", "North Europe")
    run(lambda _: [track_availability("front page", 3600) for _ in range(2)])

    one, other = sent.of("AvailabilityData")
    assert (one.success, one.runLocation, one.message if hasattr(one, "message") else "") == (True, "North Europe", "")
    assert one.id != other.id
    assert len(one.id) == 32
    began = datetime.fromisoformat(one.item["time"].replace("Z", "+00:00"))
    ago = datetime.now(timezone.utc) - began
    assert timedelta(seconds=3599) < ago < timedelta(seconds=3700)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00:00:00.000"), (0.001, "0.00:00:00.001"), (86399.5, "0.23:59:59.500"), (90061, "1.01:01:01.000")],
)
def test_durations_are_time_spans(sent, seconds, text):
    run(lambda telemetry: telemetry.track_availability("x", seconds))

    assert sent.one("AvailabilityData").duration == text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("", 1), "the name of an availability test is '', not a text."),
        (("x", "1s"), "duration is '1s', not a finite number."),
        (("x", -1), "duration is -1: it must not be negative."),
        (("x", 1, True, ["no"]), "message is ['no'], not a text."),
    ],
)
def test_what_is_no_result_is_left_out_and_said_once(sent, warnings_of, arguments, why):
    def work(telemetry):
        telemetry.track_availability(*arguments)
        telemetry.track_availability(*arguments)

    run(work)

    (text,) = warnings_of()
    assert text.endswith(f" left its item out (said once for what is wrong): {why}")
    assert sent.of("AvailabilityData") == []
