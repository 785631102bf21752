"""Many invocations at once, in threads and in one event loop; and what they leave in the context."""

from __future__ import annotations

import asyncio
import threading as threads_of
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from ext_devkit.check.functions import coroutine, fails, says_ok
from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import AppExtension
from ext_sdk.testing import run, run_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    import azure.functions as func

    from ext_sdk.testing import Result

_THREADS = 64
_COROUTINES = 100
_STUCK = 5.0
"""Seconds in which not one of the invocations gets on; alone each takes a part of a millisecond."""

_LOCKED = "while one invocation is in the function, others wait before it: its hooks hold a lock."


def threads(target: str) -> None:
    """Have 64 threads in a function at once; each has to get its own."""
    all_there = threads_of.Event()
    entered: list[str] = []

    def echoes(req: func.HttpRequest, context: func.Context) -> tuple[str, str]:
        entered.append(context.invocation_id)
        if len(entered) >= _THREADS:
            all_there.set()
        all_there.wait()
        return req.params["n"], context.invocation_id

    subject = Subject.named(target)
    with subject.ready(), ThreadPoolExecutor(_THREADS) as pool:
        calls = [pool.submit(run, echoes, params={"n": str(number)}) for number in range(_THREADS * 5)]
        before = -1
        while not all_there.wait(_STUCK):
            if len(entered) == before or calls[0].done():
                all_there.set()
                expect(calls[0].done(), _LOCKED)
            before = len(entered)
        _expect_own(subject, [one.result() for one in calls])
        subject.expect_no_failures(f" with {_THREADS} threads")


def coroutines(target: str) -> None:
    """Await a function 100 times at once; each has to get its own."""
    entered = 0
    got: list[Result] = []

    async def echoes(req: func.HttpRequest, context: func.Context) -> tuple[str, str]:
        nonlocal entered
        entered += 1
        await asyncio.sleep(0.001)
        return req.params["n"], context.invocation_id

    async def all_of_them() -> None:
        got.extend(await asyncio.gather(*(run_async(echoes, params={"n": str(one)}) for one in range(_COROUTINES))))

    subject = Subject.named(target)
    with subject.ready():
        loop = threads_of.Thread(target=asyncio.run, args=(all_of_them(),), daemon=True)
        loop.start()
        before = -1
        while loop.is_alive():
            if entered == before:
                raise SeenError(_LOCKED)
            before = entered
            loop.join(_STUCK)
        _expect_own(subject, got)
        subject.expect_no_failures(f" with {_COROUTINES} coroutines")


def context_variables(target: str) -> None:
    """Compare the context before the extension and after it."""
    leaked: set[str] = set()

    def probe() -> None:
        class Probe(AppExtension):
            order = -1_000_000_000

            @classmethod
            def around_invocation(cls, _invocation: Any) -> Iterator[None]:  # type: ignore[override]
                before = dict(copy_context().items())
                yield
                for variable, value in copy_context().items():
                    if not variable.name.startswith("ext_sdk") and before.get(variable) is not value:
                        leaked.add(variable.name)

    subject = Subject.named(target)
    for form in (says_ok, fails, coroutine(str), coroutine(fails)):
        with subject.alone():
            probe()
            subject.attach()
            run(form)
    expect(not leaked, f"after its hooks these context variables are other than before: {', '.join(sorted(leaked))}.")


def _expect_own(subject: Subject, got: list[Result]) -> None:
    for number, one in enumerate(got):
        expect(one.error is None, f"an invocation fails: {one.error!r}.")
        own = one.value == (str(number), one.context.invocation_id)
        expect(own or not subject.keeps_results, f"invocation {number} gets {one.value!r}.")
