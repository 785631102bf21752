"""Runs inside a child process: the library runtimes of Python >= 3.13, with stand-ins for the protocol's messages.

Usage: python inside_runtime.py APP. Lines of JSON go in (requests) and out (answers); see drive.py.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from json_lines import say, serve_each


class Message(SimpleNamespace):
    """Any message of the protocol: its fields are what it was made with."""

    def WhichOneof(self, _group: str) -> str | None:
        return next((name for name in vars(self) if vars(self)[name] is not None), None)


class Protos:
    """A module of message classes; the two with constants are spelt out, the rest carry fields only."""

    class StatusResult(Message):
        Failure, Success = 0, 1

    class BindingInfo(Message):
        undefined = None
        out, inout = 1, 2

    def __getattr__(self, name: str) -> type:
        if name.startswith("_"):
            raise AttributeError(name)
        return Message


protos = Protos()


def call(name: str, **content: object) -> SimpleNamespace:
    request = SimpleNamespace(**{name: SimpleNamespace(**content)})
    return SimpleNamespace(request=request, properties={"host": "127.0.0.1", "protos": protos})


def v1_metadata(folder: Path) -> SimpleNamespace:
    spec = json.loads((folder / "function.json").read_text())
    bindings = {
        one["name"]: Message(type=one["type"], direction={"in": 0, "out": 1}[one["direction"]], data_type=None)
        for one in spec["bindings"]
    }
    script = str(folder / spec.get("scriptFile", "__init__.py"))
    return SimpleNamespace(
        name=folder.name, directory=str(folder), script_file=script, entry_point=spec.get("entryPoint", ""),
        bindings=bindings, properties={},
    )  # fmt: skip


def failure(result: SimpleNamespace) -> str:
    return f"{result.exception.message}\n{result.exception.stack_trace}"


async def load(app: Path, runtime) -> dict[str, str]:
    """Return name -> id of the functions."""
    started = await runtime.worker_init_request(
        call("worker_init_request", capabilities={}, function_app_directory=str(app))
    )
    if started.result.status != protos.StatusResult.Success:
        raise RuntimeError(failure(started.result))
    found = await runtime.functions_metadata_request(call("functions_metadata_request"))
    if not found.use_default_metadata_indexing:
        return {one.name: one.function_id for one in found.function_metadata_results}
    ids = {}
    for spec in sorted(app.glob("*/function.json")):
        name = spec.parent.name
        ids[name] = f"id-of-{name}"
        loaded = await runtime.function_load_request(
            call("function_load_request", function_id=ids[name], metadata=v1_metadata(spec.parent))
        )
        if loaded.result.status != protos.StatusResult.Success:
            raise RuntimeError(failure(loaded.result))
    return ids


async def serve(request: dict, runtime, ids: dict[str, str]) -> None:
    http = Message(
        method=request["method"], url=request["url"], headers=request["headers"], params={}, query=request["query"],
        body=Message(bytes=request["body"].encode()),
    )  # fmt: skip
    context = SimpleNamespace(trace_parent=request["traceparent"], trace_state="", attributes={})
    retry = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)
    answer = await runtime.invocation_request(
        call(
            "invocation_request", invocation_id=request["id"], function_id=ids[request["function"]],
            input_data=[SimpleNamespace(name="req", data=Message(http=http), WhichOneof=lambda _: "data")],
            trigger_metadata={}, trace_context=context, retry_context=retry,
        )
    )  # fmt: skip
    if answer.result.status == protos.StatusResult.Success:
        result = answer.return_value.http
        say(id=request["id"], ok=True, status=int(result.status_code), body=result.body.bytes.decode(),
            headers=dict(result.headers))  # fmt: skip
    else:
        error = answer.result.exception
        say(id=request["id"], ok=False, error=error.message, stack=error.stack_trace)


async def main(app: Path) -> None:
    sys.path.insert(0, str(app))
    package = "azure_functions_runtime" if (app / "function_app.py").exists() else "azure_functions_runtime_v1"
    runtime = import_module(package)
    import_module(package + ".utils.threadpool").start_threadpool_executor()
    try:
        ids = await load(app, runtime)
    except Exception as error:
        say(failed=str(error))
        return
    say(ready=list(ids), worker=f"{package} {version(package.replace('_', '-'))}")
    await serve_each(lambda request: serve(request, runtime, ids))


asyncio.run(main(Path(sys.argv[1])))
