"""The seam: what it takes for a worker, what it leaves alone, and what it makes of the worker's records."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from ext_sdk import AppExtension, workers
from ext_sdk.workers import driving
from tests.support.lifecycle import Context
from tests.support.worker_module import FunctionInfo, ParamTypeInfo, new_worker


@pytest.fixture
def worker(monkeypatch):
    """A worker module that is loaded and known by name, but not watched yet."""
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    return module


@pytest.fixture
def seen():
    """What an extension sees."""
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            seen.append((invocation.id, outcome.result))

    return seen


def test_a_watched_worker_calls_the_function_through_its_extensions(worker, seen):
    workers.install()
    worker.registry.functions["1"] = FunctionInfo(lambda req: req + 1)
    info = worker.registry.get_function("1")
    assert info.requires_context
    assert info.only_this_worker_has_it == "kept"
    assert info.func(req=1, context=Context()) == 2
    assert seen == [("8f07ec1b", 2)]


def test_a_function_that_was_loaded_before_the_first_extension_is_covered(worker, seen):
    worker.registry.functions["1"] = FunctionInfo(lambda req: req)
    workers.install()
    worker.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 1


def test_a_function_that_is_not_loaded_stays_unknown_to_the_worker_and_is_no_trouble(worker, caplog):
    workers.install()
    assert worker.registry.get_function("nothing") is None
    assert caplog.messages == []


def test_the_same_record_gives_the_same_wrapper_and_a_new_record_a_new_one(worker):
    workers.install()
    worker.registry.functions["1"] = FunctionInfo(lambda req: "old")
    first = worker.registry.get_function("1")
    assert worker.registry.get_function("1") is first
    worker.registry.functions["1"] = FunctionInfo(lambda req: "new")
    assert worker.registry.get_function("1").func(req=1, context=Context()) == "new"


def test_a_second_install_changes_nothing(worker, seen):
    workers.install()
    workers.install()
    worker.registry.functions["1"] = FunctionInfo(lambda req: req)
    worker.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 1
    assert workers.driven_by() == ["worker_of_this_test.functions.Registry.get_function"]


def test_a_worker_module_that_was_imported_again_is_watched_again(worker, monkeypatch, seen):
    workers.install()
    again = new_worker()
    monkeypatch.setitem(sys.modules, again.__name__, again)
    workers.install()
    again.registry.functions["1"] = FunctionInfo(lambda req: req)
    again.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 1


def test_a_second_copy_of_the_framework_replaces_the_first_and_does_not_wrap_it(worker, monkeypatch, seen):
    workers.install()
    monkeypatch.setattr(driving, "_seams", {})  # as a freshly imported copy has it
    workers.install()
    worker.registry.functions["1"] = FunctionInfo(lambda req: req)
    worker.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 1


def test_an_extension_that_comes_later_takes_part_from_then_on(worker):
    workers.install()
    worker.registry.functions["1"] = FunctionInfo(lambda req: req)
    call = worker.registry.get_function("1").func
    call(req=1, context=Context())
    seen = []

    class Late(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append("late")
            yield

    call(req=1, context=Context())
    assert seen == ["late"]


def test_an_async_function_stays_one(worker, seen):
    async def function(req):
        return req

    workers.install()
    worker.registry.functions["1"] = FunctionInfo(function, is_async=True)
    call = worker.registry.get_function("1").func
    assert asyncio.iscoroutinefunction(call)
    assert asyncio.run(call(req=1, context=Context())) == 1
    assert len(seen) == 1


def test_a_binding_called_context_keeps_its_value(worker, seen):
    """A Durable orchestrator gets its own context; the worker's would be written over it."""
    workers.install()
    inputs = {"context": ParamTypeInfo("orchestrationTrigger")}
    worker.registry.functions["1"] = FunctionInfo(lambda context: context, input_types=inputs)
    info = worker.registry.get_function("1")
    assert info.requires_context is False
    assert info.func(context="the orchestration's") == "the orchestration's"
    assert seen == [("", "the orchestration's")]


def test_a_record_that_cannot_be_read_is_served_as_it_is(worker, caplog):
    workers.install()
    worker.registry.functions["1"] = record = FunctionInfo(lambda req: req, input_types=None)
    assert worker.registry.get_function("1") is record
    assert caplog.messages == [
        "Extensions do not run around function 'HttpTrigger': the worker's record of it could not be read."
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda module: delattr(module, "Registry"), "has no Registry.get_function"),
        (lambda module: setattr(module.Registry, "get_function", print), "has no Registry.get_function"),
        (
            lambda module: setattr(module.Registry, "get_function", lambda self, name, version: None),
            "has Registry.get_function(self, name, version)",
        ),
        (
            lambda module: setattr(module, "FunctionInfo", NamedTuple("FunctionInfo", [("func", Any), ("name", str)])),
            "has a FunctionInfo without directory, input_types, is_async, output_types, requires_context",
        ),
        (lambda module: delattr(module, "FunctionInfo"), "has a FunctionInfo without directory, func, input_types, "),
    ],
)
def test_an_unfamiliar_worker_is_left_alone_and_named_once(worker, caplog, change, said):
    change(worker)
    untouched = vars(worker.Registry)["get_function"] if hasattr(worker, "Registry") else None
    workers.install()
    workers.install()
    (message,) = caplog.messages
    assert message.startswith(f"This worker is not one that ext_sdk knows: worker_of_this_test.functions {said}")
    assert message.endswith(
        ". Extensions do not run, the functions are served as if there were none. Look for a newer azfunc-ext-sdk."
    )
    assert workers.driven_by() == []
    assert not hasattr(worker, "Registry") or vars(worker.Registry)["get_function"] is untouched


def test_the_app_setting_switches_everything_off_and_that_is_said_once(worker, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "ext_sdk")
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "False")
    before = worker.Registry.get_function
    workers.install()
    workers.install()
    assert worker.Registry.get_function is before
    assert caplog.messages == ["Extensions are switched off: PYTHON_ENABLE_WORKER_EXTENSIONS is set to a false value."]


def test_a_worker_that_is_loaded_later_is_watched_at_the_next_extension(worker, monkeypatch, seen):
    monkeypatch.delitem(sys.modules, worker.__name__)
    workers.install()
    monkeypatch.setitem(sys.modules, worker.__name__, worker)

    class Next(AppExtension):
        pass

    worker.registry.functions["1"] = FunctionInfo(lambda req: req)
    worker.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 1


class TestWhatIsKnownOfTheTrigger:
    def trigger_of(self, worker, info):
        found = []

        class Watch(AppExtension):
            @classmethod
            def around_invocation(cls, invocation):
                found.append(invocation.trigger)
                yield

        workers.install()
        worker.registry.functions["1"] = info
        worker.registry.get_function("1").func(**dict.fromkeys(info.input_types), context=Context())
        return found[0]

    def test_a_v1_functions_binding_comes_from_its_function_json(self, worker, tmp_path):
        (tmp_path / "function.json").write_text(
            '\ufeff{ // comments are allowed\n"bindings": [{"type": "queue", "name": "out"}, /* and\nhere */ '
            '{"type": "queueTrigger", "name": "msg", "queueName": "q//\\"/*"}]}',
            encoding="utf-8",
        )
        inputs = {"msg": ParamTypeInfo("queueTrigger")}
        trigger = self.trigger_of(worker, FunctionInfo(lambda msg: None, directory=str(tmp_path), input_types=inputs))
        assert (trigger.name, trigger.type, trigger.binding["queueName"]) == ("msg", "queueTrigger", 'q//"/*')

    def test_a_function_json_that_cannot_be_read_costs_only_the_binding(self, worker, tmp_path):
        (tmp_path / "function.json").write_text("{")
        trigger = self.trigger_of(worker, FunctionInfo(lambda req: None, directory=str(tmp_path)))
        assert (trigger.name, trigger.type, trigger.binding) == ("req", "httpTrigger", {})

    def test_a_function_without_a_known_trigger_has_an_empty_one(self, worker):
        trigger = self.trigger_of(worker, FunctionInfo(lambda: None, input_types={}))
        assert (trigger.name, trigger.type, trigger.binding) == ("", "", {})

    def test_a_v2_functions_binding_comes_from_its_decorators(self, worker, monkeypatch):
        import azure.functions as func

        app = func.FunctionApp()

        @app.route(route="items/{id}", methods=["GET"])
        def items(req):
            return None

        user_function = app._function_builders[0]._function.get_user_function()
        monkeypatch.setitem(sys.modules, "function_app", SimpleNamespace(app=app))
        trigger = self.trigger_of(worker, FunctionInfo(user_function))
        assert (trigger.name, trigger.type, trigger.binding["route"]) == ("req", "httpTrigger", "items/{id}")


@pytest.mark.parametrize("off", ["0", "false", "F", "no", "n", "off"])
def test_every_false_value_of_the_workers_own_switches_extensions_off(worker, monkeypatch, off):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", off)
    before = worker.Registry.get_function
    workers.install()
    assert worker.Registry.get_function is before


def test_an_invocation_that_starts_in_the_middle_of_anothers_first_has_its_extensions_too(worker, seen):
    """Threads may change at any step of the bytecode, with a debugger or a coverage tool at least."""
    workers.install()
    for step in range(1, 41):
        worker.registry.functions[str(step)] = FunctionInfo(lambda req: req)
        call = worker.registry.get_function(str(step)).func
        _call_and_interrupt(call, step, lambda call=call: call(req=1, context=Context()))
    assert len(seen) == 80


def _call_and_interrupt(call, step, other):
    """Make a call, and have another thread make `other` before the given step of its bytecode, or after it."""
    steps, thread = iter(range(1, step + 1)), threading.Thread(target=other)

    def trace(frame, event, _arg):
        if frame.f_code is not call.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps, None) == step:
            thread.start()
            thread.join()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(req=1, context=Context())
    finally:
        sys.settrace(before)
    if thread.ident is None:
        thread.start()
        thread.join()
