"""What can be seen of extensions: `extensions()`, and one line at load that says what was found and what drives it."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from time import perf_counter_ns

import azure.functions as func
import pytest

from ext_sdk import AppExtension, FuncExtension, extensions, workers
from ext_sdk.workers import driving
from tests.support.lifecycle import Context, invoke
from tests.support.worker_module import FunctionInfo, new_worker


@pytest.fixture
def worker(monkeypatch):
    """A familiar worker."""
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    return module


def call(worker, name="HttpTrigger"):
    worker.registry.functions.setdefault(name, FunctionInfo(lambda req: req, name=name))
    info = worker.registry.get_function(name)
    return info.func(req=1, **({"context": Context(function_name=name)} if info.requires_context else {}))


def define():
    class Outer(AppExtension):
        order = -5

        @classmethod
        def around_invocation(cls, invocation):
            yield

    class Audit(FuncExtension):
        critical = True

        def pre_invocation(self, *args):
            pass

    Audit(function="HttpTrigger")


def test_each_active_extension_is_listed_with_what_it_is_and_what_drives_it(worker):
    define()
    outer, audit = extensions()
    assert (outer.name, outer.level, outer.function, outer.order, outer.critical) == ("Outer", "app", "", -5, False)
    assert (audit.name, audit.level, audit.function, audit.critical) == ("Audit", "function", "HttpTrigger", True)
    assert {one.driver for one in extensions()} == {"worker_of_this_test.functions.Registry.get_function"}


def test_outside_of_a_worker_nothing_drives_them(monkeypatch):
    monkeypatch.setattr(driving, "_workers", [])
    define()
    assert {one.driver for one in extensions()} == {""}


def test_what_each_hook_took_is_added_up():
    class Busy(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            pass

        @classmethod
        def pre_invocation_app_level(cls, *args):
            pass

        @classmethod
        def around_invocation(cls, invocation):
            yield

        @classmethod
        def post_invocation_app_level(cls, *args):
            pass

        @classmethod
        def invocation_failed_app_level(cls, *args):
            pass

    def fails():
        raise ValueError("boom")

    invoke(lambda: None)
    (first,) = extensions()
    with pytest.raises(ValueError, match=r"^boom$"):
        invoke(fails)
    (second,) = extensions()
    called = {
        "post_function_load_app_level",
        "pre_invocation_app_level",
        "around_invocation",
        "post_invocation_app_level",
    }
    assert set(first.microseconds) == called
    assert set(second.microseconds) == called | {"invocation_failed_app_level"}
    assert all(0 < took < 1e6 for took in second.microseconds.values())
    assert second.microseconds["around_invocation"] > first.microseconds["around_invocation"]
    assert (first.calls, second.calls) == (1, 2)


def test_both_parts_of_a_generator_are_added_up():
    class Slow(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            threading.Event().wait(0.05)
            yield
            threading.Event().wait(0.05)

    invoke(lambda: None)
    (status,) = extensions()
    assert status.microseconds["around_invocation"] > 80_000


def test_time_that_the_function_takes_is_not_the_extensions():
    class Outer(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            yield

    invoke(lambda: threading.Event().wait(0.2))
    (status,) = extensions()
    assert status.microseconds["around_invocation"] < 100_000


def test_what_was_found_and_what_drives_it_is_told_once_at_load(worker, caplog):
    caplog.set_level(logging.DEBUG, "ext_sdk")
    define()
    call(worker)
    call(worker)
    call(worker, "Other")
    assert caplog.messages == [
        "Extensions, outermost first: Outer (app level, order -5), Audit (function level, function HttpTrigger, order 0). "
        "Driven by worker_of_this_test.functions.Registry.get_function."
    ]


def test_in_the_v2_model_it_is_told_when_the_functions_are_collected(worker, caplog):
    caplog.set_level(logging.DEBUG, "ext_sdk")
    define()
    app = func.FunctionApp()

    @app.route(route="a")
    def http_trigger(req):
        return None

    app.function_name("HttpTrigger")(app._function_builders[0])
    app.get_functions()
    assert [message.partition(":")[0] for message in caplog.messages] == ["Extensions, outermost first"]


class TestAnEnvironmentThatComesLater:
    """A worker that was started ahead of the app gets the app's settings when it is given the app."""

    @pytest.fixture
    def limits(self):
        seen = []

        class Limited(AppExtension):
            @dataclass(frozen=True)
            class Settings:
                limit: int = 1

            @classmethod
            def around_invocation(cls, invocation):
                seen.append(cls.settings().limit)
                yield

        assert Limited.settings().limit == 1  # as an extension may ask at its import
        return seen

    def test_settings_are_read_again_when_a_function_is_loaded(self, worker, limits, monkeypatch):
        workers.install()
        monkeypatch.setenv("EXT_LIMITED_LIMIT", "7")
        call(worker)
        assert limits == [7]

    def test_a_switch_that_comes_with_it_switches_off(self, worker, limits, monkeypatch):
        workers.install()
        monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
        assert call(worker) == 1
        assert limits == []


def test_an_extension_tells_facts_of_itself():
    class Counting(AppExtension):
        @classmethod
        def facts(cls):
            return {"seen": 3}

    assert [one.facts for one in extensions()] == [{"seen": 3}]


def test_an_instance_tells_facts_of_itself():
    class Counting(FuncExtension):
        def facts(self):
            return {"made for": "one"}

    Counting(function="HttpTrigger")
    assert [one.facts for one in extensions()] == [{"made for": "one"}]


def test_an_extension_without_facts_tells_none():
    class Silent(AppExtension):
        pass

    assert [one.facts for one in extensions()] == [{}]


@pytest.mark.parametrize("answer", [1 / 3, None, ["a"]])
def test_facts_that_cannot_be_told_are_a_failure_of_that_hook_and_the_rest_is_told(answer, caplog):
    class Wrong(AppExtension):
        @classmethod
        def facts(cls):
            return answer

    (status,) = extensions()
    assert (status.name, status.facts) == ("Wrong", {})
    assert extensions()[0].failures["facts"] >= 1
    assert caplog.messages[0].startswith("Wrong.facts failed: ")


def test_what_configure_took_is_told_as_well():
    class Slow(AppExtension):
        @dataclass
        class Settings:
            some: int = 0

            def __post_init__(self):
                threading.Event().wait(0.02)

    Slow.configure(some=1)
    assert extensions()[0].microseconds["configure"] >= 20_000


def test_an_invocation_began_before_its_outermost_extension():
    told = []

    class Outer(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            told.append((invocation.began_ns, perf_counter_ns()))
            yield

    before = perf_counter_ns()
    invoke(lambda: None)
    ((began, entered),) = told
    assert before <= began <= entered
