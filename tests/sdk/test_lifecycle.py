"""Order, teardown and isolation of extensions around a function."""

from __future__ import annotations

import asyncio
import gc
import itertools
import weakref
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ext_sdk import (
    AppExtension,
    FuncExtension,
    current_invocation,
    extensions,
    lifecycle,
    registry,
)
from ext_sdk.function import Correlation
from tests.support.lifecycle import Context, invoke, invoke_async, prepare
from tests.support.tracing import Boom, explode, tracer_of


def test_what_is_entered_last_is_left_first():
    seen = []
    tracer_of(seen, "A")
    tracer_of(seen, "B")
    assert invoke(lambda: "result") == "result"
    assert seen == ["A in", "B in", "B out ok", "A out ok"]


def test_the_smaller_order_is_further_out():
    seen = []
    tracer_of(seen, "A", order=1)
    tracer_of(seen, "B", order=-1)
    invoke(lambda: None)
    assert seen == ["B in", "A in", "A out ok", "B out ok"]


def test_app_level_is_outside_function_level():
    seen = []

    class Inner(FuncExtension):
        order = -100

        def around_invocation(self, invocation):
            seen.append("function level")
            yield

    Inner(function="HttpTrigger")
    tracer_of(seen, "A")
    invoke(lambda: None)
    assert seen == ["A in", "function level", "A out ok"]


def test_teardown_runs_when_the_function_raises_and_the_error_is_the_same_object():
    seen, error = [], Boom()
    tracer_of(seen, "A")

    def fail():
        raise error

    with pytest.raises(Boom) as caught:
        invoke(fail)
    assert caught.value is error
    assert seen == ["A in", "A out Boom"]


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_base_exception_is_seen_and_goes_on(error):
    seen = []
    tracer_of(seen, "A")

    def fail():
        raise error

    with pytest.raises(error):
        invoke(fail)
    assert seen == ["A in", f"A out {error.__name__}"]


def test_a_cancelled_async_function_is_seen_and_stays_cancelled():
    seen = []
    tracer_of(seen, "A")

    async def wait_for_ever():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        invoke(wait_for_ever)
    assert seen == ["A in", "A out CancelledError"]


def test_the_traceback_starts_in_the_function_and_passes_through_us_once():
    tracer_of([], "A")
    with pytest.raises(Boom) as caught:
        invoke(explode)
    frames = [entry.name for entry in caught.traceback]
    assert frames[-1] == "explode"
    assert frames.count("_run") == 1


def test_nothing_keeps_the_error_alive_after_the_call():
    tracer_of([], "A")
    gc.disable()
    try:
        try:
            invoke(explode)
        except Boom as error:
            gone = weakref.ref(error)
        assert gone() is None
    finally:
        gc.enable()


def test_official_hooks_run_with_their_official_arguments():
    seen = []

    class Official(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            seen.append(("pre", logger.name, context.invocation_id, dict(func_args)))

        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args, func_ret):
            seen.append(("post", func_ret))

    invoke(lambda x: x + 1, x=1)
    assert seen == [("pre", "extension.Official", "8f07ec1b", {"x": 1}), ("post", 2)]


def test_the_failure_hook_runs_in_place_of_the_post_hook():
    seen = []

    class Official(AppExtension):
        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args, func_ret):
            seen.append("post")

        @classmethod
        def invocation_failed_app_level(cls, logger, context, func_args, error):
            seen.append(("failed", type(error)))

    with pytest.raises(Boom):
        invoke(explode)
    assert seen == [("failed", Boom)]


def test_an_edit_of_the_arguments_reaches_the_function():
    class Edit(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            func_args["x"] = 10

    assert invoke(lambda x: x, x=1) == 10


def test_an_extension_that_fails_at_any_point_leaves_the_function_alone(caplog):
    seen = []
    tracer_of(seen, "Outer")

    class Broken(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            raise Boom("pre")

        @classmethod
        def around_invocation(cls, invocation):
            yield
            raise Boom("around")

        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args, func_ret):
            raise Boom("post")

    assert invoke(lambda: "result") == "result"
    assert seen == ["Outer in", "Outer out ok"]
    assert [record.getMessage() for record in caplog.records] == [
        f"Broken.{hook} failed in function 'HttpTrigger', which was not affected: Boom: {said}. "
        "Further failures of this hook are counted, not logged: see ext_sdk.extensions()."
        for hook, said in [
            ("pre_invocation_app_level", "pre"),
            ("around_invocation", "around"),
            ("post_invocation_app_level", "post"),
        ]
    ]


def test_an_extension_that_yields_twice_is_told_so(caplog):
    class Twice(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            for _ in invocation.args:
                yield

    assert invoke(lambda a, context: "result", a=1) == "result"
    assert "Twice.around_invocation failed" in caplog.text
    assert "it yielded a second time, and must have one yield" in caplog.text


def test_an_extension_that_is_no_generator_is_told_so(caplog):
    class Plain(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            return [invocation]

    assert invoke(lambda: "result") == "result"
    assert "Plain.around_invocation failed" in caplog.text


def test_returning_before_the_yield_is_to_take_no_part():
    class Choosy(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            if invocation.trigger.type == "httpTrigger":
                return
            yield

    assert invoke(lambda: "result") == "result"
    assert extensions()[-1].failures == {}


def test_an_extension_that_ends_the_process_still_lets_the_others_leave():
    seen = []
    tracer_of(seen, "Outer")

    class Quits(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise SystemExit(3)
            yield

    with pytest.raises(SystemExit):
        invoke(lambda: "result")
    assert seen == ["Outer in", "Outer out SystemExit"]


def test_only_the_first_invocation_of_the_process_is_a_cold_start(monkeypatch):
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", itertools.count())
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.cold_start)
            yield

    invoke(lambda: None)
    invoke(lambda: None)
    assert seen == [True, False]


def test_a_cold_start_is_known_without_extensions_too(monkeypatch):
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", itertools.count())
    assert [invoke(lambda: current_invocation().cold_start) for _ in range(2)] == [True, False]


def test_the_function_sees_the_shared_attributes_on_its_context():
    class Share(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.attributes["tenant"] = "a"
            yield

    assert invoke(lambda context: context.app_ext_attributes) == {"tenant": "a"}


def test_a_context_that_takes_no_attributes_is_left_as_it_is():
    class Sealed(Context):
        def __setattr__(self, name, value):
            if name == "app_ext_attributes":
                raise AttributeError(name)
            super().__setattr__(name, value)

    context = Sealed()
    assert invoke(lambda: "result", context=context) == "result"


def test_the_outcome_tells_how_long_the_function_took():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            seen.append((outcome.duration_ns > 0, repr(outcome).startswith("<Outcome ok in ")))

    invoke(lambda: None)
    assert seen == [(True, True)]


def test_an_abandoned_coroutine_still_lets_its_extensions_leave():
    """A worker that stops drops its tasks; their coroutines are closed outside of the context they ran in."""
    from contextvars import Context as Variables

    seen = []
    tracer_of(seen, "A")

    async def wait_for_ever():
        await asyncio.get_running_loop().create_future()

    function = prepare(wait_for_ever)
    _, plan = registry.plan_for(function)
    running = lifecycle.run_async(function, plan, {"context": Context()})

    async def start():
        Variables().run(running.send, None)

    asyncio.run(start())
    running.close()
    assert seen == ["A in", "A out GeneratorExit"]


def test_an_extension_that_ends_the_process_after_its_yield_has_its_own_failure_hook_run():
    seen = []

    class Quits(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            yield
            raise SystemExit(3)

        @classmethod
        def invocation_failed_app_level(cls, logger, context, func_args, error):
            seen.append(type(error))

    with pytest.raises(SystemExit):
        invoke(lambda: "result")
    assert seen == [SystemExit]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_context_that_tells_nothing_hurts_neither_the_function_nor_an_extension(is_async):
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append((invocation.id, invocation.trace_context, invocation.retry_context))
            yield

    async def function_async():
        return "result"

    assert invoke(function_async if is_async else lambda: "result", context=SimpleNamespace()) == "result"
    assert seen == [("", None, None)]


def test_an_extension_that_ends_the_process_prevails_over_the_functions_own_error():
    class Quits(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            yield
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        invoke(explode)


def test_extensions_take_part_in_each_invocation_that_one_task_makes():
    seen = []
    tracer_of(seen, "A")

    async def function():
        return None

    async def call_twice():
        await invoke_async(function)
        await invoke_async(function)

    asyncio.run(call_twice())
    assert seen == ["A in", "A out ok"] * 2


@pytest.mark.parametrize("extended", [False, True])
def test_the_workers_task_is_marked_with_the_invocation(extended):
    """So that the worker's log handler knows the threads that the task starts."""
    marked = []

    class Way(Correlation):
        def inherit(self, invocation_id):
            marked.append(invocation_id)

    if extended:
        tracer_of([], "A")

    async def function():
        return None

    record = replace(prepare(function), correlation=Way())
    _, plan = registry.plan_for(record)
    asyncio.run(lifecycle.run_async(record, plan, {"context": Context()}))
    assert marked == ["8f07ec1b"]


def test_no_invocation_is_left_behind_in_the_task_of_a_function_without_extensions():
    async def function():
        return current_invocation().id

    async def call_and_look():
        return await invoke_async(function), current_invocation()

    assert asyncio.run(call_and_look()) == ("8f07ec1b", None)


def test_a_function_that_was_not_called_took_no_time():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            seen.append((outcome.ok, outcome.duration_ns))

    class Quits(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise SystemExit(3)
            yield

    with pytest.raises(SystemExit):
        invoke(lambda: "result")
    assert seen == [(False, 0)]
