"""What is active, and what replaces what."""

from __future__ import annotations

import importlib
import sys

import azure.functions
import pytest

from ext_sdk import AppExtension, ExtensionError, FuncExtension, extensions
from tests.support.lifecycle import Context, invoke


def names():
    return [one.name for one in extensions()]


def test_defining_an_extension_activates_it():
    class Mine(AppExtension):
        pass

    assert "Mine" in names()


def test_an_abstract_extension_is_never_active():
    class Base(AppExtension, abstract=True):
        pass

    class Derived(Base):
        pass

    assert "Derived" in names()
    assert "Base" not in names()


def test_our_extensions_are_official_ones():
    class Mine(AppExtension):
        pass

    assert issubclass(Mine, azure.functions.AppExtensionBase)
    assert issubclass(FuncExtension, azure.functions.FuncExtensionBase)


def test_a_reload_replaces_and_does_not_add(tmp_path, monkeypatch):
    source = "from ext_sdk import AppExtension\nclass Reloaded(AppExtension):\n    pass\n"
    (tmp_path / "reloaded.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("reloaded")
    importlib.reload(module)
    assert names().count("Reloaded") == 1
    sys.modules.pop("reloaded")


def test_a_module_imported_under_two_names_gives_one_extension_with_one_set_of_settings(tmp_path, monkeypatch):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "shared.py").write_text(
        "from dataclasses import dataclass\nfrom ext_sdk import AppExtension\n"
        "class Twice(AppExtension):\n    @dataclass\n    class Settings:\n        n: int = 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "pkg")
    monkeypatch.syspath_prepend(tmp_path)
    first = importlib.import_module("shared")
    first.Twice.configure(n=1)
    second = importlib.import_module("pkg.shared")
    assert names().count("Twice") == 1
    assert second.Twice.settings().n == 1
    sys.modules.pop("shared")
    sys.modules.pop("pkg.shared")


def test_init_runs_once_when_the_class_is_defined():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def init(cls):
            seen.append(cls.__name__)

    assert seen == ["Mine"]


def test_a_failing_init_leaves_the_app_importable_and_the_extension_out(caplog):
    class Mine(AppExtension):
        @classmethod
        def init(cls):
            raise ValueError("no disk")

    assert "Mine" not in names()
    assert caplog.messages == ["Mine.init() failed, so the extension is not active: no disk"]


def test_an_app_level_extension_has_no_instances():
    class Mine(AppExtension):
        pass

    with pytest.raises(ExtensionError) as caught:
        Mine()
    assert str(caught.value) == (
        "Mine is an app-level extension and has no instances: importing it activates it, Mine.configure(...) sets it up."
    )


def test_the_load_hook_runs_once_for_each_function():
    seen = []

    class Mine(AppExtension):
        @classmethod
        def post_function_load_app_level(cls, function_name, function_directory):
            seen.append((function_name, function_directory))

    invoke(lambda: None, name="A")
    invoke(lambda: None, name="A")
    invoke(lambda: None, name="B")
    assert seen == [("A", "/app/A"), ("B", "/app/B")]


class Recorder(FuncExtension):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []

    def post_function_load(self, function_name, function_directory):
        self.seen.append("load")

    def pre_invocation(self, logger, context, func_args):
        self.seen.append("pre")
        self.attributes["n"] = context.invocation_id

    def post_invocation(self, logger, context, func_args, func_ret):
        self.seen.append("post")

    def invocation_failed(self, logger, context, func_args, error):
        self.seen.append("failed")


def test_a_function_level_extension_runs_for_its_function_alone():
    mine = Recorder(function="HttpTrigger")
    invoke(lambda: None)
    invoke(lambda: None, name="Other")
    assert mine.seen == ["load", "pre", "post"]


def test_a_function_level_extension_sees_failures():
    mine = Recorder(function="httptrigger")

    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        invoke(fail)
    assert mine.seen == ["load", "pre", "failed"]


def test_the_function_is_told_from_the_triggers_own_file(monkeypatch):
    monkeypatch.setenv("AzureWebJobsScriptRoot", "/app")
    mine = Recorder("/app/HttpTrigger/__init__.py")
    invoke(lambda: None)
    assert mine.seen == ["load", "pre", "post"]


def test_outside_a_function_app_the_folder_names_the_function(monkeypatch):
    monkeypatch.delenv("AzureWebJobsScriptRoot", raising=False)
    mine = Recorder("/somewhere/HttpTrigger/__init__.py")
    invoke(lambda: None)
    assert mine.seen == ["load", "pre", "post"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "/elsewhere/x.py",
            "Recorder('/elsewhere/x.py'): the file is outside the function app '/app'. "
            'Pass the trigger\'s own __file__, or name the function: Recorder(function="name").',
        ),
        (
            "/app/function_app.py",
            "Recorder('/app/function_app.py'): the file is in no function's folder, so its function cannot be told. "
            'In function_app.py name the function: Recorder(function="name").',
        ),
    ],
)
def test_a_file_that_tells_no_function_is_refused_with_the_cure(monkeypatch, path, said):
    monkeypatch.setenv("AzureWebJobsScriptRoot", "/app")
    with pytest.raises(ExtensionError) as caught:
        Recorder(path)
    assert str(caught.value) == said


def test_a_function_level_extension_needs_its_function():
    with pytest.raises(ExtensionError) as caught:
        Recorder()
    assert str(caught.value) == (
        "Recorder belongs to one function: make it with Recorder(__file__) in the function's folder, "
        'or Recorder(function="name").'
    )


def test_a_constructor_that_forgets_its_base_is_told_so():
    class Forgetful(FuncExtension):
        def __init__(self, file_path):
            pass

    with pytest.raises(ExtensionError) as caught:
        Forgetful(__file__)
    assert str(caught.value) == (
        "Forgetful.__init__ did not call super().__init__(file_path), so its function is unknown."
    )


def test_an_instances_attributes_are_its_own_and_fresh_each_time():
    mine, other = Recorder(function="HttpTrigger"), Recorder(function="HttpTrigger")
    seen = []
    for number in ("1", "2"):
        invoke(lambda: seen.append((dict(mine.attributes), mine.attributes is other.attributes)),
               context=Context(invocation_id=number))  # fmt: skip
    assert seen == [({"n": "1"}, False), ({"n": "2"}, False)]


def test_attributes_can_be_used_outside_of_an_invocation():
    mine = Recorder(function="HttpTrigger")
    mine.attributes["x"] = 1
    assert mine.attributes == {"x": 1}


def test_a_remade_instance_replaces_the_one_from_the_same_line():
    made = [Recorder(function="HttpTrigger") for _ in range(2)]
    invoke(lambda: None)
    assert [one.seen for one in made] == [[], ["load", "pre", "post"]]
