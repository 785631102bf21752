"""An invocation that a hook itself causes does not come back to the extension whose hook it was."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ext_sdk import AppExtension, current_invocation, propagate
from tests.support.lifecycle import invoke


def new_caller(name, seen, *, at="before", order=0):
    """Return an extension whose hook calls a function of the app."""

    def around_invocation(cls, invocation):
        seen.append(name)
        if at == "before":
            invoke(lambda: seen.append("function"), name="Inner")
        yield
        if at == "after":
            invoke(lambda: seen.append("function"), name="Inner")

    return type(name, (AppExtension,), {"order": order, "around_invocation": classmethod(around_invocation)})


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_hook_that_calls_a_function_is_not_run_for_that_call(at):
    seen = []
    new_caller("A", seen, at=at)
    invoke(lambda: seen.append("outer"))
    assert sorted(seen) == sorted(["A", "function", "outer"])


def test_other_extensions_see_the_call_that_a_hook_made():
    seen = []
    new_caller("A", seen)

    class B(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(f"B {invocation.function_name}")
            yield

    invoke(lambda: None)
    assert seen == ["A", "B Inner", "function", "B HttpTrigger"]


def test_two_extensions_that_call_functions_do_not_call_each_other_for_ever():
    seen = []
    new_caller("A", seen)
    new_caller("B", seen)
    invoke(lambda: seen.append("outer"))
    assert seen == ["A", "B", "function", "function", "B", "A", "function", "function", "outer"]


def test_a_call_that_the_function_itself_makes_goes_through_all():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.function_name)
            yield

    invoke(lambda: invoke(lambda: None, name="Inner"))
    assert seen == ["HttpTrigger", "Inner"]


def test_the_invocation_is_again_the_outer_one_after_a_call_from_a_hook():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, *args):
            invoke(lambda: None, name="Inner")
            seen.append(current_invocation().function_name)

    invoke(lambda: None)
    assert seen == ["HttpTrigger"]


def test_a_load_hook_that_calls_its_function_does_not_wait_for_itself():
    seen = []

    class Warm(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            invoke(lambda: seen.append("warm"))

        @classmethod
        def around_invocation(cls, invocation):
            yield

    invoke(lambda: seen.append("called"))
    assert seen == ["warm", "called"]


def test_a_log_handler_that_raises_does_not_reach_the_function_by_way_of_our_own_log():
    class Handler(logging.Handler):
        def emit(self, record):
            raise RuntimeError("telemetry about telemetry")

    class Broken(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, *args):
            raise ValueError

    handler = Handler()
    logging.getLogger("ext_sdk").addHandler(handler)
    try:
        assert invoke(lambda: "fine") == "fine"
    finally:
        logging.getLogger("ext_sdk").removeHandler(handler)


def test_a_call_that_runs_beside_a_hook_goes_through_all():
    """A thread that the function has left behind makes it; no hook does."""
    in_hook, done, seen = threading.Event(), threading.Event(), []

    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.function_name)
            yield
            if invocation.function_name == "HttpTrigger":
                in_hook.set()
                assert done.wait(30)

    def late():
        assert in_hook.wait(30)
        invoke(lambda: None, name="Late")
        done.set()

    threads = []

    def function():
        threads.append(threading.Thread(target=propagate(late)))
        threads[0].start()

    invoke(function)
    threads[0].join(30)
    assert seen == ["HttpTrigger", "Late"]


def test_a_call_that_a_hook_makes_in_another_thread_does_not_come_back_to_it():
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.function_name)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(propagate(lambda: invoke(lambda: None, name="Inner"))).result(30)
            yield

    invoke(lambda: None)
    assert seen == ["HttpTrigger"]
