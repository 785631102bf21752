"""On every worker: functions of another trigger than HTTP, and names that no function has."""

from __future__ import annotations

import json

import pytest

from tests.workers import apps, drive

BODY = """
    note("function", found=item.get_body().decode())
    copy.set("copy of " + item.get_body().decode())
    if item.get_body() == b"bad":
        raise ValueError("boom")
"""
HEAD = "def {name}(item: func.QueueMessage, copy: func.Out[str]) -> None:" + BODY
IMPORTS = "import azure.functions as func\nimport recorder\nfrom notes import note\n"
NAMES = {"take": HEAD, "take_async": "async " + HEAD}
BINDINGS = [
    {"type": "queueTrigger", "direction": "in", "name": "item", "queueName": "orders", "connection": "Q"},
    {"type": "queue", "direction": "out", "name": "copy", "queueName": "copies", "connection": "Q"},
]


@pytest.fixture
def app(folder, model):
    app = apps.write(folder(), model, [], extensions=[])
    if model == "v1":
        files = {f"{name}/function.json": json.dumps({"bindings": BINDINGS}) for name in NAMES}
        files |= {f"{name}/__init__.py": IMPORTS + source.replace("{name}", "main") for name, source in NAMES.items()}
        return apps.write_files(app, files)
    decorators = (
        '\n@app.queue_trigger(arg_name="item", queue_name="orders", connection="Q")'
        '\n@app.queue_output(arg_name="copy", queue_name="copies", connection="Q")\n'
    )
    functions = "".join(decorators + source.replace("{name}", name) for name, source in NAMES.items())
    return apps.write_files(app, {"function_app.py": IMPORTS + "app = func.FunctionApp()\n" + functions})


def test_a_queue_function_has_its_trigger_its_output_and_each_hook_once(kind, app):
    with drive.Worker(kind, app) as worker:
        for name in NAMES:
            answer = worker.invoke(name, inputs={"item": {"string": "good"}})
            assert (answer["ok"], answer["value"], answer["outputs"]) == (True, None, {"copy": "copy of good"})
            assert worker.hooks(answer["id"]) == ["pre", "in", "function", "out", "post"]
            (seen,) = [one for one in worker.records(answer["id"]) if one["what"] == "in"]
            assert seen["trigger"] == ["item", "queueTrigger", None]

            failed = worker.invoke(name, inputs={"item": {"string": "bad"}})
            assert (failed["ok"], failed["error"]) == (False, "ValueError: boom")
            assert worker.hooks(failed["id"]) == ["pre", "in", "function", "out", "failed"]


def test_a_function_level_extension_for_a_name_that_no_function_has_stops_the_app_and_lists_the_functions(kind, app):
    script = app / "function_app.py"
    script = script if script.exists() else app / "take" / "__init__.py"
    script.write_text(script.read_text() + '\nrecorder.Audit(function="tkae")\n')

    with pytest.raises(RuntimeError) as failed:
        drive.Worker(kind, app).__enter__()

    assert "tkae" in str(failed.value)
    assert "take, take_async" in str(failed.value)
