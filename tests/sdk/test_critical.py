"""Critical extensions: their failure fails the invocation, before the function and after it."""

from __future__ import annotations

import sys

import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension, extensions, workers
from tests.support.lifecycle import invoke

HOOKS = {
    "pre_invocation_app_level": "before",
    "post_invocation_app_level": "after",
    "invocation_failed_app_level": "failed",
}


class OwnError(Exception):
    """The function's own."""


def gate(**hooks):
    """Return a critical extension whose hooks raise what is given."""

    def raising(error):
        def hook(cls, *args):
            raise error

        return classmethod(hook)

    return type("Gate", (AppExtension,), {"critical": True} | {name: raising(error) for name, error in hooks.items()})


def new_outer(seen):
    class Outer(AppExtension):
        order = -1

        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            seen.append(repr(outcome.error))

    return Outer


@pytest.mark.parametrize("is_async", [False, True])
def test_a_gate_that_fails_before_the_function_stops_the_call_and_says_so(is_async):
    called, seen = [], []
    new_outer(seen)

    class Gate(AppExtension):
        critical = True

        @classmethod
        def around_invocation(cls, invocation):
            raise PermissionError("no")
            yield

    class Inner(AppExtension):
        order = 1

        @classmethod
        def pre_invocation_app_level(cls, *args):
            called.append("inner")

    def function():
        called.append("function")

    async def function_async():
        called.append("function")

    with pytest.raises(ExtensionError) as caught:
        invoke(function_async if is_async else function)
    said = "Gate.around_invocation failed and is critical, so function 'HttpTrigger' fails: PermissionError: no"
    assert str(caught.value) == said
    assert isinstance(caught.value.__cause__, PermissionError)
    assert called == []
    assert seen == [repr(caught.value)]


def test_a_gate_whose_pre_hook_fails_stops_the_call():
    gate(pre_invocation_app_level=PermissionError("no"))
    with pytest.raises(ExtensionError, match=r"^Gate\.pre_invocation_app_level failed and is critical, so function "):
        invoke(lambda: pytest.fail("the function was called"))


def test_a_gate_that_fails_after_the_function_withholds_its_result():
    gate(post_invocation_app_level=ValueError("unsigned"))
    with pytest.raises(ExtensionError) as caught:
        invoke(lambda: "secret")
    assert str(caught.value) == (
        "Gate.post_invocation_app_level failed and is critical, so function 'HttpTrigger' fails: ValueError: unsigned"
    )


def test_the_functions_own_error_stays_when_a_gate_fails_after_it():
    gate(invocation_failed_app_level=ValueError("late"))
    error = OwnError()

    def function():
        raise error

    with pytest.raises(OwnError) as caught:
        invoke(function)
    assert caught.value is error
    assert error.__context__ is None


def test_a_gate_is_never_suspended(caplog):
    gate(pre_invocation_app_level=PermissionError("no"))
    for _ in range(20):
        with pytest.raises(ExtensionError):
            invoke(lambda: pytest.fail("the function was called"))
    (status,) = extensions()
    assert (status.critical, status.failures, status.suspensions) == (True, {"pre_invocation_app_level": 20}, 0)
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "Gate.pre_invocation_app_level failed in function 'HttpTrigger', whose invocation fails with it"
    ]


def test_an_error_that_cannot_be_written_still_fails_the_call():
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError

    gate(pre_invocation_app_level=Unspeakable())
    with pytest.raises(ExtensionError, match=r"so function 'HttpTrigger' fails: Unspeakable$"):
        invoke(lambda: pytest.fail("the function was called"))


def test_a_gate_whose_load_hook_fails_stops_every_call_until_it_works():
    loads = []

    class Gate(AppExtension):
        critical = True

        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            loads.append(function_name)
            if len(loads) < 3:
                raise OSError("no list of keys")

    for _ in range(2):
        with pytest.raises(ExtensionError, match=r"^Gate\.post_function_load_app_level failed and is critical"):
            invoke(lambda: pytest.fail("the function was called"))
    assert invoke(lambda: "open") == "open"
    assert invoke(lambda: "open") == "open"
    assert loads == ["HttpTrigger"] * 3


def test_a_gate_that_cannot_start_stops_the_import():
    with pytest.raises(ValueError, match="no list of keys"):

        class Gate(AppExtension):
            critical = True

            @classmethod
            def init(cls):
                raise ValueError("no list of keys")

    assert extensions() == []


def test_a_gate_of_one_function_stops_only_that():
    class Gate(FuncExtension):
        critical = True

        def around_invocation(self, invocation):
            raise PermissionError("no")
            yield

    Gate(function="Guarded")
    with pytest.raises(ExtensionError, match="so function 'Guarded' fails: PermissionError: no"):
        invoke(lambda: pytest.fail("the function was called"), name="Guarded")
    assert invoke(lambda: "open", name="Other") == "open"


def test_a_gate_is_refused_on_a_worker_where_it_could_not_stop_a_call(monkeypatch):
    from types import ModuleType

    from ext_sdk.workers import driving

    monkeypatch.setattr(driving, "_workers", ["worker_of_another_shape"])
    monkeypatch.setitem(sys.modules, "worker_of_another_shape", ModuleType("worker_of_another_shape"))
    with pytest.raises(ExtensionError) as caught:
        gate(pre_invocation_app_level=PermissionError("no"))
    assert str(caught.value) == (
        "Gate is critical, and on this worker, which ext_sdk does not know, it could not stop a call. "
        "Look for a newer azfunc-ext-sdk; until then the function app does not start with it."
    )
    assert extensions() == []


def test_a_gate_that_is_switched_off_is_named_in_a_warning(monkeypatch, caplog):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
    gate(pre_invocation_app_level=PermissionError("no"))
    workers.install()
    assert caplog.messages == [
        "Gate is critical and does not run: PYTHON_ENABLE_WORKER_EXTENSIONS is set to a false value."
    ]
