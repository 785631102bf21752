"""A classic worker whose registry is not known: v1 apps are driven by the worker's own, official hooks."""

from __future__ import annotations

import gc
import sys
from contextvars import copy_context
from types import ModuleType

import pytest
from azure.functions.extension import ExtensionMeta

from ext_sdk import AppExtension, FuncExtension, current_invocation, extensions, workers
from ext_sdk.workers import driving
from tests.support.lifecycle import Context
from tests.support.worker_module import FunctionInfo, new_worker

MODULE = "worker_of_the_future.functions"


@pytest.fixture
def classic(monkeypatch, tmp_path):
    """A classic worker process with a registry of another shape, and a v1 app; hooks are switched on."""
    monkeypatch.setattr(driving, "_workers", [MODULE])
    monkeypatch.setitem(sys.modules, MODULE, ModuleType(MODULE))
    monkeypatch.setitem(sys.modules, "azure_functions_worker", ModuleType("azure_functions_worker"))
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    monkeypatch.setenv("FUNCTIONS_WORKER_RUNTIME", "python")
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "1")
    (tmp_path / "HttpTrigger").mkdir()
    (tmp_path / "HttpTrigger" / "function.json").write_text(
        '{"bindings": [{"type": "httpTrigger", "name": "req", "route": "a"}]}'
    )
    return tmp_path


def call(folder, function, **args):
    """Call a function as the classic worker does, in a thread of its pool."""
    return copy_context().run(_call, folder, function, args)


def _call(folder, function, args):
    """Run what the worker's extension manager does: pre hooks, the function, post hooks."""
    context = Context(function_directory=str(folder / "HttpTrigger"))
    args["context"] = context
    hooks = ExtensionMeta.get_application_hooks()
    for one in hooks.pre_invocation_app_level:
        one.ext_impl(None, context, args)
    result = function(**args)
    for one in hooks.post_invocation_app_level:
        one.ext_impl(None, context, args, result)
    return result


@pytest.fixture
def seen(classic):
    """What the hooks of both levels see."""
    seen = []

    class Watch(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            seen.append(f"load {function_name}")

        @classmethod
        def around_invocation(cls, invocation):
            seen.append(f"in {invocation.id} {invocation.trigger.binding['route']} {sorted(invocation.args)}")
            outcome = yield
            seen.append(f"out {outcome.result} {outcome.error}")

    class Audit(FuncExtension):
        def pre_invocation(self, logger, context, func_args):
            seen.append("audit")

    Audit(function="HttpTrigger")
    return seen


def raises(req, context):
    raise ValueError("boom")


def test_each_hook_runs_once(classic, seen):
    assert call(classic, lambda req, context: "hello", req=1) == "hello"
    call(classic, lambda req, context: "again", req=1)
    entered = ["in 8f07ec1b a ['context', 'req']", "audit"]
    assert seen == ["load HttpTrigger", *entered, "out hello None", *entered, "out again None"]


def test_the_workers_own_load_hook_calls_ours_once(classic, seen):
    (load,) = ExtensionMeta.get_application_hooks().post_function_load_app_level
    load.ext_impl("HttpTrigger", str(classic / "HttpTrigger"))
    call(classic, lambda req, context: None, req=1)
    assert seen.count("load HttpTrigger") == 1


def test_a_failure_is_noticed_when_the_worker_lets_go_of_the_context(classic, seen):
    with pytest.raises(ValueError, match="boom"):
        call(classic, raises, req=1)
    gc.collect()
    assert seen[-1] == "out None the function raised; this worker's hooks do not tell what"


def test_a_failure_that_was_noticed_is_not_noticed_again_at_exit(classic, seen):
    call(classic, lambda req, context: None, req=1)
    gc.collect()
    assert [one for one in seen if one.startswith("out")] == ["out None None"]


def test_the_function_sees_what_extensions_put_on_the_context(classic, seen):
    class Tracer(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.context.tracer = "tracer"
            invocation.attributes["tenant"] = "contoso"
            yield

    def function(req, context):
        return context.tracer, context.app_ext_attributes["tenant"], current_invocation().id

    def call_and_look():
        return _call(classic, function, {"req": 1}), current_invocation()

    assert copy_context().run(call_and_look) == (("tracer", "contoso", "8f07ec1b"), None)


def test_an_edit_of_the_arguments_reaches_the_function(classic, seen):
    class Edit(AppExtension):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args):
            func_args["req"] = "edited"

    assert call(classic, lambda req, context: req, req=1) == "edited"


def test_respond_is_refused_with_the_reason(classic, seen, caplog):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no")
            yield

    assert call(classic, lambda req, context: "called", req=1) == "called"
    assert caplog.messages[-1].startswith(
        "Gate.around_invocation failed in function 'HttpTrigger', which was not affected: ExtensionError: respond() does "
        "not work on this worker, which ext_sdk does not know: the function is called all the same."
    )


def test_a_forced_result_is_said_to_have_no_effect(classic, seen, caplog):
    class Force(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            outcome = yield
            outcome.force_result("forced")

    assert call(classic, lambda req, context: "own", req=1) == "own"
    assert caplog.messages[-1] == (
        "An extension changed the outcome of function 'HttpTrigger', which has no effect on this worker."
    )


def test_it_is_said_once_with_what_it_costs(classic, seen, caplog):
    workers.install()
    assert [record.getMessage() for record in caplog.get_records("setup")] == [
        f"This worker is not one that ext_sdk knows: {MODULE} has no Registry.get_function. Extensions are driven by the "
        "worker's own hooks instead: they see a failure late and without its error, and respond(), force_result() and "
        "force_exception() have no effect. Look for a newer azfunc-ext-sdk."
    ]
    assert caplog.messages == []
    assert {one.driver for one in extensions()} == {"the worker's own hooks"}


def test_a_second_copy_of_the_framework_takes_the_place_of_the_first(classic, seen):
    from ext_sdk.workers import own_hooks

    own_hooks.install()
    own_hooks.install()
    assert len(ExtensionMeta.get_application_hooks().pre_invocation_app_level) == 1


def test_without_the_app_setting_the_worker_calls_nothing_and_that_is_said(classic, monkeypatch, caplog):
    monkeypatch.delenv("PYTHON_ENABLE_WORKER_EXTENSIONS")
    workers.install()
    (message,) = caplog.messages
    assert "Extensions do not run" in message
    assert "Set PYTHON_ENABLE_WORKER_EXTENSIONS=1 and the worker's own hooks drive them" in message
    assert ExtensionMeta.get_application_hooks() is None


def test_a_function_level_extension_finds_its_attributes_when_a_failure_is_noticed(classic):
    seen = []

    class Audit(FuncExtension):
        def around_invocation(self, invocation):
            self.attributes["user"] = "ada"
            yield
            seen.append((self.attributes["user"], current_invocation() is invocation))

    Audit(function="HttpTrigger")
    with pytest.raises(ValueError, match="boom"):
        call(classic, raises, req=1)
    gc.collect()
    assert seen == [("ada", True)]


def test_an_extension_that_ends_the_process_still_lets_the_others_leave(classic, seen):
    class Quits(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise SystemExit(3)
            yield

    with pytest.raises(SystemExit):
        call(classic, lambda req, context: pytest.fail("the function was called"), req=1)
    gc.collect()
    assert seen[1:] == ["in 8f07ec1b a ['context', 'req']", "out None 3"]


def test_a_registry_that_becomes_known_takes_over_from_the_workers_own_hooks(classic, seen, monkeypatch):
    late = new_worker("worker_that_came_late.functions")
    monkeypatch.setitem(sys.modules, late.__name__, late)
    driving._workers.append(late.__name__)
    workers.install()
    assert workers.driven_by() == ["worker_that_came_late.functions.Registry.get_function"]
    folder = str(classic / "HttpTrigger")
    late.registry.functions["1"] = FunctionInfo(lambda req, context: "a", directory=folder, requires_context=True)
    assert call(classic, late.registry.get_function("1").func, req=1) == "a"
    assert [one.partition(" ")[0] for one in seen] == ["load", "in", "audit", "out"]


def test_another_worker_has_no_hooks_even_if_they_are_switched_on(classic, monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "azure_functions_worker")
    workers.install()
    (message,) = caplog.messages
    assert message == (
        f"This worker is not one that ext_sdk knows: {MODULE} has no Registry.get_function. Extensions do not run, "
        "the functions are served as if there were none. Look for a newer azfunc-ext-sdk."
    )
    assert ExtensionMeta.get_application_hooks() is None
