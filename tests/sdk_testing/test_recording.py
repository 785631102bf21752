"""Which hooks were called, in which order, with what."""

from __future__ import annotations

import pytest
from azure.functions import AppExtensionBase

from ext_sdk import AppExtension, ExtensionError, FuncExtension, flush
from ext_sdk.testing import isolated, recorder, run, worker


@pytest.fixture(autouse=True)
def alone():
    with isolated():
        yield


class Mixin:
    @classmethod
    def invocation_failed_app_level(cls, logger, context, func_args, error):
        pass


def define():
    class Both(Mixin, AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            pass

        @classmethod
        def around_invocation(cls, invocation):
            yield

        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args, func_ret):
            if func_ret == "bad":
                raise ValueError(func_ret)

        @classmethod
        def shutdown(cls, timeout):
            pass

    return Both


def hooks(calls):
    return [one.hook for one in calls]


def test_calls_are_listed_in_order_with_what_they_were_given():
    with recorder(define()) as calls:
        run(lambda req: "ok", function_name="Orders")
    assert hooks(calls) == [
        "pre_invocation_app_level", "around_invocation", "around_invocation, after", "post_invocation_app_level",
    ]  # fmt: skip
    assert {(one.extension, one.function_name) for one in calls} == {("Both", "Orders")}
    assert calls[2].arguments[0].result == "ok"
    assert calls[3].arguments[-1] == "ok"


def test_a_failure_calls_the_hook_of_a_mixin():
    with recorder(define()) as calls:
        run(lambda req: 1 / 0)
    assert hooks(calls)[-1] == "invocation_failed_app_level"


def test_what_a_hook_raises_is_listed_and_goes_on(caplog):
    with recorder(define()) as calls:
        assert run(lambda req: "bad").error is None
    assert repr(calls[-1].error) == "ValueError('bad')"
    assert caplog.messages[0].startswith("Both.post_invocation_app_level failed")


def test_hooks_outside_of_invocations_are_listed_too():
    with recorder(define()) as calls:
        flush(5.0)
    assert [(one.hook, one.function_name) for one in calls] == [("shutdown", "")]


def test_an_extension_that_takes_no_part_has_no_second_half():
    class Picky(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            return
            yield

    with recorder(Picky) as calls:
        run(lambda req: None)
    assert hooks(calls) == ["around_invocation"]


def test_a_second_yield_is_still_a_failure(caplog):
    class Twice(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            for _ in range(2):
                yield

    with recorder(Twice):
        run(lambda req: None)
    assert "it yielded a second time" in caplog.text


def test_instances_are_listed_too():
    class Audit(FuncExtension):
        def pre_invocation(self, logger, context, func_args):
            pass

    Audit(function="Orders")
    with recorder(Audit) as calls:
        run(lambda req: None, function_name="Orders")
    assert [(one.extension, one.hook) for one in calls] == [("Audit", "pre_invocation")]


def test_extensions_of_the_official_kind_are_listed_too():
    class Official(AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            pass

    with worker("runtime") as simulated, recorder(Official) as calls:
        simulated.load(lambda req: None, name="Orders")
        simulated.invoke("Orders")
    assert [(one.extension, one.hook, one.function_name) for one in calls] == [
        ("Official", "pre_invocation_app_level", "Orders")
    ]


def test_the_class_is_as_it_was_afterwards():
    both = define()
    before = {name: value for name, value in vars(both).items() if not name.startswith("_")}
    with recorder(both):
        pass
    assert {name: value for name, value in vars(both).items() if not name.startswith("_")} == before


def test_what_is_no_extension_is_refused():
    with pytest.raises(ExtensionError) as caught, recorder(int):
        pass
    assert str(caught.value) == "recorder() takes the classes of extensions, not <class 'int'>."


def test_a_hook_that_two_extensions_share_is_recorded_once_for_each_call():
    class Shared:
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args): ...

    class One(Shared, AppExtension): ...

    class Two(Shared, AppExtension): ...

    with recorder(One, Two) as calls:
        run(lambda: None)
    assert [call.extension for call in calls] == ["One", "Two"]


def test_a_hook_that_is_a_staticmethod_is_its_extensions():
    class Static(AppExtension):
        @staticmethod
        def around_invocation(invocation):
            yield

        @staticmethod
        def shutdown(timeout): ...

    with recorder(Static) as calls:
        invocation = run(lambda: None) and calls[0].arguments[0]
        flush(1)
    assert [(call.extension, call.hook) for call in calls] == [
        ("Static", "around_invocation"), ("Static", "around_invocation, after"), ("Static", "shutdown"),
    ]  # fmt: skip
    assert invocation.function_name == "HttpTrigger"
    assert [type(one).__name__ for one in calls[1].arguments] == ["Outcome"]
