"""Which records a simulated worker reports for an invocation: those for which the real one finds it."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ext_sdk import AppExtension, propagate
from ext_sdk.testing import GENERATIONS, isolated, run, worker

KNOWN = ("classic", "runtime", "runtime_v1")


@pytest.fixture(autouse=True)
def extension():
    """Any extension, as with none there is nothing that carries an invocation."""
    with isolated():

        class Any(AppExtension):
            @classmethod
            def around_invocation(cls, invocation):
                yield

        yield


@pytest.fixture(params=KNOWN)
def generation(request):
    return request.param


def log(place: str, name: str = "places") -> None:
    logging.getLogger(name).warning(place)


def in_thread(call, *args) -> None:
    thread = threading.Thread(target=call, args=args)
    thread.start()
    thread.join()


def reported(result) -> list[str]:
    assert result.error is None
    return [one.getMessage() for one in result.reported]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_a_function_logs_is_reported_on_each_worker(generation):
    async def coroutine():
        log("coroutine")

    assert reported(run(lambda: log("function"), worker=generation)) == ["function"]
    assert reported(run(coroutine, worker=generation)) == ["coroutine"]


def test_what_a_thread_logs_is_not_reported_unless_the_invocation_was_propagated(generation):
    def function():
        in_thread(log, "lost")
        in_thread(propagate(log), "carried")
        with propagate(ThreadPoolExecutor(1)) as pool:
            pool.submit(log, "pool").result()

    result = run(function, worker=generation)

    assert reported(result) == ["carried", "pool"]
    assert result.messages == ["lost", "carried", "pool"]


def test_a_task_of_an_async_function_inherits_it(generation):
    async def function():
        await asyncio.create_task(asyncio.sleep(0, log("function")))

        async def task():
            log("task")

        await asyncio.create_task(task())
        await asyncio.to_thread(propagate(log), "carried")

    assert reported(run(function, worker=generation)) == ["function", "task", "carried"]


def test_a_thread_of_asyncio_is_known_by_the_library_runtimes_alone(generation):
    async def function():
        await asyncio.to_thread(log, "to_thread")

    expected = [] if generation == "classic" else ["to_thread"]
    assert reported(run(function, worker=generation)) == expected


def test_the_loggers_of_the_platform_are_not_the_users(generation):
    result = run(lambda: log("lost", "azure.functions.own"), worker=generation)

    assert (result.messages, reported(result)) == (["lost"], [])


def test_each_invocation_has_its_own_records(generation):
    with worker(generation) as made:
        made.load(lambda req: log(req.params["number"]), name="counts")
        assert [reported(made.invoke("counts", params={"number": str(one)})) for one in range(3)] == [
            ["0"],
            ["1"],
            ["2"],
        ]


def test_on_an_unknown_worker_nothing_is_carried():
    def function():
        in_thread(propagate(log), "lost")

    assert reported(run(function, worker="unknown")) == []
