"""The current invocation: where it is, where it is not, and how it gets into threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

from ext_sdk import AppExtension, current_invocation, lifecycle, propagate
from ext_sdk.function import Correlation, Function
from tests.support.lifecycle import Context, invoke, invoke_async


def test_there_is_no_current_invocation_outside_of_one():
    assert current_invocation() is None


def test_the_function_and_its_hooks_see_the_same_invocation():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(current_invocation() is invocation)
            yield
            seen.append(current_invocation() is invocation)

    assert invoke(lambda: current_invocation().id) == "8f07ec1b"
    assert seen == [True, True]
    assert current_invocation() is None


def test_a_context_variable_does_not_leak_to_the_next_invocation_on_the_same_thread():
    variable = ContextVar("variable", default="clean")

    def function():
        before = variable.get()
        variable.set("dirty")
        return before

    with ThreadPoolExecutor(1) as pool:
        assert [pool.submit(invoke, function).result() for _ in range(2)] == ["clean", "clean"]


def test_a_thread_has_the_invocation_only_if_it_was_propagated():
    def function():
        with ThreadPoolExecutor(2) as pool:
            bare = pool.submit(current_invocation).result()
            carried = propagate(current_invocation)
            several = [pool.submit(carried) for _ in range(4)]
            return bare, {one.result().id for one in several}

    assert invoke(function) == (None, {"8f07ec1b"})


def test_calls_at_the_same_time_each_have_a_context_of_their_own():
    variable = ContextVar("variable", default="clean")
    together = threading.Barrier(2)

    def work(n):
        variable.set(n)
        together.wait(30)
        return variable.get()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(propagate(work), range(2))) == [0, 1]


def test_outside_of_an_invocation_the_context_is_carried_as_it_is():
    variable = ContextVar("variable")
    variable.set("here")

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(propagate(lambda: (variable.get(), current_invocation()))).result() == ("here", None)


def test_a_propagated_callable_keeps_its_name_and_passes_arguments_and_results():
    def add(a, b=1):
        return a + b

    assert propagate(add).__name__ == "add"
    assert propagate(add)(2, b=3) == 5


def test_concurrent_coroutines_and_their_tasks_each_see_their_own():
    async def function():
        await asyncio.sleep(0)
        inner = await asyncio.create_task(_id_of_current())
        return current_invocation().id, inner

    async def both():
        return await asyncio.gather(*(invoke_async(function, context=Context(invocation_id=n)) for n in "ab"))

    assert asyncio.run(both()) == [("a", "a"), ("b", "b")]


async def _id_of_current():
    return current_invocation().id


def test_an_invocation_tells_what_it_is():
    def function():
        invocation = current_invocation()
        return repr(invocation), invocation.logger.name, invocation.trigger.type

    assert invoke(function) == (
        "<Invocation 8f07ec1b of 'HttpTrigger'>",
        "Function.HttpTrigger",
        "httpTrigger",
    )


class TestAFunctionWithoutExtensions:
    """It costs next to nothing, and what the framework gives to functions is there all the same."""

    def test_it_has_its_invocation_the_same_one_in_its_threads(self):
        def function():
            with propagate(ThreadPoolExecutor(4)) as pool:
                there = [pool.submit(current_invocation) for _ in range(8)]
                return [one.result() for one in there], current_invocation()

        there, here = invoke(function)
        assert here.id == "8f07ec1b"
        assert all(one is here for one in there)
        assert current_invocation() is None

    def test_its_id_reaches_its_threads_where_the_worker_hands_out_no_context(self):
        """Then the worker tells it to the function's own thread only."""

        class OfThread(Correlation):
            def current_id(self):
                return "8f07ec1b" if threading.get_ident() == own else ""

        own = threading.get_ident()
        for is_async, run in ((False, lifecycle.run), (True, lambda *given: asyncio.run(lifecycle.run_async(*given)))):

            def work(context):
                with propagate(ThreadPoolExecutor(1)) as pool:
                    return pool.submit(lambda: current_invocation().id).result(), context

            async def work_async(context):
                return work(context)

            function = Function(
                "Orchestrator", "/app", work_async if is_async else work,
                is_async=is_async, has_context=False, correlation=OfThread(),
            )  # fmt: skip
            assert run(function, (), {"context": "the binding's"}) == ("8f07ec1b", "the binding's")

    def test_it_can_be_asked_for_in_the_middle_of_being_made(self):
        """A signal's handler may log, and a log filter may ask."""
        seen = []

        class Interrupted(Context):
            def __setattr__(self, name, value):
                super().__setattr__(name, value)
                if name == "app_ext_attributes" and asking.pop():
                    seen.append(current_invocation())

        asking = [False, False]  # the attribute is set before the function runs, and by each that is made

        def function():
            asking.append(True)
            return current_invocation()

        made = []
        thread = threading.Thread(target=lambda: made.append(invoke(function, context=Interrupted())), daemon=True)
        thread.start()
        thread.join(10)
        assert len(made) == 1
        assert made == seen

    def test_the_attributes_are_one_dict_wherever_they_are_asked_for(self):
        def function(context):
            context.app_ext_attributes["tenant"] = "contoso"
            return current_invocation().attributes

        assert invoke(function) == {"tenant": "contoso"}

    def test_its_context_variables_do_not_leak(self):
        variable = ContextVar("variable", default="clean")

        def function():
            before = variable.get()
            variable.set("dirty")
            return before

        assert [invoke(function), invoke(function)] == ["clean", "clean"]

    def test_an_async_one_has_its_invocation_too(self):
        async def function():
            return current_invocation().id, await asyncio.create_task(_id_of_current())

        assert invoke(function) == ("8f07ec1b", "8f07ec1b")
