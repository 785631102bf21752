"""Each generation of the worker, simulated: what extensions meet there."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import threading
from contextvars import ContextVar
from functools import partial

import azure.functions as func
import pytest
from azure.functions import AppExtensionBase

from ext_sdk import AppExtension, FuncExtension, current_invocation, extensions
from ext_sdk.testing import GENERATIONS, isolated, worker
from ext_sdk.workers import official

number = ContextVar("number", default=0)


@pytest.fixture(autouse=True, params=["", "adopted before"])
def alone(request):
    with isolated():
        if request.param:
            official.adopt()
        with isolated():
            yield


@pytest.fixture(params=GENERATIONS)
def simulated(request):
    with worker(request.param) as made:
        yield made


def define():
    class Stamp(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.attributes["before"] = (invocation.function_name, invocation.trigger.type)
            outcome = yield
            invocation.attributes["after"] = outcome.result or repr(outcome.error)

    return Stamp


def test_extensions_run_around_functions(simulated):
    define()

    def orders(req: func.HttpRequest, context: func.Context):
        return req.params["name"]

    simulated.load(orders)
    result = simulated.invoke("orders", params={"name": "tea"})
    assert (result.value, result.error) == ("tea", None)
    assert result.attributes == {"before": ("orders", "httpTrigger"), "after": "tea"}


def test_coroutine_functions_and_failures_are_as_on_the_worker(simulated):
    define()

    async def fails(msg):
        await asyncio.sleep(0)
        raise KeyError(msg.id)

    simulated.load(fails, "queue")
    result = simulated.invoke("fails", id="7")
    assert repr(result.error) == "KeyError('7')"
    assert result.attributes["after"] == "KeyError('7')"


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
def test_what_is_no_exception_ends_the_invocation_and_not_the_worker(simulated, error):
    def sync(req):
        raise error

    async def coroutine(req):
        raise error

    for function in (sync, coroutine):
        simulated.load(function)
        assert type(simulated.invoke(function.__name__).error) is error
    simulated.load(lambda req: "on", name="next")
    assert simulated.invoke("next").value == "on"


def test_extensions_that_come_after_the_function_run_as_well(simulated):
    simulated.load(lambda req: "ok", name="orders")
    assert simulated.invoke("orders").attributes == {}
    define()
    assert simulated.invoke("orders").attributes["after"] == "ok"


def test_a_context_variable_of_one_invocation_is_not_there_in_the_next(simulated):
    define()

    def counts(req):
        number.set(number.get() + 1)
        return number.get()

    simulated.load(counts)
    assert [simulated.invoke("counts").value for _ in range(20)] == [1] * 20


def test_sync_functions_run_in_threads_of_a_pool(simulated):
    simulated.load(lambda req: threading.current_thread().name, name="where")
    assert simulated.invoke("where").value.startswith("ext_sdk-simulated")


def test_the_current_invocation_is_the_workers(simulated):
    define()
    simulated.load(lambda context: current_invocation().id == context.invocation_id, name="same")
    assert simulated.invoke("same").value is True


def test_a_function_level_extension_belongs_to_its_function(simulated):
    class Audit(FuncExtension):
        def pre_invocation(self, logger, context, func_args):
            context.app_ext_attributes["audited"] = True

    simulated.load(lambda req, context: None, name="orders")
    simulated.load(lambda req, context: None, name="other")
    Audit(function="orders")
    assert simulated.invoke("orders").attributes == {"audited": True}
    assert simulated.invoke("other").attributes == {}


def test_switched_off_no_extension_runs(monkeypatch):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
    for generation in GENERATIONS:
        with isolated(), worker(generation) as made:
            define()
            made.load(lambda req: "ok", name="orders")
            result = made.invoke("orders")
            assert (result.value, result.attributes) == ("ok", {})


def test_what_drives_is_told(simulated):
    define()
    simulated.load(lambda req: None, name="orders")
    simulated.invoke("orders")
    (status,) = extensions()
    unknown = simulated.generation == "unknown"
    name = (
        "FunctionApp.get_functions" if unknown else f"simulated_{simulated.generation}.functions.Registry.get_function"
    )
    assert status.driver == name
    assert status.calls == 1


def test_official_extensions_run_once_on_each(simulated):
    """Also where something in the process has had them adopted before, as importing one does on other workers."""
    calls = []

    class Official(AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            calls.append(context.function_name)

    async def later(req, context): ...

    simulated.load(lambda req, context: None, name="orders")
    simulated.invoke("orders")
    simulated.load(later)
    simulated.invoke("later")
    assert calls == ["orders", "later"]


def test_without_the_flag_the_classic_worker_calls_no_official_hook(monkeypatch):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "")
    calls = []

    class Official(AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            calls.append(1)

    with worker("classic") as made:
        made.load(lambda req, context: None, name="orders")
        made.invoke("orders")
    assert calls == []


def test_a_function_that_is_loaded_again_takes_the_place_of_the_first(simulated):
    define()
    simulated.load(lambda req: "old", name="orders")
    assert simulated.invoke("orders").value == "old"
    simulated.load(lambda req: "new", name="orders")
    result = simulated.invoke("orders")
    assert (result.value, result.attributes["after"]) == ("new", "new")


def test_a_module_that_is_imported_again_replaces_its_extension(simulated, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    text = "from ext_sdk import AppExtension\nclass Own(AppExtension):\n    @classmethod\n    def around_invocation(cls, invocation):\n        invocation.attributes['own'] = {0}\n        yield\n"
    (tmp_path / "own_extension.py").write_text(text.format(1))
    module = importlib.import_module("own_extension")
    simulated.load(lambda req: None, name="orders")
    assert simulated.invoke("orders").attributes == {"own": 1}
    (tmp_path / "own_extension.py").write_text(text.format(22))
    simulated.reload(module)
    assert simulated.invoke("orders").attributes == {"own": 22}
    assert [one.name for one in extensions()] == ["Own"]
    del sys.modules["own_extension"]


def test_the_environment_of_an_app_takes_the_place_of_the_one_before(simulated, monkeypatch):
    monkeypatch.setenv("EXT_OLD", "1")
    simulated.reload_environment({"EXT_NEW": "1"})
    assert ("EXT_OLD" in os.environ, os.environ["EXT_NEW"]) == (False, "1")


def test_everything_is_put_back():
    before = dict(os.environ), dict(sys.modules)
    with worker("classic"):
        assert "AzureWebJobsScriptRoot" in os.environ
    assert (dict(os.environ), dict(sys.modules)) == before


def test_a_function_that_is_not_loaded_is_named(simulated):
    simulated.load(lambda req: None, name="orders")
    with pytest.raises(LookupError) as caught:
        simulated.invoke("order")
    assert str(caught.value) == "The worker has no function 'order'. Loaded are: orders."


def test_a_generation_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="generation") as caught, worker("new"):
        pass
    assert str(caught.value) == (
        "There is no generation 'new': there are 'classic', 'runtime', 'runtime_v1', 'unknown'."
    )  # fmt: skip


def test_what_has_no_name_is_given_one(simulated):
    with pytest.raises(TypeError) as caught:
        simulated.load(partial(print, "ok"))
    assert str(caught.value) == (
        "functools.partial(<built-in function print>, 'ok') has no name of its own: give load(function, name=...)."
    )
