"""Critical extensions: their failure fails the invocation, before the function and after it."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension, extensions, registry, workers
from ext_sdk.workers import calls, driving
from tests.support.lifecycle import Context, invoke, prepare
from tests.support.worker_module import FunctionInfo, new_worker

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
        with pytest.raises(
            ExtensionError, match=r"^Gate\.post_function_load_app_level failed and is critical"
        ) as caught:
            invoke(lambda: pytest.fail("the function was called"))
        assert isinstance(caught.value.__cause__, OSError)
    assert invoke(lambda: "open") == "open"
    assert invoke(lambda: "open") == "open"
    assert loads == ["HttpTrigger"] * 3


def test_a_gate_that_cannot_start_stops_the_import():
    said = r"^Gate\.init\(\) failed and is critical, so its module cannot be imported: ValueError: no list of keys$"
    with pytest.raises(ExtensionError, match=said):

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


def define_gate(*, is_critical=True, init=lambda: None):
    """Define the same gate (again), which lets nobody in."""

    class Again(AppExtension):
        critical = is_critical

        @classmethod
        def init(cls):
            init()

        @classmethod
        def pre_invocation_app_level(cls, *args):
            raise PermissionError("no")

    return Again


def shut(name="HttpTrigger"):
    """Return whether a call is stopped."""
    try:
        invoke(lambda: "open", name=name)
    except ExtensionError:
        return True
    return False


def test_a_reload_that_makes_a_suspended_extension_critical_ends_its_suspension():
    define_gate(is_critical=False)
    assert [shut() for _ in range(6)] == [False] * 6
    assert extensions()[0].suspended
    define_gate()
    assert shut()


def test_an_extension_that_its_user_makes_critical_after_its_import_is():
    gate = define_gate(is_critical=False)
    gate.critical = True
    assert extensions()[0].critical
    assert shut()


def test_a_gate_stays_shut_while_it_is_defined_again_and_when_that_fails():
    """A v1 app may import its module under a second name while functions that imported the first are served."""
    define_gate()
    seen = []

    def fail():
        seen.append(shut("Another"))
        raise OSError("no list of keys")

    with pytest.raises(ExtensionError, match="OSError: no list of keys"):
        define_gate(init=fail)
    assert [*seen, shut()] == [True, True]


def test_a_gate_that_raises_stop_iteration_has_failed_and_not_returned():
    class Gate(AppExtension):
        critical = True

        @classmethod
        def around_invocation(cls, invocation):
            next(key for key in ())
            return cls.check()

        @classmethod
        def check(cls):
            yield

    with pytest.raises(ExtensionError, match=r"function 'HttpTrigger' fails: StopIteration: $"):
        invoke(lambda: pytest.fail("the function was called"))


def test_a_gate_whose_load_hook_ends_the_process_is_not_ready_if_the_process_goes_on():
    class Gate(AppExtension):
        critical = True

        @classmethod
        def post_function_load_app_level(cls, *args):
            raise SystemExit(3)

    for _ in range(2):
        with pytest.raises(SystemExit):
            invoke(lambda: pytest.fail("the function was called"))


def test_a_gate_that_is_not_ready_keeps_no_invocation_alive():
    class Gate(AppExtension):
        critical = True

        @classmethod
        def post_function_load_app_level(cls, *args):
            raise OSError("no list of keys")

    call, context = calls.through_extensions(prepare(lambda: None)), Context()
    gone = weakref.ref(context)
    logging.getLogger("ext_sdk").disabled = True  # pytest keeps each record, and so its traceback
    try:
        with contextlib.suppress(ExtensionError):
            call(context=context)
    finally:
        logging.getLogger("ext_sdk").disabled = False
    del context
    gc.collect()
    assert gone() is None


def test_a_gate_is_accepted_once_a_worker_that_is_known_drives_after_all(monkeypatch):
    strange, familiar = ModuleType("worker_of_another_shape"), new_worker()
    for module in (strange, familiar):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [strange.__name__])
    workers.install()
    driving._workers.append(familiar.__name__)
    define_gate()
    assert shut()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_whose_record_cannot_be_read_is_not_served_past_a_gate(monkeypatch, is_async):
    worker, called = new_worker(), []
    monkeypatch.setitem(sys.modules, worker.__name__, worker)
    monkeypatch.setattr(driving, "_workers", [worker.__name__])

    async def coroutine_function():
        called.append(1)

    function = coroutine_function if is_async else lambda: called.append(1)
    define_gate()
    worker.registry.functions["1"] = FunctionInfo(function, input_types=None, is_async=is_async)
    with pytest.raises(ExtensionError) as caught:
        worker.registry.get_function("1").func()
    assert str(caught.value) == (
        "Again is critical and could not stop a call: the worker's record of function 'HttpTrigger' could not be read."
    )
    registry._registrations.clear()
    made = worker.registry.get_function("1").func()
    if is_async:
        made.close()
    assert called == ([] if is_async else [1])


def test_calls_of_a_gate_that_is_not_ready_come_back_to_its_load_hook():
    failures = [OSError("no list of keys")] * 2

    class Gate(AppExtension):
        critical = True

        @classmethod
        def post_function_load_app_level(cls, *args):
            if failures:
                raise failures.pop()

    call = calls.through_extensions(prepare(lambda: "open"))
    for _ in range(2):
        with pytest.raises(ExtensionError, match="OSError: no list of keys"):
            call()
    assert call() == "open"


def test_calls_that_wait_for_a_gates_load_hook_fail_with_it():
    started, release = threading.Event(), threading.Event()

    class Gate(AppExtension):
        critical = True

        @classmethod
        def post_function_load_app_level(cls, *args):
            started.set()
            release.wait(30)
            raise OSError("no list of keys")

    (gate,), function = registry.active(), prepare(lambda: "open")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gate.greet, function)
        assert started.wait(30)
        (greeting,) = gate.greeted.values()
        waits = threading.Event()
        greeting.done = Announced(greeting.done, waits)
        second = pool.submit(gate.greet, function)
        assert waits.wait(30)
        release.set()
        assert str(second.result(30)) == str(first.result(30))
    assert "OSError: no list of keys" in str(second.result())


class Announced:
    """An event that tells when somebody waits for it."""

    def __init__(self, event, waits):
        self.event, self.waits, self.set = event, waits, event.set

    def wait(self):
        self.waits.set()
        return self.event.wait(30)


@pytest.mark.parametrize("value", ["no", 1, None])
def test_critical_is_true_or_false(value):
    said = rf"Gate\.critical is {value!r}, and must be True or False\.$"
    with pytest.raises(ExtensionError, match=said):
        type("Gate", (AppExtension,), {"critical": value})
