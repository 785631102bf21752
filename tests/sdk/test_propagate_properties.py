"""Whatever the order in which invocations use one pool, a job sees its own and the thread keeps nothing of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context

from hypothesis import given
from hypothesis import strategies as st

from ext_sdk import current_invocation, propagate
from ext_sdk.context import current
from ext_sdk.function import Function
from ext_sdk.invocation import Invocation
from ext_sdk.workers import correlation
from tests.support.lifecycle import Context

CLASSIC = correlation.of("azure_functions_worker.functions")

mark: ContextVar[str] = ContextVar("mark", default="clean")

ways = st.sampled_from(["submit", "map", "carried", "fails", "sets", "nested"])
steps = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), ways), min_size=1, max_size=20)


class App:
    """Invocations that are at work at the same time, one pool, and the storage that the classic worker reads."""

    def __init__(self, pool):
        self.pool = pool
        self.storage = threading.local()
        function = Function(name="f", directory="/app", call=print, correlation=CLASSIC)
        self.contexts = {None: copy_context()}
        for one in "abc":
            self.contexts[one] = copy_context()
            context = Context(invocation_id=one, thread_local_storage=self.storage)
            self.contexts[one].run(current.set, Invocation(function, {}, context))

    def seen(self, *_):
        """Return what a job sees: its invocation, its context variable, the worker's id for its thread."""
        invocation = current_invocation()
        return invocation and invocation.id, mark.get(), getattr(self.storage, "invocation_id", None)

    def fails(self):
        raise KeyError(*self.seen())

    def sets(self):
        seen = self.seen()
        mark.set("dirty")
        return seen

    def nested(self, other):
        """Do another invocation's work in the middle of one's own."""
        before = self.seen()
        inner = other()
        assert self.seen() == before
        return inner

    def send(self, way):
        """Submit one job; return what gives what it saw."""
        if way == "map":
            found = self.pool.map(self.seen, [0])
            return lambda: next(found)
        if way == "nested":
            other = self.contexts["a"].copy().run(propagate, self.seen)
            return self.pool.submit(self.nested, other).result
        work = {"carried": propagate(self.seen), "fails": self.fails, "sets": self.sets}.get(way, self.seen)
        return outcome_of(self.pool.submit(work))


def outcome_of(job):
    return lambda: job.exception().args if job.exception() else job.result()


@contextmanager
def held(pool, threads):
    """Keep every thread of the pool busy, so that what is submitted meanwhile queues up."""
    barrier, go = threading.Barrier(threads + 1), threading.Event()

    def wait():
        barrier.wait(30)
        go.wait(30)

    for _ in range(threads):
        ThreadPoolExecutor.submit(pool, wait)
    barrier.wait(30)
    try:
        yield
    finally:
        go.set()


@given(steps=steps, threads=st.integers(1, 3), queued=st.booleans())
def test_each_job_sees_its_own_invocation_and_the_thread_is_clean_after_it(steps, threads, queued):
    with propagate(ThreadPoolExecutor(threads)) as pool:
        app = App(pool)
        if queued:
            with held(pool, threads):
                jobs = [(one, way, app.contexts[one].run(app.send, way)) for one, way in steps]
        else:
            jobs = [(one, way, app.contexts[one].run(app.send, way)) for one, way in steps]
        saw = [(one, way, job()) for one, way, job in jobs]

        for one, way, found in saw:
            whose = "a" if way == "nested" else one
            assert found == (whose, "clean", whose), (one, way)

        everywhere = threading.Barrier(threads)

        def left():
            everywhere.wait(30)  # so that each thread has one of these
            return app.seen()

        rest = [ThreadPoolExecutor.submit(pool, left) for _ in range(threads)]
        assert [one.result() for one in rest] == [(None, "clean", None)] * threads
