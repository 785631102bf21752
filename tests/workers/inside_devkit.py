"""Runs inside a child process: the devkit's own host, without its web server.

Usage: python inside_devkit.py APP LOADED. Lines of JSON go in (requests) and out (answers); see drive.py.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from contextvars import ContextVar
from types import SimpleNamespace
from urllib.parse import urlsplit

from azure.functions.meta import Datum
from json_lines import say, serve_each

from ext_devkit.errors import DevkitError
from ext_devkit.host import FunctionHost
from ext_devkit.host.answers import response_of


def texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(type="string", value=value) for name, value in values.items()}


def data_of(given: dict[str, dict]) -> dict[str, Datum]:
    return {
        name: Datum(type=kind, value=SimpleNamespace(string=value) if isinstance(value, list) else value)
        for name, one in given.items()
        for kind, value in one.items()
    }


def inputs_of(request: dict, trigger: str) -> dict[str, Datum]:
    if "inputs" in request:
        return data_of(request["inputs"])
    http = request["http"]
    value = texts({"method": http["method"], "url": http["url"]}) | {
        "headers": texts(http["headers"]),
        "query": texts(http["query"]),
        "params": texts(http["params"]),
        "body": Datum(type="bytes", value=http["body"].encode()),
    }
    return {trigger: Datum(type="http", value=value)}


async def serve(request: dict, host: FunctionHost, functions: dict) -> None:
    if host.web is not None and "http" in request:
        await serve_streamed(request, host)
        return
    info = functions[request["function"]]
    trigger = (info.trigger_metadata or {}).get("param_name", "")
    outcome = await host.invoker.call(
        info.function_id, inputs_of(request, trigger), invocation_id=request["id"],
        headers={"traceparent": request["traceparent"]}, trigger_metadata=data_of(request["metadata"]),
    )  # fmt: skip
    if outcome.error is not None:
        say(id=request["id"], ok=False, **failure(outcome.error))
        return
    answer = {
        "value": getattr(outcome.result, "value", None),
        "outputs": {n: d.value for n, d in outcome.outputs.items()},
    }
    if "http" in request:
        response = response_of(outcome)
        answer = {"status": response.status_code, "body": response.body.decode(), "headers": dict(response.headers),
                  "outputs": answer["outputs"]}  # fmt: skip
    say(id=request["id"], ok=True, **answer)


of_this_task: ContextVar[tuple[str, list]] = ContextVar("of_this_task")


def give_ids(host: FunctionHost) -> None:
    """Have the web application's invocations take the ids of the requests, and keep their outcomes."""
    call = host.invoker.call

    async def with_our_id(*args: object, **how: object) -> object:
        invocation_id, outcomes = of_this_task.get()
        outcomes.append(await call(*args, **(how | {"invocation_id": invocation_id})))
        return outcomes[0]

    host.invoker.call = with_our_id


async def serve_streamed(request: dict, host: FunctionHost) -> None:
    """Send the request through the host's web application, whose web framework makes the function's argument."""
    outcomes: list = []
    of_this_task.set((request["id"], outcomes))
    http = request["http"]
    url = urlsplit(http["url"])
    headers = {"traceparent": request["traceparent"], **http["headers"]}
    scope = {
        "type": "http", "method": http["method"], "path": url.path, "raw_path": url.path.encode(), "scheme": "http",
        "query_string": url.query.encode(), "headers": [(n.encode(), v.encode()) for n, v in headers.items()],
        "http_version": "1.1", "root_path": "", "server": ("localhost", 80), "client": ("localhost", 1),
    }  # fmt: skip
    sent: list[dict] = []
    received = iter([{"type": "http.request", "body": http["body"].encode(), "more_body": False}])

    async def receive() -> dict:
        return next(received, None) or await asyncio.Event().wait()

    async def send(message: dict) -> None:
        sent.append(message)

    await host.asgi(scope, receive, send)
    outcome, start = outcomes[0], sent[0]
    body = b"".join(one.get("body", b"") for one in sent[1:]).decode()
    answer = {"status": start["status"], "body": body, "headers": {n.decode(): v.decode() for n, v in start["headers"]}}
    answer["outputs"] = {name: datum.value for name, datum in outcome.outputs.items()}
    if outcome.error is None:
        say(id=request["id"], ok=True, **answer)
    else:
        say(id=request["id"], ok=False, **failure(outcome.error), **answer)


def failure(error: BaseException) -> dict[str, str]:
    return {"error": f"{type(error).__name__}: {error}", "stack": "".join(traceback.format_exception(error))}


async def main(app: str) -> None:
    logging.getLogger().setLevel(logging.INFO)  # as `azfunc-ext run` does
    try:
        host = FunctionHost.load(app)
    except DevkitError as error:
        say(failed=str(error))
        return
    if host.web is not None:
        give_ids(host)
    functions = {info.name: info for info in host.registry._functions.values()}
    say(ready={name: info.function_id for name, info in functions.items()}, worker="azfunc-ext-devkit")
    await serve_each(lambda request: serve(request, host, functions))
    host.unload()


asyncio.run(main(sys.argv[1]))
