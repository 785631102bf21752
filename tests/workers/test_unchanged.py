"""On every worker: what the worker itself does with an app is the same with extensions and without."""

from __future__ import annotations

import json

import pytest

from tests.workers import apps, drive

BODY = """
    logging.info("plain, from %s", context.function_name)
    logging.getLogger("shop.orders").warning("of a logger of its own")
    print("printed")
    return func.HttpResponse(context.function_directory + " " + context.function_name)
"""
V2 = """
import logging
import azure.functions as func
{extension}
app = func.FunctionApp()

@app.route(route="of/sync")
def sync(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:{BODY}

@app.route(route="of/coroutine")
async def coroutine(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:{BODY}
"""
V1 = """
import logging
import azure.functions as func
{extension}

{head} main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:{BODY}
"""
BINDINGS = json.dumps(
    {
        "bindings": [
            {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"},
            {"type": "http", "direction": "out", "name": "$return"},
        ]
    }
)
NAMES = {"sync": "def", "coroutine": "async def"}


@pytest.fixture
def both(folder, model):
    """Write an app that never imports ext_sdk, and the same with an extension."""

    def write(extension):
        app = apps.write(folder(), model, [], extensions=[])
        text = {"v1": V1, "v2": V2}[model].replace("{BODY}", BODY).replace("{extension}", extension)
        if model == "v2":
            return apps.write_files(app, {"function_app.py": text})
        files = {f"{name}/function.json": BINDINGS for name in NAMES}
        files |= {f"{name}/__init__.py": text.replace("{head}", head) for name, head in NAMES.items()}
        return apps.write_files(app, files)

    return write(""), write("import recorder")


def observed(kind, app):
    """Return what the caller gets, and what the host gets for its log, of one call of each function."""
    with drive.Worker(kind, app) as worker:
        answers = [worker.invoke(name) for name in NAMES]
        hooks = worker.hooks()
    bodies = [answer["body"].replace(str(app), "APP") for answer in answers]
    logs = [
        (log["category"], log["level"], log["system"], log["message"])
        for answer in answers
        for log in worker.logs
        if log["id"] == answer["id"] and not log["system"]
    ]
    return bodies, logs, hooks


def test_function_directory_and_log_records_are_those_of_the_app_without_extensions(kind, both):
    without, with_extension = [observed(kind, app) for app in both]

    assert with_extension[:2] == without[:2]
    assert with_extension[2] == ["pre", "in", "out", "post"] * 2
    assert without[2] == []
    if kind in drive.GRPC:
        assert [log[0] for log in without[1]] == ["root", "shop.orders"] * 2
