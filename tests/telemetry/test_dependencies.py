"""Dependencies made by hand: with times of their own, and as a block."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta, timezone

import pytest

from ext_telemetry import track_dependency, track_event
from tests.support.invocations import ITEMS, TRACE, request
from tests.support.lifecycle import invoke


class Mute:
    """Cannot be printed."""

    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


def run(work):
    return invoke(lambda req, context: work(context.telemetry), trigger=ITEMS, req=request())


@pytest.mark.parametrize("how", ["module", "context"])
def test_a_call_has_all_its_fields(sent, how):
    def work(telemetry):
        track = track_dependency if how == "module" else telemetry.track_dependency
        track(
            "read stock", "SQL", "db.example.com | shop", "select 1", duration=1.5, success=False, result_code=40001,
            properties={"tenant": "a"}, measurements={"rows": 5},
        )  # fmt: skip

    run(work)

    found = sent.one("RemoteDependencyData")
    assert (found.name, found.type, found.target, found.data) == (
        "read stock", "SQL", "db.example.com | shop", "select 1",
    )  # fmt: skip
    assert (found.duration, found.success, found.resultCode) == ("0.00:00:01.500", False, "40001")
    assert (found.properties, found.measurements) == ({"tenant": "a"}, {"rows": 5})
    assert found.tags["ai.operation.id"] == f"{TRACE:032x}"
    assert found.tags["ai.operation.parentId"] == sent.one("RequestData").id


START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "times",
    [
        {"start": START, "end": START + timedelta(seconds=2)},
        {"start": START, "duration": 2},
        {"end": START + timedelta(seconds=2), "duration": timedelta(seconds=2)},
        {"start": START.timestamp(), "end": START.timestamp() + 2},
    ],
)
def test_a_call_took_place_when_it_is_said(sent, times):
    run(lambda telemetry: telemetry.track_dependency("x", **times))

    found = sent.one("RemoteDependencyData")
    assert found.item["time"].startswith("2026-01-02T03:04:05")
    assert found.duration == "0.00:00:02.000"


def test_a_duration_alone_has_just_ended(sent):
    run(lambda telemetry: telemetry.track_dependency("x", duration=3600))

    began = datetime.fromisoformat(sent.one("RemoteDependencyData").item["time"].replace("Z", "+00:00"))
    assert timedelta(seconds=3599) < datetime.now(timezone.utc) - began < timedelta(seconds=3700)


def test_a_block_is_the_parent_of_what_is_inside(sent):
    def work(telemetry):
        with telemetry.track_dependency("check stock", "ERP", "erp.example.com") as dependency:
            track_event("inside")
            telemetry.track_event("inside too")
            dependency.result_code = 404
            dependency.success = False
            dependency.properties["order"] = 7
        track_event("outside")

    run(work)

    found = sent.one("RemoteDependencyData")
    assert (found.name, found.type, found.target) == ("check stock", "ERP", "erp.example.com")
    assert (found.success, found.resultCode, found.properties) == (False, "404", {"order": "7"})
    parents = {event.name: event.tags["ai.operation.parentId"] for event in sent.of("EventData")}
    assert parents == {"inside": found.id, "inside too": found.id, "outside": sent.one("RequestData").id}


def test_an_exception_that_leaves_a_block_makes_it_a_failure(sent):
    def work(telemetry):
        with pytest.raises(LookupError), telemetry.track_dependency("x"):
            raise LookupError("gone")

    run(work)

    found = sent.one("RemoteDependencyData")
    assert found.success is False
    exception = sent.one("ExceptionData")
    assert exception.exceptions[0]["message"] == "gone"
    assert exception.tags["ai.operation.parentId"] == found.id


def test_blocks_of_tasks_do_not_mix(sent):
    async def main(req, context):
        async def step(name):
            async with context.telemetry.track_dependency(name):
                await asyncio.sleep(0)
                track_event(name)

        await asyncio.gather(*(step(f"s{number}") for number in range(10)))

    invoke(main, trigger=ITEMS, req=request())

    ids = {found.name: found.id for found in sent.of("RemoteDependencyData")}
    assert {event.name: event.tags["ai.operation.parentId"] for event in sent.of("EventData")} == ids


def test_a_block_in_a_plain_thread_belongs_to_the_invocation(sent):
    def work(telemetry):
        def call():
            with telemetry.track_dependency("x"):
                track_event("inside")

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    run(work)

    found = sent.one("RemoteDependencyData")
    assert found.tags["ai.operation.parentId"] == sent.one("RequestData").id
    assert sent.one("EventData").tags["ai.operation.parentId"] == found.id


def test_calls_before_the_first_invocation_are_kept_for_it(sent):
    track_dependency("with times", duration=1)
    with track_dependency("block"):
        pass
    run(lambda _: None)

    assert {found.name for found in sent.of("RemoteDependencyData")} == {"with times", "block"}


def test_credentials_are_replaced(sent):
    run(
        lambda telemetry: telemetry.track_dependency("x", "HTTP", "", "https://u:hunter2@host/?sig=hunter2", duration=1)
    )

    assert "hunter2" not in str(sent.one("RemoteDependencyData").item)


def test_what_is_neither_timed_nor_a_block_is_said(sent, warnings_of):
    run(lambda telemetry: telemetry.track_dependency("x") and None)

    (text,) = warnings_of()
    assert text.endswith("neither duration= nor start= was given, and it was not used by `with`: so it took no time.")
    assert sent.of("RemoteDependencyData") == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"name": "", "duration": 1}, "the name of a dependency is '', not a text."),
        ({"name": "x", "duration": -1}, "duration is -1: it must not be negative."),
        ({"name": "x", "start": "now"}, "start is 'now', not a finite number."),
        ({"name": Mute(), "duration": 1}, "the name of a dependency is <Mute>, not a text."),
        (
            {"name": "x", "start": 1.8e12, "duration": 1},
            "start is 1800000000000.0, not a datetime or seconds since the epoch, as of time.time().",
        ),
        (
            {"name": "x", "duration": timedelta(days=1000)},
            "duration is datetime.timedelta(days=1000): it is in seconds, and must be less than 1,000 days.",
        ),
        ({"name": "x", "end": 5}, "end= was given without start= or duration=."),
        ({"name": "x", "start": 5, "end": 4}, "end= is before start=."),
        ({"name": "x", "target": [], "duration": 1}, "target is [], not a text."),
        ({"name": "x", "result_code": [], "duration": 1}, "result_code is [], not a text."),
    ],
)
def test_what_is_no_call_is_left_out_and_said_once(sent, warnings_of, arguments, why):
    def work(telemetry):
        telemetry.track_dependency(**arguments)
        telemetry.track_dependency(**arguments)

    run(work)

    (text,) = warnings_of()
    assert text.endswith(f" left its item out (said once for what is wrong): {why}")
    assert sent.of("RemoteDependencyData") == []


@pytest.mark.parametrize(
    ("field", "why"),
    [("result_code", "result_code is [1], not a text."), ("properties", "properties are [1], not a dict.")],
)
def test_what_a_block_cannot_tell_costs_nothing_else(sent, warnings_of, field, why):
    def work(telemetry):
        with telemetry.track_dependency("x") as dependency:
            dependency.result_code, dependency.properties = "5", {"order": 7}
            setattr(dependency, field, [1])
            raise LookupError

    with pytest.raises(LookupError):
        run(work)

    (text,) = warnings_of()
    assert text.startswith(f"track_dependency at {__file__}:")
    assert text.endswith(f" left something out of its item (said once for what is wrong): {why}")
    found = sent.one("RemoteDependencyData")
    assert found.success is False
    assert (found.resultCode == "5", hasattr(found, "properties")) == (field != "result_code", field != "properties")


def test_a_wrong_name_does_not_keep_the_block_from_running(sent):
    done = []

    def work(telemetry):
        with telemetry.track_dependency(None):
            done.append(1)

    run(work)

    assert done == [1]
    assert sent.of("RemoteDependencyData") == []


def test_a_call_with_a_time_that_is_a_block_too_is_sent_once(sent):
    def work(telemetry):
        with telemetry.track_dependency("check stock", duration=0.2):
            pass

    run(work)

    assert sent.one("RemoteDependencyData").duration == "0.00:00:00.200"
