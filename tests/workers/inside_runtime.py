"""Runs inside a child process: the library runtimes of Python >= 3.13, with stand-ins for the protocol's messages.

Usage: python inside_runtime.py APP LOADED. Lines of JSON go in (requests) and out (answers); see drive.py. An APP
that is an empty folder makes it a placeholder: it waits for the app before it chooses a runtime, as the proxy does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from forward import forward
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


class Host:
    """The host's part: what it asks the runtime, in which order."""

    def __init__(self, loaded: dict[str, str] | None) -> None:
        self.loaded = loaded
        self.ids: dict[str, str] = {}
        self.uri: str | None = None

    async def ask(self, name: str, **content: object) -> SimpleNamespace:
        request = SimpleNamespace(**{name: SimpleNamespace(**content)})
        call = SimpleNamespace(request=request, properties={"host": "127.0.0.1", "protos": protos})
        answer = await getattr(self.runtime, name)(call)
        if name != "invocation_request" and answer.result.status != protos.StatusResult.Success:
            raise RuntimeError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
        return answer

    def choose(self, app: Path) -> None:
        """Import the runtime of the app's model, as the proxy does."""
        package = "azure_functions_runtime" if (app / "function_app.py").exists() else "azure_functions_runtime_v1"
        self.runtime = import_module(package)
        self.version = f"{package} {version(package.replace('_', '-'))}"
        import_module(package + ".utils.threadpool").start_threadpool_executor()

    async def start(self, app: Path) -> None:
        sys.path.insert(0, str(app))
        self.choose(app)
        await self.load(app, await self.ask("worker_init_request", capabilities={}, function_app_directory=str(app)))

    async def specialize(self, app: Path, environment: dict[str, str]) -> None:
        self.choose(app)
        reload = "function_environment_reload_request"
        await self.load(app, await self.ask(reload, function_app_directory=str(app), environment_variables=environment))

    async def load(self, app: Path, started: SimpleNamespace) -> None:
        self.uri = started.capabilities.get("HttpUri")
        if self.loaded is not None and self.runtime.__name__ == "azure_functions_runtime":
            self.ids = self.loaded
        else:
            found = await self.ask("functions_metadata_request")
            self.ids = {one.name: one.function_id for one in found.function_metadata_results or ()}
        for spec in sorted(app.glob("*/function.json")):
            name = spec.parent.name
            self.ids[name] = f"id-of-{name}"
            await self.ask("function_load_request", function_id=self.ids[name], metadata=v1_metadata(spec.parent))
        say(ready=self.ids, worker=self.version)

    async def serve(self, request: dict) -> None:
        if "environment" in request:
            await self.specialize(Path(request["app"]), request["environment"])
            return
        forwarded = asyncio.to_thread(forward, self.uri, request) if self.uri and "http" in request else nothing()
        answer, response = await asyncio.gather(self.invoke(request), forwarded)
        if answer.result.status == protos.StatusResult.Success:
            outputs = {
                one.name: one.data.WhichOneof("") and vars(one.data)[one.data.WhichOneof("")]
                for one in answer.output_data
            }
            say(id=request["id"], ok=True, outputs=outputs, **(response or result_of(answer.return_value)))
        else:
            error = answer.result.exception
            say(id=request["id"], ok=False, error=error.message, stack=error.stack_trace, **(response or {}))

    async def invoke(self, request: dict) -> SimpleNamespace:
        return await self.ask(
            "invocation_request", invocation_id=request["id"], function_id=self.ids[request["function"]],
            input_data=[
                SimpleNamespace(name=name, data=data, WhichOneof=lambda _: "data") for name, data in inputs_of(request)
            ],
            trigger_metadata={name: data_of(one) for name, one in request["metadata"].items()},
            trace_context=SimpleNamespace(trace_parent=request["traceparent"], trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )  # fmt: skip


async def nothing() -> None:
    pass


def inputs_of(request: dict) -> list[tuple[str, Message]]:
    if "inputs" in request:
        return [(name, data_of(one)) for name, one in request["inputs"].items()]
    http = request["http"]
    return [("req", Message(http=Message(**(http | {"body": Message(bytes=http["body"].encode())}))))]


def data_of(one: dict) -> Message:
    return Message(**{kind: Message(string=value) if isinstance(value, list) else value for kind, value in one.items()})


def result_of(value: Message | None) -> dict:
    kind = value and value.WhichOneof("")
    if kind != "http":
        return {"value": kind and vars(value)[kind]}
    http = value.http
    return {"status": int(http.status_code), "body": http.body.bytes.decode(), "headers": dict(http.headers)}


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


async def main(app: Path, loaded: dict[str, str] | None) -> None:
    logging.getLogger().setLevel(logging.INFO)  # as the proxy does
    host = Host(loaded)
    try:
        if any(app.iterdir()):
            await host.start(app)
        else:
            say(ready={}, worker="none yet")
    except Exception as error:
        say(failed=str(error))
        return
    await serve_each(host.serve)


asyncio.run(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
