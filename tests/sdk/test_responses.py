"""What an extension may change: an answer in the function's place, another result, another error."""

from __future__ import annotations

import gc
import weakref

import pytest

from ext_sdk import AppExtension, ExtensionError, current_invocation, extensions
from tests.support.lifecycle import invoke, invoke_async
from tests.support.tracing import Boom, explode, tracer_of


def test_a_response_before_the_yield_takes_the_functions_place_and_that_of_the_extensions_inside():
    seen = []
    tracer_of(seen, "Outer")

    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no entry")
            outcome = yield
            seen.append(("gate", outcome.result, outcome.duration_ns))

    tracer_of(seen, "Inner")
    assert invoke(explode) == "no entry"
    assert seen == ["Outer in", ("gate", "no entry", 0), "Outer out ok"]


def test_a_gate_may_respond_and_return_without_a_yield():
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no entry")
            return
            yield

    assert invoke(explode) == "no entry"
    assert extensions()[-1].failures == {}


def test_a_pre_hook_may_respond_through_the_current_invocation():
    class Gate(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            current_invocation().respond("no entry")

    assert invoke(explode) == "no entry"


def test_a_late_response_is_an_error_that_says_what_to_use(caplog):
    class Late(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            yield
            invocation.respond("too late")

    assert invoke(lambda: "result") == "result"
    assert (
        "respond() came too late: function 'HttpTrigger' has been called already. "
        "Call it before the yield, or use outcome.force_result(value) after it." in caplog.text
    )


def test_a_forced_result_hides_the_failure_from_the_caller_and_the_outside():
    seen = []
    tracer_of(seen, "Outer")

    class Rescue(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            outcome.force_result("rescued")

    assert invoke(explode) == "rescued"
    assert seen == ["Outer in", "Outer out ok"]


def test_a_forced_exception_replaces_the_result():
    class Refuse(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            outcome.force_exception(Boom("forced"))

    with pytest.raises(Boom, match="forced"):
        invoke(lambda: "result")


def test_forcing_something_that_cannot_be_raised_is_refused(caplog):
    class Wrong(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            outcome.force_exception("no")

    assert invoke(lambda: "result") == "result"
    assert "force_exception() takes an exception to raise, not 'no'." in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_nothing_keeps_a_forced_error_alive_after_the_call(is_async):
    class Translate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            outcome.force_exception(Boom())

    async def explode_async():
        raise KeyError

    gc.disable()
    try:
        try:
            if is_async:  # without a loop, which keeps errors in cycles of its own
                invoke_async(explode_async).send(None)
            else:
                invoke(explode)
        except Boom as error:
            gone = weakref.ref(error)
        assert gone() is None
    finally:
        gc.enable()


def test_a_pre_hook_that_responds_is_the_last_that_is_entered():
    seen = []

    class Gate(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            current_invocation().respond("no entry")

        @classmethod
        def around_invocation(cls, invocation):
            seen.append("around")
            yield

    assert invoke(explode) == "no entry"
    assert seen == []


def test_a_response_is_too_late_while_the_function_runs():
    tracer_of([], "A")

    def function():
        current_invocation().respond("too late")

    with pytest.raises(ExtensionError, match=r"^respond\(\) came too late"):
        invoke(function)


def test_a_second_response_after_the_yield_is_too_late_as_well(caplog):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no entry")
            yield
            invocation.respond("never mind")

    assert invoke(explode) == "no entry"
    assert "respond() came too late" in caplog.text
