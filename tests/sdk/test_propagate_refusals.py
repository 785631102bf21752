"""What cannot be carried is refused with what to do instead."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import pytest

from ext_sdk import ExtensionError, propagate


def refusal(work):
    with pytest.raises(ExtensionError) as refused:
        propagate(work)
    return str(refused.value)


async def work():
    pass


def test_a_class_of_executors():
    assert refusal(ThreadPoolExecutor) == (
        "propagate() takes an executor, not a class of them. Make one: propagate(ThreadPoolExecutor(...))."
    )


def test_a_pool_of_processes():
    """Its class is refused for the same reason: making one would not help."""
    with ProcessPoolExecutor(1) as pool:
        assert refusal(pool) == refusal(ProcessPoolExecutor)
        assert refusal(pool) == (
            "propagate() cannot carry an invocation out of the process or interpreter, as a ProcessPoolExecutor would. "
            "Use a ThreadPoolExecutor, or pass the job what it needs as arguments, such as current_invocation().id."
        )


def test_a_pool_whose_submit_is_not_that_of_its_class():
    with ThreadPoolExecutor(1) as pool:
        pool.submit = pool.submit
        assert refusal(pool) == (
            "propagate() cannot carry a ThreadPoolExecutor whose submit() was replaced already. "
            "Call propagate() before that."
        )


def test_an_executor_that_lets_nothing_be_changed():
    class Fixed(ThreadPoolExecutor):
        def __setattr__(self, name, value):
            if name == "__class__":
                raise TypeError("fixed")
            super().__setattr__(name, value)

    with Fixed(1) as pool:
        assert refusal(pool) == (
            "propagate() cannot change a Fixed. Carry the jobs: pool.submit(propagate(job))."
        )  # fmt: skip


def test_a_coroutine():
    coroutine = work()

    assert refusal(coroutine) == (
        "propagate() takes the coroutine function, not the coroutine that it made. Write propagate(work)(...)."
    )
    coroutine.close()


def test_a_task():
    async def function():
        task = asyncio.ensure_future(work())
        await task
        return refusal(task)

    assert asyncio.run(function()) == (
        "propagate() cannot carry a Task, which keeps the context that it was made in. Carry what it runs."
    )


def test_a_thread_and_its_class():
    assert refusal(threading.Thread) == refusal(threading.Timer(1, print))
    assert refusal(threading.Thread) == (
        "propagate() cannot carry a thread. Carry what it runs: Thread(target=propagate(work))."
    )


def test_a_generator_function():
    def numbers():
        yield 1

    async def later():
        yield 1

    class Numbers:
        def __call__(self):
            yield 1

    assert refusal(numbers) == (
        "propagate() cannot carry the generator function numbers, which runs where it is iterated. "
        "Carry what iterates it."
    )
    assert refusal(later) == refusal(numbers).replace("numbers", "later")
    assert refusal(Numbers()) == refusal(numbers).replace("numbers", "Numbers")


def test_what_is_not_callable():
    with ThreadPool(1) as pool:
        assert refusal(pool) == (
            "propagate() takes a function, a coroutine function or an executor of threads, not a ThreadPool."
        )
    assert refusal(None).endswith("not a NoneType.")
