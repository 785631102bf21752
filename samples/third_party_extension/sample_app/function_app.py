"""A function app that uses the extension: `azfunc-ext run sample_app`."""

import json
import time

import azure.functions as func
from ext_sdk import extensions

import slow_calls  # noqa: F401 - importing it switches the extension on; local.settings.json has its limit

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="fast")
def fast(req: func.HttpRequest) -> str:
    return "at once"


@app.route(route="slow")
def slow(req: func.HttpRequest) -> str:
    time.sleep(0.2)
    return "at last"


@app.route(route="counted")
def counted(req: func.HttpRequest) -> str:
    (status,) = (one for one in extensions() if one.name == "SlowCallsExtension")
    return json.dumps(dict(status.facts))
