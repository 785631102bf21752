"""Where each worker's log handler finds the invocation of a thread or task, and how it is put there and taken away."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextvars import ContextVar, copy_context
from types import ModuleType, SimpleNamespace

import pytest

from ext_sdk import propagate
from ext_sdk.context import current
from ext_sdk.function import UNCORRELATED, Function
from ext_sdk.invocation import Invocation
from ext_sdk.workers import correlation
from tests.support.lifecycle import Context

CLASSIC = "azure_functions_worker.functions"
RUNTIMES = ["azure_functions_runtime", "azure_functions_runtime_v1"]
TASK = "__azure_function_invocation_id__"


@pytest.fixture
def module(monkeypatch):
    """Return what stands in for a module of a worker."""

    def make(name, **content):
        made = ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    return make


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Forget the real ones: this process may have imported them."""
    for name in [*(f"{one}.utils.executor" for one in RUNTIMES), "azure_functions_worker.dispatcher"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "proxy_worker.dispatcher", None)


@pytest.fixture
def proxy(module):
    """Return the registry by thread id of the worker that the library runtimes run in."""
    registry = {}
    module(
        "proxy_worker.dispatcher",
        get_thread_invocation_id=registry.get,
        set_thread_invocation_id=registry.__setitem__,
        clear_thread_invocation_id=lambda thread: registry.pop(thread, None),
    )
    return registry


def with_storage(**content):
    storage = threading.local()
    vars(storage).update(content)
    return SimpleNamespace(invocation_id="a", thread_local_storage=storage)


def in_a_task(function, **marks):
    """Call a function in a task that has the worker's mark."""

    async def marked():
        for name, value in marks.items():
            setattr(asyncio.current_task(), name, value)
        return function()

    return asyncio.run(marked())


def task_id():
    return getattr(asyncio.current_task(), TASK, None)


@pytest.mark.parametrize("name", ["", "functions", "azure_functions_worker", "my.functions"])
def test_of_a_worker_that_is_not_known_nothing_is_known(name):
    way = correlation.of(name)

    assert way is UNCORRELATED
    assert way.current_id() == ""
    assert way.enter(with_storage(), "a")() is None


# The classic worker


def test_classic_marks_the_thread_and_unmarks_it():
    context = with_storage()

    leave = correlation.of(CLASSIC).enter(context, "a")
    assert context.thread_local_storage.invocation_id == "a"
    leave()

    assert context.thread_local_storage.invocation_id is None


def test_classic_gives_a_thread_back_to_the_invocation_that_it_worked_for():
    context = with_storage(invocation_id="outer")

    leave = correlation.of(CLASSIC).enter(context, "a")
    leave()

    assert context.thread_local_storage.invocation_id == "outer"


def test_classic_leaves_a_thread_alone_that_works_for_the_invocation_already():
    context = with_storage(invocation_id="a")

    leave = correlation.of(CLASSIC).enter(context, "a")
    leave()

    assert context.thread_local_storage.invocation_id == "a"


def test_classic_marks_the_task_as_well_if_it_has_the_workers_mark():
    """The log handler looks there first: a task of one invocation may do work of another."""
    context = with_storage(invocation_id="outer")

    def work():
        leave = correlation.of(CLASSIC).enter(context, "a")
        inside = task_id(), context.thread_local_storage.invocation_id
        leave()
        return inside, (task_id(), context.thread_local_storage.invocation_id)

    assert in_a_task(work, **{TASK: "outer"}) == (("a", "a"), ("outer", "outer"))


def test_classic_does_not_mark_a_task_that_is_not_the_workers():
    def work():
        correlation.of(CLASSIC).enter(with_storage(), "a")
        return hasattr(asyncio.current_task(), TASK)

    assert in_a_task(work) is False


def test_classic_finds_the_id_where_its_log_handler_does(module):
    storage = threading.local()
    module("azure_functions_worker.dispatcher", _invocation_id_local=storage)
    way = correlation.of(CLASSIC)

    assert way.current_id() == ""
    storage.invocation_id = "of the thread"
    assert way.current_id() == "of the thread"
    assert in_a_task(way.current_id) == "of the thread"
    assert in_a_task(way.current_id, **{TASK: "of the task"}) == "of the task"


def test_classic_marks_the_thread_without_a_context_of_the_worker(module):
    """There is none for a function with a binding that is itself called `context`."""
    storage = threading.local()
    module("azure_functions_worker.dispatcher", _invocation_id_local=storage)

    leave = correlation.of(CLASSIC).enter(SimpleNamespace(invocation_id="a"), "a")
    assert storage.invocation_id == "a"
    leave()

    assert storage.invocation_id is None


# The library runtimes


@pytest.fixture(params=RUNTIMES)
def runtime(request, module):
    """Return a runtime's way and its context variable."""
    variable = ContextVar("invocation_id", default=None)
    module(f"{request.param}.utils.executor", invocation_id_cv=variable)
    return correlation.of(f"{request.param}.functions"), variable


def test_a_runtime_finds_the_id_where_its_log_handler_does(runtime, proxy):
    way, variable = runtime

    def all_of_it():
        found = [way.current_id()]
        proxy[threading.get_ident()] = "of the thread"
        found.append(way.current_id())
        variable.set("of the context")
        found.append(way.current_id())
        found.append(in_a_task(way.current_id, **{TASK: "of the task"}))
        return found

    assert copy_context().run(all_of_it) == ["", "of the thread", "of the context", "of the task"]


def test_a_runtime_marks_the_context_and_the_thread_and_unmarks_them(runtime, proxy):
    """The thread too: `asyncio.to_thread` runs what it is given in a context of its own."""
    way, variable = runtime

    leave = way.enter(with_storage(), "a")
    assert (variable.get(), proxy) == ("a", {threading.get_ident(): "a"})
    leave()

    assert (variable.get(), proxy) == (None, {})


def test_a_runtime_gives_a_thread_back_to_the_invocation_that_it_worked_for(runtime, proxy):
    way, variable = runtime
    proxy[threading.get_ident()] = "outer"

    def work():
        variable.set("outer")
        way.enter(with_storage(), "a")()
        return variable.get()

    assert copy_context().run(work) == "outer"
    assert proxy == {threading.get_ident(): "outer"}


def test_a_runtime_without_the_variable_still_has_the_thread(proxy):
    way = correlation.of("azure_functions_runtime.functions")

    leave = way.enter(with_storage(), "a")
    assert proxy == {threading.get_ident(): "a"}
    leave()

    assert proxy == {}


def test_a_runtimes_task_can_have_its_threads_inherit_the_id(runtime):
    way, variable = runtime

    async def task():
        way.inherit("a")
        return await asyncio.to_thread(variable.get)

    assert asyncio.run(task()) == "a"


# The local host


def test_the_local_host_marks_the_thread_and_unmarks_it():
    from ext_devkit.host.context import thread_local_storage

    way = correlation.of("ext_devkit.host.functions")

    leave = way.enter(SimpleNamespace(thread_local_storage=thread_local_storage), "a")
    assert (thread_local_storage.invocation_id, way.current_id()) == ("a", "a")
    leave()

    assert (thread_local_storage.invocation_id, way.current_id()) == (None, "")


# Workers of another shape


def test_of_an_invocation_whose_id_is_not_known_nothing_is_marked(runtime, proxy):
    """To a log handler the empty text is an id."""
    way, variable = runtime
    context = with_storage(invocation_id=None)

    correlation.of(CLASSIC).enter(context, "")
    way.enter(context, "")
    way.inherit("")

    assert (context.thread_local_storage.invocation_id, variable.get(), proxy) == (None, None, {})


@pytest.mark.parametrize("name", [CLASSIC, "ext_devkit.host.functions", *(f"{one}.functions" for one in RUNTIMES)])
def test_where_there_is_no_place_nothing_is_carried_and_nothing_happens(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "ext_devkit.host.context", None)
    way = correlation.of(name)

    assert way.current_id() == ""
    way.enter(SimpleNamespace(), "a")()


class Closed:
    """A place that lets nobody in."""

    def __getattr__(self, name):
        raise RuntimeError("closed")

    def __setattr__(self, name, value):
        raise RuntimeError("closed")


@pytest.mark.parametrize("name", [CLASSIC, *(f"{one}.functions" for one in RUNTIMES)])
def test_a_place_that_fails_hurts_nobody(name, module, monkeypatch):
    for one in RUNTIMES:
        module(f"{one}.utils.executor", invocation_id_cv=Closed())
    monkeypatch.setitem(sys.modules, "proxy_worker.dispatcher", Closed())
    way = correlation.of(name)

    assert way.current_id() == ""
    way.enter(SimpleNamespace(thread_local_storage=Closed()), "a")()


class ReadOnly:
    __slots__ = ()
    invocation_id = None


def test_a_place_that_can_only_be_read_hurts_nobody():
    correlation.of(CLASSIC).enter(SimpleNamespace(thread_local_storage=ReadOnly()), "a")()


# What `propagate` does with it


def of_an_invocation(context):
    """Make this context one that works for an invocation."""
    current.set(Invocation(Function("f", "/app", print, correlation=correlation.of(CLASSIC)), {}, context))


def test_a_carried_job_is_marked_while_it_runs_even_if_it_raises():
    storage = threading.local()
    seen = []

    def job():
        seen.append(storage.invocation_id)
        raise KeyError

    def submit():
        of_an_invocation(Context(invocation_id="a", thread_local_storage=storage))
        return propagate(job)

    carried = copy_context().run(submit)
    with pytest.raises(KeyError):
        carried()

    assert (seen, storage.invocation_id) == (["a"], None)


def test_a_carried_coroutine_marks_the_thread_for_each_of_its_steps_only():
    """Between them the thread is the event loop's, and so everybody's."""
    storage = threading.local()
    storage.invocation_id = None
    seen = []

    async def job():
        for _ in range(3):
            seen.append(storage.invocation_id)
            await asyncio.sleep(0)

    async def others():
        for _ in range(3):
            seen.append(storage.invocation_id)
            await asyncio.sleep(0)

    def carry():
        of_an_invocation(Context(invocation_id="a", thread_local_storage=storage))
        return propagate(job)

    async def both():
        await asyncio.gather(copy_context().run(carry)(), others())

    asyncio.run(both())

    assert seen == ["a", None] * 3
