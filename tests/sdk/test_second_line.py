"""Workers whose registry is not known: v2 apps are driven where their functions are collected."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import subprocess
import sys
import typing
from dataclasses import dataclass
from types import ModuleType

import azure.functions as func
import pytest

from ext_sdk import AppExtension, ExtensionError, extensions, workers
from ext_sdk.function import Correlation
from ext_sdk.workers import app as app_folder
from ext_sdk.workers import correlation, driving
from tests.support.lifecycle import Context
from tests.support.worker_module import FunctionInfo, new_worker

MODULE = "worker_of_the_future.functions"


@pytest.fixture
def strange(monkeypatch, tmp_path):
    """A worker process of a kind that is not known, with a v2 app."""
    monkeypatch.setattr(driving, "_workers", [MODULE])
    monkeypatch.setitem(sys.modules, MODULE, ModuleType(MODULE))
    (tmp_path / "function_app.py").touch()
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    monkeypatch.setenv("FUNCTIONS_WORKER_RUNTIME", "python")


@pytest.fixture
def seen(strange):
    """What an extension sees."""
    seen = []

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(f"in {invocation.function_name} {invocation.trigger.type} {invocation.id}")
            outcome = yield
            seen.append(f"out {outcome.error or outcome.result}")

    return seen


@pytest.fixture
def app(seen):
    return func.FunctionApp()


def collected(app):
    (function,) = app.get_functions()
    return function.get_user_function()


def test_a_functions_extensions_run_once_around_it(app, seen):
    @app.route(route="a")
    def a(req):
        return f"hello {req}"

    assert collected(app)(req="you", context=Context()) == "hello you"
    assert seen == ["in a httpTrigger 8f07ec1b", "out hello you"]


def test_an_async_function_stays_one(app, seen):
    @app.route(route="a")
    async def a(req):
        return f"hello {req}"

    call = collected(app)
    assert inspect.iscoroutinefunction(call)
    assert asyncio.run(call(req="you", context=Context())) == "hello you"
    assert len(seen) == 2


def test_a_function_that_raises_is_seen_and_its_error_goes_on(app, seen):
    error = ValueError("boom")

    @app.route(route="a")
    def a(req):
        raise error

    with pytest.raises(ValueError, match="boom") as caught:
        collected(app)(req="you", context=Context())
    assert caught.value is error
    assert seen[-1] == "out boom"


def test_it_is_said_once_and_extensions_tell_it(app, caplog):
    workers.install()
    assert [record.getMessage() for record in caplog.get_records("setup")] == [
        f"This worker is not one that ext_sdk knows: {MODULE} has no Registry.get_function. Extensions are driven by "
        "FunctionApp.get_functions instead. Look for a newer azfunc-ext-sdk."
    ]
    assert caplog.messages == []
    assert [one.driver for one in extensions()] == ["FunctionApp.get_functions"]


class TestWhatIndexingLooksAt:
    """The traps of wrapping a function: what the worker reads of it has to be the user's own."""

    def test_the_directory_is_the_apps_own(self, app):
        @app.route(route="a")
        def a(req):
            return None

        assert inspect.getfile(collected(app)) == __file__

    def test_a_function_that_does_not_ask_for_the_context_gets_it_passed_by_and_not_through(self, app, seen):
        @app.route(route="a")
        def a(req):
            return sorted(locals())

        call = collected(app)
        assert list(inspect.signature(call).parameters) == ["req", "context"]
        assert call(req=1, context=Context()) == ["req"]
        assert seen[0].endswith("8f07ec1b")

    def test_a_function_that_asks_for_the_context_gets_it(self, app):
        @app.route(route="a")
        def a(req, context: func.Context):
            return context

        call, context = collected(app), Context()
        assert list(inspect.signature(call).parameters) == ["req", "context"]
        assert call(req=1, context=context) is context

    def test_type_hints_are_the_users(self, app):
        @app.route(route="a")
        def a(req: func.HttpRequest, *, context) -> func.HttpResponse:
            return None

        hints = typing.get_type_hints(collected(app))
        assert hints == {"req": func.HttpRequest, "return": func.HttpResponse}

    def test_a_binding_called_context_keeps_its_value(self, app, seen):
        @app.generic_trigger(arg_name="context", type="orchestrationTrigger")
        def orchestrate(context):
            return context

        call = collected(app)
        assert list(inspect.signature(call).parameters) == ["context"]
        assert call(context="the orchestration's") == "the orchestration's"
        assert seen == ["in orchestrate orchestrationTrigger ", "out the orchestration's"]

    def test_the_id_of_an_invocation_whose_context_does_not_come_is_the_workers(self, app, seen, monkeypatch):
        class Known(Correlation):
            def current_id(self):
                return "from the worker's log handler"

        monkeypatch.setitem(sys.modules, "worker_with_a_way", ModuleType("worker_with_a_way"))
        monkeypatch.setattr(correlation, "WAYS", {"worker_that_is_not_there": None, "worker_with_a_way": Known()})

        @app.generic_trigger(arg_name="context", type="orchestrationTrigger")
        def orchestrate(context):
            return context

        collected(app)(context=1)
        assert seen[0] == "in orchestrate orchestrationTrigger from the worker's log handler"

    def test_collecting_once_more_does_not_wrap_once_more(self, app, seen):
        @app.route(route="a")
        def a(req):
            return None

        app.get_functions()
        app.functions_bindings = None  # else azure.functions refuses: "does not have a unique function name"
        collected(app)(req=1, context=Context())
        assert len(seen) == 2

    def test_the_users_decorators_stay_inside(self, app, seen):
        def shouting(function):
            def inner(req):
                return function(req).upper()

            return inner

        @app.route(route="a")
        @shouting
        def a(req):
            return "hello"

        assert collected(app)(req=1, context=Context()) == "HELLO"
        assert seen[-1] == "out HELLO"

    def test_a_blueprints_functions_are_driven_too(self, app, seen):
        blueprint = func.Blueprint()

        @blueprint.route(route="b")
        def b(req):
            return None

        app.register_functions(blueprint)
        collected(app)(req=1, context=Context())
        assert len(seen) == 2


def test_arguments_may_be_given_by_position_as_a_unit_test_does(app, seen):
    @app.route(route="a")
    def a(req, greeting="hello"):
        return f"{greeting} {req}"

    assert collected(app)("you") == "hello you"
    assert seen[-1] == "out hello you"


def test_a_worker_that_becomes_known_later_does_not_run_them_twice(app, seen, monkeypatch):
    @app.route(route="a")
    def a(req):
        return None

    call = collected(app)
    late = new_worker("worker_that_came_late.functions")
    monkeypatch.setitem(sys.modules, late.__name__, late)
    driving._workers.append(late.__name__)
    workers.install()
    late.registry.functions["1"] = FunctionInfo(call)
    late.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 2


def test_a_process_with_no_known_worker_at_all_is_driven_there_as_well(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(driving, "_workers", ["worker_that_is_not_loaded"])
    (tmp_path / "function_app.py").touch()
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    monkeypatch.setenv("FUNCTIONS_WORKER_RUNTIME", "python")
    workers.install()
    (message,) = caplog.messages
    assert message.startswith(
        "This worker is not one that ext_sdk knows: no worker that ext_sdk knows is loaded in this process. "
    )
    assert workers.driven_by() == ["FunctionApp.get_functions"]


@pytest.mark.parametrize("module", [MODULE, "worker_that_is_not_loaded"])
def test_extensions_of_the_official_kind_alone_are_driven_there_too(strange, monkeypatch, caplog, module):
    monkeypatch.setattr(driving, "_workers", [module])
    workers.install(judging=False)  # as `import ext_sdk` does
    seen = []

    class Old(func.AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            seen.append(context.invocation_id)

    app = func.FunctionApp()

    @app.route(route="a")
    def a(req):
        return "a"

    assert caplog.messages == []
    assert collected(app)(req=1, context=Context()) == "a"
    assert seen == ["8f07ec1b"]
    (message,) = caplog.messages
    assert "Extensions are driven by FunctionApp.get_functions instead." in message


def test_functions_that_cannot_be_read_are_not_served_past_a_gate(strange, monkeypatch):
    class Gate(AppExtension):
        critical = True

    app = func.FunctionApp()
    function = functools.partial(print)
    function.__name__ = "no_file_tells_where_it_is"
    app.route(route="a")(function)
    with pytest.raises(ExtensionError) as caught:
        app.get_functions()
    assert str(caught.value) == (
        "Gate is critical and could not stop a call: the functions of the FunctionApp could not be read."
    )


def test_where_the_seam_drives_functions_that_cannot_be_read_are_its_business(monkeypatch, caplog):
    module = new_worker()
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Gate(AppExtension):
        critical = True

    app, function = func.FunctionApp(), functools.partial(print)
    function.__name__ = "no_file_tells_where_it_is"
    app.route(route="a")(function)
    assert len(app.get_functions()) == 1
    assert caplog.messages == ["The functions of the FunctionApp could not be read by ext_sdk."]


def test_the_environment_is_that_of_the_moment_when_the_functions_are_collected(strange, monkeypatch):
    class Greeter(AppExtension):
        @dataclass(frozen=True)
        class Settings:
            word: str = "none"

        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond(cls.settings().word)
            yield

    assert Greeter.settings().word == "none"
    monkeypatch.setenv("EXT_GREETER_WORD", "hello")
    app = func.FunctionApp()

    @app.route(route="a")
    def a(req):
        return None

    assert collected(app)(req=1, context=Context()) == "hello"


def test_outside_of_a_worker_nothing_is_touched_and_nothing_said(monkeypatch, caplog):
    monkeypatch.setattr(driving, "_workers", ["worker_that_is_not_loaded"])
    before = func.FunctionRegister.get_functions
    workers.install()
    assert func.FunctionRegister.get_functions is before
    assert caplog.messages == []
    assert workers.driven_by() == []


def test_a_familiar_worker_leaves_the_collected_functions_as_they_are(monkeypatch):
    module = new_worker()
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    workers.install()
    app = func.FunctionApp()

    def a(req):
        return None

    app.route(route="a")(a)
    assert collected(app) is a


def test_a_subclass_of_the_registry_is_driven_and_once(monkeypatch):
    """A worker whose registry is of a class above or below `Registry`, whichever of them looks the function up."""
    module, seen = new_worker(), []

    class Later(module.Registry):
        def get_function(self, function_id):
            return super().get_function(function_id)

    later = Later()
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    workers.install()

    class Watch(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append(invocation.id)
            yield

    for one in (later, module.registry):
        one.functions["1"] = FunctionInfo(lambda req: None)
        one.get_function("1").func(req=1, context=Context())
    module.Registry = Later  # what the module calls Registry may be the lower one as well
    workers.install()
    module.registry.get_function("1").func(req=1, context=Context())
    assert len(seen) == 3


def test_the_folder_is_looked_at_where_the_app_is(monkeypatch, tmp_path):
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "main.py")
    assert not app_folder.is_v2()
    (tmp_path / "main.py").touch()
    assert app_folder.is_v2()
    assert os.path.samefile(app_folder.root(), tmp_path)


def test_the_import_alone_does_not_judge_the_process(tmp_path):
    """As long as there is nothing to drive it does not matter what could drive it."""
    environment = {**os.environ, "AzureWebJobsScriptRoot": str(tmp_path), "FUNCTIONS_WORKER_RUNTIME": "python"}
    code = "import ext_sdk; print(ext_sdk.workers.driven_by())"
    run = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=False)
    assert (run.stdout, run.stderr) == ("[]\n", "")
