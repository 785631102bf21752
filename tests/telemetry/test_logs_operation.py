"""Which operation a log line belongs to."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from types import SimpleNamespace

import pytest
from opentelemetry import trace

from ext_sdk import propagate
from ext_telemetry.logs import scope
from tests.support.lifecycle import TRACEPARENT, Context

TRACE_ID = TRACEPARENT[3:35]
shop = logging.getLogger("shop")


def test_a_line_belongs_to_the_current_span(lines):
    ids = []

    def work():
        with trace.get_tracer("test").start_as_current_span("part") as span:
            ids.append(f"{span.get_span_context().span_id:016x}")
            shop.info("x")

    lines.run(work)

    tags = lines.items()[0]["tags"]
    assert (tags["ai.operation.id"], tags["ai.operation.parentId"]) == (TRACE_ID, ids[0])
    assert tags["ai.operation.name"] == "HttpTrigger"


def test_without_a_span_a_line_belongs_to_the_callers_operation(lines, fresh):
    fresh.configure(connection_string=lines.server.connection_string, journal=False, invocation_span="none")

    lines.run(lambda: shop.info("x"))

    tags = lines.items()[0]["tags"]
    assert (tags["ai.operation.id"], tags["ai.operation.parentId"]) == (TRACE_ID, TRACEPARENT[36:52])
    assert tags["ai.operation.name"] == "HttpTrigger"


def test_a_line_outside_of_an_invocation_has_no_operation(lines):
    """It is stored all the same: the host would drop it."""
    shop.warning("early")
    lines.run(lambda: None)
    shop.warning("late")

    assert {one["data"]["baseData"]["message"]: one["tags"].get("ai.operation.id") for one in lines.items()} == {
        "early": None, "late": None,
    }  # fmt: skip


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_thread_is_a_part_of_the_invocation_by_propagate(lines):
    lines.run(lambda: in_a_thread(propagate(lambda: shop.info("x"))))

    assert [one["tags"]["ai.operation.id"] for one in lines.items()] == [TRACE_ID]


def test_a_thread_is_a_part_of_the_invocation_by_its_thread_local_storage(lines):
    """As Microsoft's guide has it; the workers of Python 3.13 have forgotten it."""
    context = Context(thread_local_storage=threading.local())

    def work():
        context.thread_local_storage.invocation_id = context.invocation_id
        shop.info("x")

    lines.run(lambda: in_a_thread(work), context=context)

    assert [one["tags"]["ai.operation.id"] for one in lines.items()] == [TRACE_ID]


def test_on_an_event_loop_thread_local_storage_says_nothing(lines):
    """There it names the invocation that came last, and a task that is no part of it may log."""
    context = Context(thread_local_storage=threading.local())

    def work():
        context.thread_local_storage.invocation_id = context.invocation_id
        asyncio.run(logs_alone())

    async def logs_alone():
        shop.info("x")

    lines.run(lambda: in_a_thread(work), context=context)

    assert ["ai.operation.id" in one["tags"] for one in lines.items()] == [False]


@pytest.mark.parametrize(
    "header", ["", "00-1-2-01", f"00-{0:032x}-{1:016x}-01", f"00-{1:032x}-{0:016x}-01", f"00-{'x' * 32}-{1:016x}-01"]
)
def test_what_is_no_trace_of_a_caller_is_no_operation(lines, fresh, header):
    fresh.configure(connection_string=lines.server.connection_string, journal=False, invocation_span="none")
    given = SimpleNamespace(trace_parent=header, trace_state="", attributes={})

    lines.run(lambda: shop.info("x"), context=Context(trace_context=given))

    assert ["ai.operation.id" in one["tags"] for one in lines.items()] == [False]


def test_the_invocations_that_threads_can_name_are_limited(lines, monkeypatch):
    monkeypatch.setattr(scope, "_REMEMBERED", 3)
    scope.forget_all()
    storage = threading.local()
    for number in range(5):
        lines.run(lambda: None, context=Context(invocation_id=str(number), thread_local_storage=storage))

    assert list(scope._by_id) == ["2", "3", "4"]


def test_a_thread_of_which_nothing_is_known_has_no_operation(lines):
    """Never that of somebody else."""
    context = Context(thread_local_storage=threading.local())

    lines.run(lambda: in_a_thread(lambda: shop.info("x")), context=context)

    assert ["ai.operation.id" in one["tags"] for one in lines.items()] == [False]


def test_tasks_and_to_thread_are_a_part_of_the_invocation(lines):
    async def work():
        await asyncio.gather(asyncio.to_thread(shop.info, "thread"), asyncio.create_task(told()))

    async def told():
        shop.info("task")

    asyncio.run(lines.run_async(work))

    assert {one["data"]["baseData"]["message"]: one["tags"]["ai.operation.id"] for one in lines.items()} == {
        "thread": TRACE_ID, "task": TRACE_ID,
    }  # fmt: skip


def test_what_is_logged_after_an_invocation_in_the_same_task_is_no_part_of_it(lines):
    async def work():
        shop.info("inside")

    async def both():
        await lines.run_async(work)
        shop.info("after")

    asyncio.run(both())

    assert {one["data"]["baseData"]["message"]: one["tags"].get("ai.operation.id") for one in lines.items()} == {
        "inside": TRACE_ID, "after": None,
    }  # fmt: skip


def test_an_invocation_that_is_closed_from_elsewhere_ends(lines):
    """As an abandoned coroutine is, by the collector of garbage."""

    async def work():
        shop.info("inside")
        await asyncio.sleep(0)

    coroutine = lines.run_async(work)
    contextvars.copy_context().run(coroutine.send, None)
    contextvars.copy_context().run(coroutine.close)

    assert lines.texts() == ["inside"]
