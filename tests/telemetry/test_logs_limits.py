"""Floods of log lines, and debug lines that are stored only when the invocation fails."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from types import SimpleNamespace

import pytest

from ext_sdk import Outcome, SettingsError, flush
from ext_telemetry import TelemetryExtension, logs
from ext_telemetry.logs import scope
from ext_telemetry.logs.debug import LEFT_OUT, OVERHEAD, Buffer
from ext_telemetry.logs.flood import MOST_SITES, Flood
from tests.support.lifecycle import TRACEPARENT, Context

TRACE_ID = TRACEPARENT[3:35]
shop = logging.getLogger("shop")


def record(at, line=1):
    made = logging.makeLogRecord({"name": "shop", "pathname": "/app/till.py", "lineno": line, "levelno": 20})
    made.created = at
    return made


def test_a_line_may_log_its_burst_then_its_rate():
    flood = Flood(burst=5, rate=2.0)

    assert [flood.passes(record(100.0)) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [flood.passes(record(101.0)) for _ in range(3)] == [True] * 2 + [False]


def test_each_line_of_code_has_its_own_limit():
    flood = Flood(burst=1, rate=0.0)

    assert [flood.passes(record(100.0, line)) for line in (1, 1, 2, 2)] == [True, False, True, False]


def test_a_clock_that_goes_back_gives_no_room_and_takes_none():
    flood = Flood(burst=2, rate=1.0)

    assert [flood.passes(record(at)) for at in (100.0, 50.0, 40.0, 41.0)] == [True, True, False, True]


def test_a_long_calm_gives_no_more_than_the_burst():
    flood = Flood(burst=2, rate=1.0)

    assert [flood.passes(record(at)) for at in (100.0, 1000.0, 1000.0, 1000.0)] == [True, True, True, False]


def test_what_is_left_out_uses_up_no_room():
    flood = Flood(burst=1, rate=0.5)

    assert [flood.passes(record(at)) for at in (100.0, 101.0, 102.0)] == [True, False, True]


def test_the_rest_is_told_once():
    flood = Flood(burst=1, rate=0.0)
    for _ in range(3):
        flood.passes(record(100.0))

    assert [count for _, count in flood.rest()] == [2]
    assert flood.rest() == []


def test_no_burst_is_no_limit():
    flood = Flood(burst=0, rate=0.0)

    assert all(flood.passes(record(100.0)) for _ in range(1000))


def test_the_lines_that_are_told_apart_are_limited():
    """Beyond them nothing is left out: memory is bounded, and no line is lost for it."""
    flood = Flood(burst=1, rate=0.0)
    for line in range(MOST_SITES + 5):
        flood.passes(record(100.0, line))

    assert len(flood._buckets) == MOST_SITES
    assert flood.passes(record(100.0, MOST_SITES + 1))


def test_what_was_left_out_of_a_flood_is_told_at_the_end(lines):
    lines.configure(flood_burst=10, flood_rate=0.0)

    def work():
        for number in range(60):
            shop.info("%d", number)

    lines.run(work)

    *told, last = lines.items()
    assert [one["data"]["baseData"]["message"] for one in told] == [str(number) for number in range(10)]
    line = work.__code__.co_firstlineno + 2
    assert last["data"]["baseData"]["message"] == (
        f"50 records of {__file__}:{line} were left out: this line logs more than flood_burst and flood_rate allow."
    )
    assert last["data"]["baseData"]["severityLevel"] == 2
    assert last["data"]["baseData"]["properties"]["flood.left_out"] == "50"
    assert last["tags"]["ai.operation.id"] == TRACE_ID


def test_what_was_left_out_is_told_as_soon_as_it_is_calm():
    flood = Flood(burst=4, rate=1.0)
    for _ in range(6):
        flood.passes(record(100.0))

    assert [(flood.passes(record(at)), flood.calmed(record(at))) for at in (101.0, 110.0, 110.0)] == [
        (True, 0), (True, 2), (True, 0),
    ]  # fmt: skip
    assert flood.rest() == []


def test_a_line_that_logs_on_once_it_is_calm_has_its_notice_before(lines):
    lines.configure(flood_burst=2, flood_rate=1.0)

    def work():
        for at in (100.0, 100.0, 100.0, 100.0, 102.0):
            shop.handle(record(at))

    lines.run(work)

    assert [text.partition(" of ")[0] for text in lines.texts()] == ["n/a", "n/a", "2 records", "n/a"]


def test_one_invocation_does_not_use_up_what_others_may_log(lines):
    lines.configure(flood_burst=3, flood_rate=0.0)

    for _ in range(5):
        lines.run(lambda: [shop.info("x") for _ in range(3)])

    assert lines.texts() == ["x"] * 15


def test_an_invocation_that_ended_keeps_no_lines_in_memory(lines):
    """Two thousand of them are remembered, for threads that name theirs."""
    seen = []

    def work():
        shop.info("x")
        seen.append(scope.current.get())

    lines.run(work)

    assert seen[0].flood._buckets == {}


def test_a_flood_outside_of_invocations_is_told_by_a_flush_and_has_arrived_after_it(lines):
    lines.configure(flood_burst=1, flood_rate=0.0)
    lines.run(lambda: None)
    for _ in range(3):
        shop.warning("x")

    assert flush(20.0) is True

    arrived = [one["data"]["baseData"]["message"] for one in lines.server.items if "message" in one["data"]["baseData"]]
    assert [text.partition(" of ")[0] for text in arrived] == ["x", "2 records"]


@pytest.fixture
def debug():
    """The app's logger lets debug records through; so the root logger's handlers get them."""
    shop.setLevel(logging.DEBUG)
    yield
    shop.setLevel(logging.NOTSET)


def test_debug_lines_of_a_failure_are_stored_in_their_order(lines, debug):
    lines.configure(debug_buffer=10_000)

    def work():
        shop.debug("one")
        shop.info("two")
        shop.debug("three")
        raise ValueError

    with pytest.raises(ValueError):
        lines.run(work)

    found = sorted(lines.items(), key=lambda one: one["time"])
    assert [one["data"]["baseData"]["message"] for one in found] == ["one", "two", "three"]
    assert {one["tags"]["ai.operation.id"] for one in found} == {TRACE_ID}


@pytest.mark.parametrize(
    ("result", "texts"), [(None, []), (SimpleNamespace(status_code=404), []), (SimpleNamespace(status_code=503), ["x"])]
)
def test_debug_lines_are_stored_only_if_the_invocation_failed(lines, debug, result, texts):
    """An answer that says so is a failure as well."""
    lines.configure(debug_buffer=10_000)

    lines.run(lambda: shop.debug("x") or result)

    assert lines.texts() == texts


def test_debug_lines_of_a_cancelled_invocation_are_stored(lines, debug):
    lines.configure(debug_buffer=10_000)

    async def work():
        shop.debug("x")
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(lines.run_async(work))

    assert lines.texts() == ["x"]


def test_without_a_buffer_debug_lines_are_left_out(lines, debug):
    with pytest.raises(ValueError):
        lines.run(lambda: shop.debug("x") or int("no"))

    assert lines.texts() == []


def test_the_buffer_keeps_the_newest_and_says_how_many_are_gone(lines, debug):
    lines.configure(debug_buffer=5_000)

    def work():
        for number in range(100):
            shop.debug("%d", number)
        raise ValueError

    with pytest.raises(ValueError):
        lines.run(work)

    first, *_, last = lines.items()
    kept = len(lines.items())
    assert 0 < kept * OVERHEAD < 5_000
    assert last["data"]["baseData"]["message"] == "99"
    assert first["data"]["baseData"]["message"] == str(100 - kept)
    assert first["data"]["baseData"]["properties"][LEFT_OUT] == str(100 - kept)


def test_a_record_larger_than_the_buffer_is_not_kept():
    buffer = Buffer(300)
    buffer.add(SimpleNamespace(body="x" * 100, attributes={}))

    assert buffer.take() == []


def test_a_record_larger_than_the_buffer_does_not_cost_the_others_their_place():
    buffer = Buffer(3 * OVERHEAD)
    for text in ("one", "x" * 3 * OVERHEAD, "two"):
        buffer.add(SimpleNamespace(body=text, attributes={}))

    found = buffer.take()
    assert [one.body for one in found] == ["one", "two"]
    assert found[0].attributes[LEFT_OUT] == 1


def test_what_a_record_brings_counts_as_well():
    buffer = Buffer(3 * OVERHEAD)
    for basket in ("small", "x" * OVERHEAD):
        buffer.add(SimpleNamespace(body="", attributes={"basket": basket}))

    (found,) = buffer.take()
    assert found.attributes == {"basket": "x" * OVERHEAD, LEFT_OUT: 1}


def test_a_buffer_that_had_room_for_all_says_nothing():
    buffer = Buffer(3 * OVERHEAD)
    buffer.add(SimpleNamespace(body="", attributes={}))

    assert [one.attributes for one in buffer.take()] == [{}]


def test_threads_that_fill_the_buffer_lose_no_count():
    buffer = Buffer(50 * OVERHEAD)
    work = lambda: [buffer.add(SimpleNamespace(body="", attributes={})) for _ in range(500)]  # noqa: E731
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = buffer.take()
    assert len(found) + found[0].attributes[LEFT_OUT] == 2000


def test_an_invocation_that_was_given_up_counts_as_failed():
    assert logs.has_failed(Outcome(error=GeneratorExit()))
    assert not logs.has_failed(Outcome("ok"))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"debug_buffer": -1},
            "'debug_buffer' is -1. Allowed: 0 or a number of bytes from 1024 on, as 65536: a line takes some hundreds.",
        ),
        (
            {"debug_buffer": 200},
            "'debug_buffer' is 200. Allowed: 0 or a number of bytes from 1024 on, as 65536: a line takes some hundreds.",
        ),
        ({"flood_burst": -1}, "'flood_burst' is -1. Allowed: 0 or a number of records, as 500."),
        ({"flood_rate": -1.0}, "'flood_rate' is -1.0. Allowed: a number of records a second, as 100."),
        ({"flood_rate": float("nan")}, "'flood_rate' is nan. Allowed: a number of records a second, as 100."),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, text):
    with pytest.raises(SettingsError) as error:
        TelemetryExtension.configure(**settings)

    assert str(error.value) == f"TelemetryExtension: setting {text}"


def test_an_app_setting_that_cannot_be_is_named(monkeypatch):
    monkeypatch.setenv("EXT_TELEMETRY_FLOOD_BURST", "-5")
    with pytest.raises(SettingsError) as error:
        TelemetryExtension.configure()

    assert str(error.value) == (
        "TelemetryExtension: app setting EXT_TELEMETRY_FLOOD_BURST is -5. Allowed: 0 or a number of records, as 500."
    )


def test_the_loggers_whose_kind_is_remembered_are_limited(lines, monkeypatch):
    """An app may name a logger after each order."""
    monkeypatch.setattr(logs.handler, "_REMEMBERED", 5)

    lines.run(lambda: [logging.getLogger(f"shop.{number}").info("x") for number in range(20)])

    assert len(logs._taker._kinds) <= 5
    assert lines.texts() == ["x"] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_logs_on(lines):
    """A thread of the parent was at work on a record while it forked: in the child nobody is."""
    logs._taker._busy.add(threading.get_ident())
    lines.run(lambda: None, context=Context(thread_local_storage=threading.local()))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"1" if not logs._taker._busy and not scope._by_id else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    logs._taker._busy.clear()

    assert os.read(read, 1) == b"1"
    os.close(read)
    os.close(write)
