"""On every worker: however many modules import an extension, and by whatever name, there is one of it."""

from __future__ import annotations

import json

from tests.workers import apps, drive

SHARED = """
from notes import note
from ext_sdk import AppExtension

class Shared(AppExtension):
    @classmethod
    def around_invocation(cls, invocation):
        note("in", invocation.context)
        yield
        note("out", invocation.context)
"""
FUNCTION = """
import azure.functions as func
{how}

def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("own")
"""
HOW = {
    "plainly": "import shared",
    "from_app": "from __app__ import shared",
    "both": "import shared\nimport __app__.shared",
    "relatively": "from .. import shared",
}
"""How the functions of a v1 app import a module of the app: `shared` and `__app__.shared` are two module objects."""

BINDINGS = json.dumps(
    {
        "bindings": [
            {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous"},
            {"type": "http", "direction": "out", "name": "$return"},
        ]
    }
)
V2 = """
import importlib
import azure.functions as func
import shared
from more import blueprint

importlib.reload(shared)
app = func.FunctionApp()
app.register_functions(blueprint)

@app.route(route="of/plainly")
def plainly(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("own")
"""
MORE = """
import azure.functions as func
import shared

blueprint = func.Blueprint()

@blueprint.route(route="of/both")
async def both(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("own")
"""


def test_an_extension_runs_once_whoever_imports_it_and_under_whichever_name(kind, model, folder):
    files = {"shared.py": SHARED}
    if model == "v1":
        files |= {f"{name}/__init__.py": FUNCTION.replace("{how}", how) for name, how in HOW.items()}
        files |= {f"{name}/function.json": BINDINGS for name in HOW}
    else:
        files |= {"function_app.py": V2, "more.py": MORE}
    app = apps.write_files(apps.write(folder(), model, [], extensions=[]), files)
    with drive.Worker(kind, app) as worker:
        for name in worker.functions:
            assert worker.hooks(worker.invoke(name)["id"]) == ["in", "out"]
