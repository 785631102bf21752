"""A carried coroutine function: every step for the invocation, and otherwise a coroutine function like any other."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import pytest

from ext_sdk import current_invocation, propagate
from tests.support.lifecycle import Context, invoke

place: ContextVar[str] = ContextVar("place", default="outside")


async def id_at_each_step():
    seen = [current_invocation().id]
    await asyncio.sleep(0)
    seen.append(current_invocation().id)
    seen.append(await asyncio.create_task(id_of_current()))
    return seen


async def id_of_current():
    return current_invocation() and current_invocation().id


def carried(function):
    """Return the coroutine function, carried in an invocation that is over by now."""
    return invoke(lambda: propagate(function), context=Context(invocation_id="a"))


@contextmanager
def another_loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_every_step_and_every_child_task_sees_the_invocation_on_another_event_loop():
    work = carried(id_at_each_step)

    with another_loop() as loop:
        assert asyncio.run_coroutine_threadsafe(work(), loop).result(30) == ["a", "a", "a"]


def test_the_task_that_runs_it_keeps_its_own_context():
    async def task():
        place.set("of the task")
        await carried(partial(asyncio.sleep, 0))()
        return place.get(), current_invocation()

    assert asyncio.run(task()) == ("of the task", None)


def test_what_one_call_sets_the_next_one_does_not_see():
    async def work():
        before = place.get()
        place.set("dirty")
        await asyncio.sleep(0)
        return before, place.get()

    both = propagate(work)

    async def twice():
        return await asyncio.gather(both(), both())

    assert asyncio.run(twice()) == [("outside", "dirty")] * 2


def test_it_is_a_coroutine_function_of_the_same_name():
    work = propagate(id_of_current)

    assert inspect.iscoroutinefunction(work)
    assert work.__name__ == "id_of_current"


class Callable:
    async def __call__(self):
        return await id_at_each_step()


class Inheriting(Callable):
    pass


@pytest.mark.parametrize(
    "work",
    [partial(id_at_each_step), Callable(), Inheriting(), Callable().__call__, partial(partial(Callable()))],
    ids=["partial", "object", "sub", "method", "partial object"],
)
def test_whatever_makes_coroutines_is_carried_as_one(work):
    assert inspect.iscoroutinefunction(propagate(work))
    assert asyncio.run(carried(work)()) == ["a", "a", "a"]


def test_its_error_arrives_with_its_own_traceback():
    async def fail(text):
        await asyncio.sleep(0)
        raise KeyError(text)

    with pytest.raises(KeyError, match="lost") as failed:
        asyncio.run(carried(fail)("lost"))

    assert failed.traceback[-1].name == "fail"


def test_an_error_that_is_awaited_inside_can_be_caught_inside():
    async def refuse():
        await asyncio.sleep(0)
        raise PermissionError("no")

    async def work():
        try:
            await asyncio.create_task(refuse())
        except PermissionError as error:
            return str(error), await id_of_current()

    assert asyncio.run(carried(work)()) == ("no", "a")


def test_cancellation_gets_inside_and_sees_the_invocation():
    seen = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(await id_of_current())

    async def cancel():
        task = asyncio.ensure_future(carried(work)())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancel())
    assert seen == ["a"]


def test_cancellation_that_is_swallowed_is_swallowed():
    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "stayed"

    async def cancel():
        task = asyncio.ensure_future(carried(work)())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(cancel()) == "stayed"


def test_gather_wait_for_and_the_current_task_work_inside():
    async def work():
        task = asyncio.current_task()
        ids = await asyncio.gather(id_of_current(), asyncio.wait_for(id_of_current(), 30))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        return ids, task is asyncio.current_task()

    async def as_task():
        return await asyncio.create_task(carried(work)())

    assert asyncio.run(as_task()) == (["a", "a"], True)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with Python 3.11")
def test_timeout_and_task_group_work_inside():
    async def work():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            child = group.create_task(id_of_current())
        return child.result(), asyncio.current_task().cancelling()

    assert asyncio.run(carried(work)()) == ("a", 0)


def test_one_that_is_dropped_halfway_is_closed_inside_the_invocation():
    closed = []

    @propagate
    async def work():
        place.set("inside")
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(place.get())

    coroutine = work()
    coroutine.send(None)
    del coroutine
    gc.collect()

    assert closed == ["inside"]


def test_one_that_is_never_awaited_is_named_as_usual():
    with pytest.warns(RuntimeWarning, match="id_of_current' was never awaited"):
        propagate(id_of_current)()  # dropped, and so noticed, at once
