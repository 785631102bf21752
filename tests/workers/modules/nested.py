"""Part of the apps of these tests: spans within spans, in threads and tasks, of invocations that all run at once.

A span's name is its part and the invocation's number; `PARENTS` says in which part each one is.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from ext_sdk import propagate

THREADS = {
    "outer": "request", "thread": "outer", "pool0": "outer", "pool1": "outer", "middle": "outer", "inner": "middle",
    "in-thread": "thread", "in-pool0": "pool0", "in-pool1": "pool1", "in-inner": "inner",
}  # fmt: skip
TASKS = {
    "outer": "request", "task": "outer", "gather0": "outer", "gather1": "outer", "to-thread": "outer",
    "in-task": "task", "in-gather0": "gather0", "in-gather1": "gather1", "in-to-thread": "to-thread",
}  # fmt: skip

_all_there = threading.Event()
_lock = threading.Lock()
_there = 0


def arrive():
    """Count an invocation; everybody goes on once as many as MEETING says have come."""
    global _there
    with _lock:
        _there += 1
        if _there >= int(os.environ["MEETING"]):
            _all_there.set()


def leaf(tracer, part, number):
    with tracer.start_as_current_span(f"{part} {number}"), tracer.span(f"in-{part} {number}"):
        pass


def in_threads(tracer, number):
    arrive()
    assert _all_there.wait(40.0)
    with tracer.start_as_current_span(f"outer {number}"):
        thread = threading.Thread(target=propagate(leaf), args=(tracer, "thread", number))
        thread.start()
        with ThreadPoolExecutor(2) as pool:
            list(propagate(pool).map(lambda part: leaf(tracer, part, number), ("pool0", "pool1")))
        with tracer.span(f"middle {number}"):
            leaf(tracer, "inner", number)
        thread.join()
    return str(number)


async def in_tasks(tracer, number):
    async def branch(part):
        with tracer.start_as_current_span(f"{part} {number}"):
            await asyncio.sleep(0.001)
            with tracer.span(f"in-{part} {number}"):
                await asyncio.sleep(0)

    arrive()
    while not _all_there.is_set():
        await asyncio.sleep(0.01)
    with tracer.start_as_current_span(f"outer {number}"):
        task = asyncio.create_task(branch("task"))
        await asyncio.gather(branch("gather0"), branch("gather1"), asyncio.to_thread(leaf, tracer, "to-thread", number))
        await task
    return str(number)
