"""Apps of the v1 programming model: function.json beside code, imported as the workers import it."""

import sys

import pytest

from tests.support.host import HELLO_V1, http_json, request, serving, v1_app, write_app

ECHO_CONTEXT = """
import json
import azure.functions as func

def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    trace = context.trace_context
    return func.HttpResponse(json.dumps({
        "name": context.function_name, "directory": context.function_directory, "id": context.invocation_id,
        "parent": trace.trace_parent, "state": trace.trace_state, "attributes": trace.attributes,
        "Traceparent": trace.Traceparent, "Tracestate": trace.Tracestate, "Attributes": trace.Attributes,
        "retries": [context.retry_context.retry_count, context.retry_context.max_retry_count],
        "local": context.thread_local_storage.invocation_id,
    }))
"""


def test_a_function_answers_below_api_under_its_folders_name(tmp_path):
    with serving(v1_app(tmp_path)) as url:
        answer = request(f"{url}/api/Hello")

    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.header("content-type") == ["text/plain; charset=utf-8"]


def test_an_async_function_is_awaited(tmp_path):
    code = """
import asyncio

async def main(req):
    await asyncio.sleep(0)
    return "later"
"""
    with serving(v1_app(tmp_path, code)) as url:
        assert request(f"{url}/api/Hello").body == b"later"


def test_script_file_and_entry_point_name_the_code(tmp_path):
    """The guide's alternate entry point."""
    app = write_app(
        tmp_path,
        {
            "Hello/function.json": http_json(scriptFile="main.py", entryPoint="custom"),
            "Hello/main.py": "def custom(req):\n    return __name__",
        },
    )
    with serving(app) as url:
        assert request(f"{url}/api/Hello").body == b"__app__.Hello.main"


def test_two_functions_may_share_one_script_of_another_folder(tmp_path):
    app = write_app(
        tmp_path,
        {
            "A/function.json": http_json(scriptFile="../lib/both.py", entryPoint="a"),
            "B/function.json": http_json(scriptFile="../lib/both.py", entryPoint="b"),
            "lib/both.py": "count = 0\ndef a(req):\n    global count\n    count += 1\n    return ''\n"
            "def b(req):\n    return f'{__name__} {count}'",
        },
    )
    with serving(app) as url:
        request(f"{url}/api/A")
        assert request(f"{url}/api/B").body == b"__app__.lib.both 1"


def test_every_import_of_the_guide_works(tmp_path):
    """Absolute, relative, and the deprecated forms."""
    statements = {
        "Absolute": "from shared_code import tool",
        "Dotted": "import shared_code.tool as tool",
        "Deprecated": "from __app__.shared_code import tool",
        "Beyond": "from ..shared_code import tool",
        "Near": "from . import near as tool",
    }
    files = {"shared_code/__init__.py": "", "shared_code/tool.py": "WORD = 'found'", "Near/near.py": "WORD = 'found'"}
    for name, statement in statements.items():
        files[f"{name}/function.json"] = http_json()
        files[f"{name}/__init__.py"] = f"{statement}\n\ndef main(req):\n    return tool.WORD"

    with serving(write_app(tmp_path, files)) as url:
        found = {name: request(f"{url}/api/{name}").body for name in statements}

    assert found == dict.fromkeys(statements, b"found")


def test_the_context_says_who_runs_and_continues_the_callers_trace(tmp_path):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with serving(v1_app(tmp_path, ECHO_CONTEXT)) as url:
        seen = request(f"{url}/api/Hello", headers={"traceparent": parent, "tracestate": "a=1"}).json

    assert seen["name"] == "Hello"
    assert str(tmp_path / "Hello") == seen["directory"]
    assert seen["id"] == seen["local"]
    assert len("5fcd2c9e-6f6c-4a37-9a3e-6d0f5a4f9f43") == len(seen["id"])
    assert [parent, "a=1", {}] == [seen["parent"], seen["state"], seen["attributes"]]
    assert [parent, "a=1", {}] == [seen["Traceparent"], seen["Tracestate"], seen["Attributes"]]
    assert seen["retries"] == [0, 0]


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{'1' * 16}-01"])
def test_without_a_valid_traceparent_each_invocation_starts_a_sampled_trace(tmp_path, header: str):
    with serving(v1_app(tmp_path, ECHO_CONTEXT)) as url:
        first, second = (request(f"{url}/api/Hello", headers={"traceparent": header}).json for _ in range(2))

    version, trace_id, span_id, flags = first["parent"].split("-")
    assert (version, len(trace_id), len(span_id), flags) == ("00", 32, 16, "01")
    assert trace_id not in second["parent"]


def test_an_out_parameter_answers_in_place_of_the_result(tmp_path):
    code = """
import azure.functions as func

def main(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None:
    answer.set(func.HttpResponse("set", status_code=201))
"""
    binding = {"type": "http", "direction": "out", "name": "answer"}
    with serving(v1_app(tmp_path, code, binding, out=False)) as url:
        answer = request(f"{url}/api/Hello")

    assert (answer.status, answer.body) == (201, b"set")


def test_a_function_without_an_answer_gives_204(tmp_path):
    """The documented default of the HTTP trigger since runtime 2.x."""
    with serving(v1_app(tmp_path, "def main(req):\n    pass", out=False)) as url:
        answer = request(f"{url}/api/Hello")

    assert (answer.status, answer.body) == (204, b"")


def test_other_outputs_are_logged_and_not_delivered(tmp_path, capsys):
    code = """
import azure.functions as func

def main(req: func.HttpRequest, msg: func.Out[str]) -> str:
    msg.set("twelve chars")
    return "answered"
"""
    queue = {"type": "queue", "direction": "out", "name": "msg", "queueName": "q", "connection": "c"}
    import sys

    with serving(v1_app(tmp_path, code, queue), output=sys.stdout) as url:
        assert request(f"{url}/api/Hello").body == b"answered"

    expected = "Hello: output 'msg' (queue): string of length 12, not delivered from here"
    assert expected in capsys.readouterr().out


def test_a_generic_binding_lets_the_function_return_a_value_without_a_binding_for_it(tmp_path, capsys):
    """The workers' rule for binding types that azure.functions has no converter for."""
    import sys

    code = "def main(req, rows):\n    return 'a row'"
    table = {"type": "table", "direction": "out", "name": "rows", "tableName": "t", "connection": "c"}
    with serving(v1_app(tmp_path, code, table, out=False), output=sys.stdout) as url:
        assert request(f"{url}/api/Hello").status == 204

    assert "Hello: output '$return' (unnamed): string of length 5, not delivered" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["function.json", "app setting", "named setting"])
def test_a_disabled_function_is_neither_imported_nor_served(tmp_path, monkeypatch, where: str):
    disabled = {"function.json": True, "named setting": "OFF_SWITCH"}.get(where, False)
    monkeypatch.setenv("OFF_SWITCH", "1")
    if where == "app setting":
        monkeypatch.setenv("AzureWebJobs.Hello.Disabled", "true")
    app = v1_app(tmp_path, "raise RuntimeError", disabled=disabled)

    with serving(app) as url:
        assert request(f"{url}/api/Hello").status == 404


def test_functions_with_other_triggers_are_imported_but_not_served(tmp_path):
    """Their import counts: an extension that is imported in any trigger is active for the app."""
    timer = {"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 * * * *"}]}
    app = write_app(
        tmp_path,
        {
            "Hello/function.json": http_json(),
            "Hello/__init__.py": "import sys\ndef main(req):\n    return str('__app__.Tick' in sys.modules)",
            "Tick/function.json": timer,
            "Tick/__init__.py": "def main(timer):\n    pass",
        },
    )
    with serving(app) as url:
        assert request(f"{url}/api/Tick").status == 404
        assert request(f"{url}/api/Hello").body == b"True"


def test_leaving_gives_the_process_back(tmp_path):
    """Environment, import path and modules are what they were."""
    import os
    import sys

    app = write_app(
        tmp_path,
        {
            "Hello/function.json": http_json(),
            "Hello/__init__.py": "import os\nimport left_behind\nimport left_folder.inside\nos.environ['LEFT'] = '1'\n"
            + HELLO_V1,
            "left_behind.py": "",
            "left_folder/inside.py": "",
            "local.settings.json": {"Values": {"OF_THE_APP": "1"}},
        },
    )
    before = (dict(os.environ), list(sys.path))

    with serving(app):
        assert os.environ["OF_THE_APP"] == "1"
        assert str(app) == os.environ["AzureWebJobsScriptRoot"]  # noqa: SIM112

    assert before == (dict(os.environ), list(sys.path))
    assert not {"__app__", "__app__.Hello", "left_behind", "left_folder", "left_folder.inside"} & set(sys.modules)


def test_an_app_that_was_changed_is_seen_changed_when_it_is_loaded_again(tmp_path):
    for word in ("one", "another"):
        with serving(v1_app(tmp_path, f"def main(req):\n    return {word!r}")) as url:
            assert word.encode() == request(f"{url}/api/Hello").body


def test_a_traceback_begins_with_the_apps_own_code_though_packages_are_inside_its_folder(tmp_path, capsys):
    """A virtual environment in `.venv` of the app is not its code, and what wraps the function is in there."""
    packages = ".venv/lib/site-packages"
    wrapper = "def wrapped(function):\n    def main(req):\n        return function(req)\n    return main\n"
    code = f"""
import sys

sys.path.insert(0, {str(tmp_path / packages)!r})
from wraps_functions import wrapped

@wrapped
def main(req):
    raise ValueError("no")
"""
    app = v1_app(tmp_path, code)
    write_app(app, {f"{packages}/wraps_functions.py": wrapper})

    with serving(app, output=sys.stdout) as url:
        assert request(f"{url}/api/Hello").status == 500

    trace = capsys.readouterr().out.partition("Traceback (most recent call last):\n")[2].splitlines()
    assert trace[0].endswith('__init__.py", line 9, in main')
