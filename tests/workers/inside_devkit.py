"""Runs inside a child process: the devkit's own host, without its web server.

Usage: python inside_devkit.py APP. Lines of JSON go in (requests) and out (answers); see drive.py.
"""

from __future__ import annotations

import asyncio
import sys
import traceback

from azure.functions.meta import Datum
from json_lines import say, serve_each

from ext_devkit.errors import DevkitError
from ext_devkit.host import FunctionHost


def texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(type="string", value=value) for name, value in values.items()}


async def serve(request: dict, host: FunctionHost) -> None:
    (route,) = (route for route in host.routes if route.name == request["function"])
    value = texts({"method": request["method"], "url": request["url"]}) | {
        "headers": texts(request["headers"]),
        "query": texts(request["query"]),
        "params": {},
        "body": Datum(type="bytes", value=request["body"].encode()),
    }
    info = host.registry.get_function(route.function_id)
    datum = Datum(type="http", value=value)
    outcome = await host.invoker._outcome(info, request["id"], datum, {"traceparent": request["traceparent"]})
    if outcome.error is None:
        response = outcome.result
        say(id=request["id"], ok=True, status=response.status_code, body=response.body.decode(),
            headers=dict(response.headers))  # fmt: skip
    else:
        error = outcome.error
        say(id=request["id"], ok=False, error=f"{type(error).__name__}: {error}",
            stack="".join(traceback.format_exception(error)))  # fmt: skip


async def main(app: str) -> None:
    try:
        host = FunctionHost.load(app)
    except DevkitError as error:
        say(failed=str(error))
        return
    say(ready=[route.name for route in host.routes], worker="azfunc-ext-devkit")
    await serve_each(lambda request: serve(request, host))
    host.unload()


asyncio.run(main(sys.argv[1]))
