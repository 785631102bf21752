"""A carried executor: the same executor, each job of which belongs to the invocation that submitted it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from ext_sdk import current_invocation, propagate
from tests.support.lifecycle import Context, invoke, invoke_async

IDS = ["a", "b", "c"]


def own_id(*_):
    return current_invocation() and current_invocation().id


@pytest.fixture
def pool():
    with propagate(ThreadPoolExecutor(1)) as pool:
        yield pool


def test_it_is_the_same_pool():
    with ThreadPoolExecutor(1) as pool:
        assert propagate(pool) is pool
        assert isinstance(pool, ThreadPoolExecutor)
        assert type(pool).__name__ == "ThreadPoolExecutor"


def test_a_job_belongs_to_the_invocation_that_submits_it(pool):
    seen = [invoke(lambda: pool.submit(own_id).result(), context=Context(invocation_id=one)) for one in IDS]

    assert seen == IDS


def test_a_job_from_outside_belongs_to_none_on_a_thread_that_worked_for_one(pool):
    invoke(lambda: pool.submit(own_id).result())

    assert pool.submit(own_id).result() is None


def test_map_carries(pool):
    assert invoke(lambda: list(pool.map(own_id, range(3))), context=Context(invocation_id="a")) == ["a"] * 3


def test_a_job_gets_its_arguments_and_its_error_arrives(pool):
    assert pool.submit(divmod, 7, 2).result() == (3, 1)
    assert pool.submit(dict, fn=1, self=2).result() == {"fn": 1, "self": 2}
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result()


def test_run_in_executor_carries(pool):
    async def function():
        return await asyncio.get_running_loop().run_in_executor(pool, own_id)

    async def together():
        return await asyncio.gather(*(invoke_async(function, context=Context(invocation_id=one)) for one in IDS))

    assert asyncio.run(together()) == IDS


def test_it_can_be_the_default_executor_and_so_serve_to_thread(pool):
    async def function():
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(own_id), await loop.run_in_executor(None, own_id)

    async def together():
        asyncio.get_running_loop().set_default_executor(pool)
        return await asyncio.gather(*(invoke_async(function, context=Context(invocation_id=one)) for one in IDS))

    assert asyncio.run(together()) == [(one, one) for one in IDS]


def test_the_second_time_changes_nothing(pool):
    kind = type(pool)

    assert propagate(pool) is pool
    assert type(pool) is kind


def test_a_carried_job_keeps_the_invocation_that_it_was_carried_in(pool):
    job = invoke(lambda: propagate(own_id), context=Context(invocation_id="a"))

    assert invoke(lambda: pool.submit(job).result(), context=Context(invocation_id="b")) == "a"


def test_another_pool_of_the_same_class_is_left_alone(pool):
    with ThreadPoolExecutor(1) as other:
        assert invoke(lambda: other.submit(own_id).result()) is None


def test_a_pool_that_nobody_holds_lets_its_threads_go():
    """As it does without us: it is not part of a reference cycle."""
    gc.collect()
    gc.disable()
    try:
        pool = propagate(ThreadPoolExecutor(1))
        thread = pool.submit(threading.current_thread).result()
        gone = weakref.ref(pool)
        del pool
        assert gone() is None
        thread.join(30)
        assert not thread.is_alive()
    finally:
        gc.enable()


class Direct(Executor):
    """An executor of one's own."""

    __slots__ = ()

    def submit(self, fn, /, *args, **kwargs):
        done: Future = Future()
        thread = threading.Thread(target=lambda: done.set_result(fn(*args, **kwargs)))
        thread.start()
        thread.join()
        return done


def test_an_executor_of_ones_own_is_carried_likewise():
    direct = propagate(Direct())

    assert isinstance(direct, Direct)
    assert invoke(lambda: direct.submit(own_id).result(), context=Context(invocation_id="a")) == "a"


def test_an_executor_keeps_the_arguments_that_it_takes_itself():
    class Urgent(ThreadPoolExecutor):
        def submit(self, fn, /, *args, priority=0, **kwargs):
            return super().submit(lambda: (priority, fn(*args, **kwargs)))

    with propagate(Urgent(1)) as pool:
        assert pool.submit(dict, priority=9, n=1).result() == (9, {"n": 1})
