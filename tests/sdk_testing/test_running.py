"""`run`: any callable through the whole lifecycle."""

from __future__ import annotations

import asyncio
import logging
import threading

import azure.functions as func
import pytest
from azure.functions import AppExtensionBase

from ext_sdk import AppExtension, FuncExtension, current_invocation
from ext_sdk.testing import GENERATIONS, Context, invocation, isolated, run, run_async, trigger


@pytest.fixture(autouse=True)
def alone():
    with isolated():
        yield


def define_stamp():
    class Stamp(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.attributes["before"] = invocation.function_name
            outcome = yield
            invocation.attributes["after"] = outcome.result

    return Stamp


def test_a_function_runs_with_the_active_extensions_around_it():
    define_stamp()
    result = run(lambda req: func.HttpResponse(req.params["name"]), params={"name": "tea"})
    assert result.value.get_body() == b"tea"
    assert result.error is None
    assert result.attributes == {"before": "HttpTrigger", "after": result.value}
    assert result.duration_ns > 0


def test_a_coroutine_function_runs_in_a_loop_of_its_own():
    define_stamp()

    async def function(req):
        await asyncio.sleep(0)
        return req.method

    assert run(function, method="post", function_name="Orders").attributes == {"before": "Orders", "after": "POST"}


def test_in_an_async_test_it_is_awaited():
    define_stamp()

    async def function(req):
        return threading.get_ident()

    async def main():
        return await run_async(function)

    assert asyncio.run(main()).value == threading.get_ident()


def test_where_a_loop_runs_already_the_error_names_what_to_use():
    async def function(req):
        pass

    async def main():
        run(function)

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(main())
    assert str(caught.value) == (
        "run() gives a coroutine function an event loop of its own, and here is one already: await run_async(...)."
    )


def test_what_the_function_raises_is_in_the_result():
    result = run(lambda req: 1 / 0)
    assert (type(result.error), result.value) == (ZeroDivisionError, None)


def test_what_the_function_raises_is_raised_if_so_asked():
    with pytest.raises(ZeroDivisionError):
        run(lambda req: 1 / 0, raises=True)


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
def test_what_is_no_exception_is_in_the_result_too(error):
    def function(req):
        raise error

    async def asynchronous(req):
        raise error

    assert type(run(function).error) is error
    assert type(run(asynchronous).error) is error


def test_the_end_of_the_process_is_not_kept_back():
    def function(req):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(function)


def test_a_function_gets_what_it_has_parameters_for():
    def all_of_them(message, context):
        return message.id, context.function_name

    def context_first(context, other):
        return other.id

    assert run(all_of_them, "queue", id="7", function_name="Work").value == ("7", "Work")
    assert run(context_first, "queue", id="7").value == "7"
    assert run(lambda: "nothing", "queue").value == "nothing"
    assert run(lambda **args: sorted(args), "queue").value == ["context", "msg"]


def test_the_context_is_as_the_workers_have_it():
    def function(req, context):
        current = current_invocation()
        assert current is not None
        assert context.invocation_id == current.id
        return context

    result = run(
        function, trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", trace_state="a=1",
        retry={"retry_count": 2, "max_retry_count": 3},
    )  # fmt: skip
    context = result.value
    assert context is result.context
    assert context.trace_context.trace_parent == context.trace_context.Traceparent
    assert context.trace_context.trace_state == "a=1"
    assert context.retry_context.retry_count == 2


def test_a_cold_start_is_one_if_so_said():
    seen = []

    class Sees(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.cold_start)
            yield

    for cold in (False, True, False):
        run(lambda: None, cold_start=cold)
    assert seen == [False, True, False]


def test_what_is_logged_meanwhile_is_in_the_result():
    logger = logging.getLogger("test_running")
    logger.setLevel(logging.INFO)

    def function(req):
        logger.info("in %s", "time")

    logger.info("before")
    result = run(function)
    logger.info("after")
    assert result.messages == ["in time"]


def test_invocations_at_the_same_time_keep_their_logs_apart():
    logger = logging.getLogger("test_running")
    logger.setLevel(logging.INFO)

    async def function(context):
        await asyncio.sleep(0)
        logger.info(context.function_name)

    async def all_of_them():
        return await asyncio.gather(*(run_async(function, function_name=f"f{number}") for number in range(20)))

    assert [one.messages for one in asyncio.run(all_of_them())] == [[f"f{number}"] for number in range(20)]


def test_a_function_level_extension_takes_part_in_its_function():
    class Audit(FuncExtension):
        def post_invocation(self, logger, context, func_args, func_ret):
            context.app_ext_attributes["audited"] = func_ret

    Audit(function="Orders")
    assert run(lambda: 1, function_name="Orders").attributes == {"audited": 1}
    assert run(lambda: 1, function_name="Other").attributes == {}


def test_an_extension_of_the_official_kind_runs_as_well():
    class Official(AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            context.app_ext_attributes["official"] = True

    with isolated(Official):
        assert run(lambda: None).attributes == {"official": True}


def test_a_hook_can_be_called_with_an_invocation_made_for_it():
    made = invocation("timer", function_name="Nightly", past_due=True, is_async=True, cold_start=True)
    assert (made.function_name, made.trigger.type, made.is_async, made.cold_start) == (
        "Nightly", "timerTrigger", True, True,
    )  # fmt: skip
    assert made.args["timer"].past_due is True
    generator = define_stamp().around_invocation(made)
    next(generator)
    assert made.context.app_ext_attributes == {"before": "Nightly"}


def test_a_trigger_may_be_made_before():
    sent = trigger("queue", body="tea")
    assert run(lambda msg: msg.get_body(), sent).value == b"tea"
    with pytest.raises(TypeError) as caught:
        run(lambda msg: None, sent, body="coffee")
    assert str(caught.value) == "What starts the function is given whole, so body cannot be given beside it."


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_simulated_worker_runs_it_if_one_is_named(generation):
    define_stamp()

    async def function(msg, context):
        await asyncio.sleep(0)
        return msg.id, context.retry_context.retry_count, context.trace_context.trace_parent

    facts = {"id": "7", "retry": {"retry_count": 2}, "trace_parent": "00-1-2-01", "function_name": "Orders"}
    result = run(function, "queue", worker=generation, **facts)
    assert result.attributes == {"before": "Orders", "after": ("7", 2, "00-1-2-01")}


def test_on_a_worker_too_an_exception_is_raised_if_so_asked():
    def function():
        raise LookupError("no such order")

    assert isinstance(run(function, worker="classic").error, LookupError)
    with pytest.raises(LookupError, match="no such order"):
        run(function, worker="classic", raises=True)


@pytest.mark.parametrize("cold", [True, False])
def test_on_a_worker_too_a_cold_start_is_one_if_so_said(cold):
    seen = []

    class Sees(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.cold_start)
            yield

    run(lambda: None, worker="runtime", cold_start=cold)
    assert seen == [cold]


def test_a_worker_takes_no_context_from_elsewhere():
    with pytest.raises(TypeError) as caught:
        run(lambda: None, worker="classic", context=Context())
    assert str(caught.value) == (
        "A worker makes the Context itself: give run() one of context and worker, not both."
    )  # fmt: skip
