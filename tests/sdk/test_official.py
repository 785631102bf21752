"""Extensions that know azure-functions' own base classes only: driven by the seam where no worker calls them."""

from __future__ import annotations

import sys
from types import ModuleType

import azure.functions as func
import pytest
from azure.functions import AppExtensionBase, FuncExtensionBase
from azure.functions.extension import ExtensionMeta

from ext_sdk import AppExtension, extensions, workers
from ext_sdk.workers import driving
from tests.support.lifecycle import Context
from tests.support.worker_module import FunctionInfo, new_worker


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """A familiar worker that calls no hooks of its own."""
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    return module


@pytest.fixture
def seen():
    return []


def define(seen, name="Old"):
    """Define an app-level extension of the official kind."""

    class Old(AppExtensionBase):
        @classmethod
        def init(cls):
            seen.append(f"{name} init")

        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory, *args, **kwargs):
            seen.append(f"{name} load {function_name}")

        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            seen.append(f"{name} pre {context.invocation_id} {sorted(func_args)}")

        @classmethod
        def post_invocation_app_level(cls, logger, context, func_args=None, func_ret=None, *args, **kwargs):
            seen.append(f"{name} post {func_ret}")

    return Old


def call(worker, function=lambda req: req, *, name="HttpTrigger"):
    worker.registry.functions.setdefault(name, FunctionInfo(function, name=name))
    return worker.registry.get_function(name).func(req=1, context=Context(function_name=name))


WHOLE = ["Old load HttpTrigger", "Old pre 8f07ec1b ['req']", "Old post 1"]


def test_a_class_that_was_defined_before_is_driven_once_per_call(worker, seen):
    define(seen)
    workers.install()
    call(worker)
    call(worker)
    assert seen == ["Old init", *WHOLE, *WHOLE[1:]]


def test_a_class_that_is_defined_later_takes_part_from_then_on(worker, seen):
    workers.install()
    call(worker)
    define(seen)
    call(worker)
    assert seen == ["Old init", *WHOLE]


def test_a_class_with_static_hooks_alone_is_found(worker, seen):
    class Old(AppExtensionBase):
        @staticmethod
        def post_function_load_app_level(function_name, function_directory, *args, **kwargs):
            seen.append("load")

        @staticmethod
        def pre_invocation_app_level(logger, context, func_args=None, *args, **kwargs):
            seen.append("pre")

        @staticmethod
        def post_invocation_app_level(logger, context, func_args=None, func_ret=None, *args, **kwargs):
            seen.append("post")

    class Older(Old):
        """Which the official registry takes for one more, with the same hooks."""

    workers.install()
    call(worker)
    assert seen == ["load", "load", "pre", "pre", "post", "post"]
    assert [one.name for one in extensions()] == ["Old", "Older"]


def test_a_class_that_a_reload_defines_again_is_still_one(worker, seen):
    workers.install()
    define(seen)
    define(seen)
    call(worker)
    assert seen == ["Old init", "Old init", *WHOLE]


def test_a_second_copy_of_the_framework_does_not_take_it_over_twice(worker, seen, monkeypatch):
    workers.install()
    monkeypatch.setattr(driving, "_seams", {})
    workers.install()
    define(seen)
    call(worker)
    assert seen == ["Old init", *WHOLE]


def test_it_hears_nothing_of_a_failure_as_ever(worker, seen):
    workers.install()
    define(seen)

    def function(req):
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        call(worker, function)
    assert seen[1:] == WHOLE[:2]


def test_it_runs_inside_of_ours_and_is_left_before(worker, seen):
    define(seen)

    class New(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            seen.append("New in")
            yield
            seen.append("New out")

    workers.install()
    call(worker)
    assert [one for one in seen if "init" not in one and "load" not in one] == ["New in", *WHOLE[1:], "New out"]


def test_a_failing_one_is_isolated_named_and_counted(worker, seen, caplog):
    class Old(AppExtensionBase):
        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            raise RuntimeError("down")

    workers.install()
    assert call(worker) == 1
    assert caplog.messages[0].startswith("Old.pre_invocation_app_level failed in function 'HttpTrigger'")
    (status,) = extensions()
    assert (status.name, status.level, status.failures) == ("Old", "app", {"pre_invocation_app_level": 1})


def test_a_coroutine_hook_is_named_as_one_that_does_not_run(worker, caplog):
    class Old(AppExtensionBase):
        @classmethod
        async def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            raise AssertionError

    workers.install()
    assert call(worker) == 1
    assert caplog.messages == [
        "Old.pre_invocation_app_level is a coroutine function, which no worker awaits: it does not run."
    ]


def test_a_function_level_instance_takes_part_in_its_v1_function(worker, seen, tmp_path):
    class Old(FuncExtensionBase):
        def __init__(self, file_path):
            super().__init__(file_path)

        def pre_invocation(self, logger, context, func_args=None, *args, **kwargs):
            seen.append(f"pre {context.function_name}")

        def post_invocation(self, logger, context, func_args=None, func_ret=None, *args, **kwargs):
            seen.append(f"post {func_ret}")

    Old(str(tmp_path / "HttpTrigger" / "__init__.py"))
    workers.install()
    Old(str(tmp_path / "Late" / "__init__.py"))
    for name in ("HttpTrigger", "Late", "Other"):
        call(worker, name=name)
    assert seen == ["pre HttpTrigger", "post 1", "pre Late", "post 1"]


def test_on_the_classic_worker_they_are_left_to_the_worker(worker, seen, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure_functions_worker", ModuleType("azure_functions_worker"))
    define(seen)
    workers.install()
    call(worker)
    assert seen == ["Old init"]
    assert extensions() == []
    assert len(ExtensionMeta.get_application_hooks().pre_invocation_app_level) == 1


def test_a_class_whose_registration_fails_fails_as_ever(worker):
    workers.install()
    with pytest.raises(ZeroDivisionError):

        class Old(AppExtensionBase):
            @classmethod
            def init(cls):
                raise ZeroDivisionError

    assert extensions() == []


def test_installing_again_does_not_watch_azure_functions_once_more(worker):
    original = ExtensionMeta._register_application_extension
    for _ in range(3):
        workers.install()
    watched = ExtensionMeta._register_application_extension
    assert watched is not original
    assert watched.__wrapped__ == original


def test_outside_of_a_worker_they_are_left_alone(seen):
    define(seen)
    workers.install()
    define(seen, "Late")
    assert extensions() == []


def test_attributes_of_its_own_that_are_named_like_ours_mean_nothing(worker, seen):
    class Old(AppExtensionBase):
        order = "first"
        critical = True

        @classmethod
        def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
            raise RuntimeError("down")

    workers.install()
    assert call(worker) == 1
    (status,) = extensions()
    assert (status.order, status.critical) == (0, False)


def test_its_load_hook_runs_once_however_often_the_registry_is_read(worker, seen, tmp_path):
    class Old(FuncExtensionBase):
        def __init__(self, file_path):
            super().__init__(file_path)

        def post_function_load(self, function_name, function_directory, *args, **kwargs):
            seen.append(f"instance load {function_name}")

    define(seen)
    Old(str(tmp_path / "HttpTrigger" / "__init__.py"))
    for _ in range(2):
        workers.install()
        call(worker)
    assert [one for one in seen if "load" in one] == ["Old load HttpTrigger", "instance load HttpTrigger"]


def test_an_instance_for_a_function_that_is_not_there_is_no_error_as_ever(worker, tmp_path, caplog):
    class Old(FuncExtensionBase):
        def __init__(self, file_path):
            super().__init__(file_path)

    Old(str(tmp_path / "function_app.py"))
    workers.install()
    app = func.FunctionApp()
    assert app.get_functions() == []
    assert [record for record in caplog.records if record.name == "ext_sdk"] == []
