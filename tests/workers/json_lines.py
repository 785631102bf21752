"""How a worker's process talks with the test: requests come in and answers go out as lines of JSON; see drive.py."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

# A shell that starts the tests in the background has it ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # what the app prints must not mix with the answers
_lock = threading.Lock()


def say(**message: object) -> None:
    """Send an answer."""
    with _lock:
        _answers.write(json.dumps(message) + "\n")


async def serve_each(serve: Callable[[dict], Awaitable[None]]) -> None:
    """Serve each request in a task of its own, as workers do, until the input ends."""
    loop, done, pending = asyncio.get_running_loop(), asyncio.Event(), set()

    def start(line: str) -> None:
        task = loop.create_task(serve(json.loads(line)))
        pending.add(task)
        task.add_done_callback(forget)

    def forget(task: asyncio.Task) -> None:
        pending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            print(f"not answered: {error!r}", file=sys.stderr, flush=True)

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(start, line)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=read, daemon=True).start()
    await done.wait()
