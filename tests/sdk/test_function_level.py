"""Function level: whose invocations an instance takes part in, and the attributes that it has for each."""

from __future__ import annotations

import pytest

from ext_sdk import ExtensionError, FuncExtension
from tests.support.lifecycle import Context, invoke


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


@pytest.mark.parametrize("root", ["link", "real"])
def test_the_apps_folder_may_be_spelled_in_two_ways(monkeypatch, tmp_path, root):
    (tmp_path / "real" / "HttpTrigger").mkdir(parents=True)
    (tmp_path / "real" / "HttpTrigger" / "function.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path / root))
    other = {"link": "real", "real": "link"}[root]
    assert str(Recorder(str(tmp_path / other / "HttpTrigger" / "__init__.py"))._binding) == "HttpTrigger"


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
            "In function_app.py decorate the function, one = Recorder() and @one, or name it: "
            'Recorder(function="name").',
        ),
    ],
)
def test_a_file_that_tells_no_function_is_refused_with_the_cure(monkeypatch, path, said):
    monkeypatch.setenv("AzureWebJobsScriptRoot", "/app")
    with pytest.raises(ExtensionError) as caught:
        Recorder(path)
    assert str(caught.value) == said


def test_a_function_level_extension_has_one_function_not_two():
    with pytest.raises(ExtensionError) as caught:
        Recorder(__file__, function="Other")
    assert str(caught.value) == (
        "Recorder belongs to one function: make it with Recorder(__file__) in the function's folder, "
        'or with Recorder(function="name"), not with both.'
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
