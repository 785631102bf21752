"""An extension on the real library runtimes of Python 3.13 and later.

They are azure-functions-runtime for v2 apps and azure-functions-runtime-v1 for v1 apps, called as the process that the
host starts calls them, with stand-ins for the protocol's messages, which carry fields only. Each runs in a process of
its own: `python -m ext_devkit.check.real TARGET SETTINGS MODEL`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from os import _exit, environ
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from ext_devkit.check import subject as subjects
from ext_devkit.check.seen import NotHereError, SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import workers
from ext_sdk.testing import run

RUNTIMES = {"v2": "azure_functions_runtime", "v1": "azure_functions_runtime_v1"}
_ENDS = 14.0

_APP = "from ext_devkit.check import real\n\napp = real.app()\n"
_FUNCTION = "from ext_devkit.check import real\n\nmain = real.function({name!r})\n"
_BINDINGS = {
    "scriptFile": "__init__.py",
    "bindings": [
        {"type": "httpTrigger", "direction": "in", "name": "req", "methods": ["get"], "authLevel": "anonymous"},
        {"type": "http", "direction": "out", "name": "$return"},
    ],
}


def _returns(req: func.HttpRequest) -> str:  # noqa: ARG001 - here and below: as functions of apps are
    return "ok"


async def _awaits(req: func.HttpRequest) -> str:  # noqa: ARG001
    await asyncio.sleep(0)
    return "ok"


def _raises(req: func.HttpRequest) -> str:  # noqa: ARG001
    raise ValueError("the function's own")


FUNCTIONS = {"returns": _returns, "awaits": _awaits, "raises": _raises}
_subject: list[Subject] = []


def runtimes(target: str) -> str:
    """Load an app of each model on the real runtimes, and have its functions return, be awaited and raise."""
    here = {model: package for model, package in RUNTIMES.items() if find_spec(package) is not None}
    if not here:
        raise NotHereError("azure_functions_runtime is not installed; it needs Python 3.13.")
    for model, package in here.items():
        try:
            done = subprocess.run(
                [sys.executable, "-m", __name__, target, json.dumps(subjects.settings), model],
                capture_output=True, text=True, check=False, timeout=_ENDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SeenError(f"on {package} three calls take more than {_ENDS:g} s.") from None
        said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        expect(done.returncode in (0, 1), f"on {package} its process ends with {done.returncode}: {said}")
        expect(done.returncode == 0, f"on {package}, with a {model} app, {said}")
    return ", ".join(f"{one.replace('_', '-')} {version(one.replace('_', '-'))}" for one in here.values())


def app() -> func.FunctionApp:
    """Return the v2 app; called from its function_app.py."""
    made = func.FunctionApp()
    for name, written in FUNCTIONS.items():
        made.function_name(name)(made.route(name, auth_level=func.AuthLevel.ANONYMOUS)(written))
        _load(name)
    return made


def function(name: str) -> Any:
    """Return a function of the v1 app; called from its module."""
    _load(name)
    return FUNCTIONS[name]


def _load(name: str) -> None:
    if not _subject:
        _subject.append(Subject.named(sys.argv[1]))
        workers.install()  # as importing any extension of ext_sdk does; one of the official kind does not
        _subject[0].configure()
    _subject[0].attach(name, by_path=sys.argv[3] == "v1")


class _Message(SimpleNamespace):
    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the protocol's spelling
        return next((name for name, value in vars(self).items() if value is not None), None)


class _Protos:
    class StatusResult(_Message):
        Failure, Success = 0, 1

    class BindingInfo(_Message):
        undefined = None
        out, inout = 1, 2

    def __getattr__(self, name: str) -> type:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Message


class _Host:
    """The host's part: what it asks a runtime, in which order."""

    def __init__(self, model: str, folder: Path) -> None:
        self._folder = folder
        self._protos = _Protos()
        self._runtime = import_module(RUNTIMES[model])
        import_module(f"{RUNTIMES[model]}.utils.threadpool").start_threadpool_executor()

    async def load(self, model: str) -> dict[str, str]:
        """Load the app, and return the ids of its functions."""
        folder = str(self._folder)
        self._expect_success(await self._ask("worker_init_request", capabilities={}, function_app_directory=folder))
        if model == "v2":
            found = await self._ask("functions_metadata_request")
            self._expect_success(found)
            return {one.name: one.function_id for one in found.function_metadata_results or ()}
        for name in FUNCTIONS:
            self._expect_success(
                await self._ask("function_load_request", function_id=name, metadata=_metadata(self._folder / name))
            )
        return {name: name for name in FUNCTIONS}

    async def invoke(self, function_id: str) -> tuple[str, str]:
        """Return what the host gets: the value, and the exception."""
        http = {"method": "GET", "url": "http://localhost/api", "headers": {}, "params": {}, "query": {}}
        sent = _Message(http=_Message(**http, body=_Message(bytes=b"")))
        answer = await self._ask(
            "invocation_request", invocation_id=f"of {function_id}", function_id=function_id, trigger_metadata={},
            input_data=[SimpleNamespace(name="req", data=sent, WhichOneof=lambda _: "data")],
            trace_context=_Message(trace_parent=f"00-{'1' * 32}-{'2' * 16}-01", trace_state="", attributes={}),
            retry_context=_Message(retry_count=0, max_retry_count=0, exception=None),
        )  # fmt: skip
        if answer.result.status != _Protos.StatusResult.Success:
            return "", answer.result.exception.message
        return getattr(answer.return_value, "string", repr(answer.return_value)), ""

    async def _ask(self, name: str, **content: Any) -> Any:
        call = SimpleNamespace(
            request=SimpleNamespace(**{name: SimpleNamespace(**content)}),
            properties={"host": "127.0.0.1", "protos": self._protos},
        )
        return await getattr(self._runtime, name)(call)

    def _expect_success(self, answer: Any) -> None:
        if answer.result.status != _Protos.StatusResult.Success:
            raise SeenError(f"the app is not loaded: {answer.result.exception.message}")


def _metadata(folder: Path) -> SimpleNamespace:
    directions = {"in": 0, "out": 1}
    bindings = {
        one["name"]: _Message(type=one["type"], direction=directions[one["direction"]], data_type=None)
        for one in json.loads((folder / "function.json").read_text("utf-8"))["bindings"]
    }
    return SimpleNamespace(
        name=folder.name, directory=str(folder), script_file=str(folder / "__init__.py"), entry_point="",
        bindings=bindings, properties={},
    )  # fmt: skip


def _write(folder: Path, model: str) -> None:
    (folder / "host.json").write_text('{"version": "2.0"}', "utf-8")
    if model == "v2":
        (folder / "function_app.py").write_text(_APP, "utf-8")
        return
    for name in FUNCTIONS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(_FUNCTION.format(name=name), "utf-8")
        (folder / name / "function.json").write_text(json.dumps(_BINDINGS), "utf-8")


async def _serve(model: str, folder: Path) -> None:
    host = _Host(model, folder)
    ids = await host.load(model)
    (subject,) = _subject
    # An outcome that it changes without a worker as well, or a hook that fails there, is told by other checks.
    returns_own = run(_returns, function_name="returns").value == "ok"
    raises_own = run(_raises, function_name="raises").error is not None
    subject.accept_failures()
    before = subject.calls()
    for name in FUNCTIONS:
        value, error = await host.invoke(ids[name])
        raises = name == "raises"
        fine = "the function's own" in error if raises else (value, error) == ("ok", "")
        done = "raises ValueError" if raises else "returns 'ok'"
        expect(
            fine or not (raises_own if raises else returns_own),
            f"the function {name!r} {done}, and the host gets {error or value!r}.",
        )
    subject.expect_no_failures()
    calls = subject.calls() - before
    expect(not subject.takes_part or calls == len(FUNCTIONS), f"it takes part in {calls} of {len(FUNCTIONS)} calls.")


def main(_target: str, settings: str, model: str) -> None:
    """Serve an app in this process; what was seen is the last line of standard error."""
    subjects.settings.update(json.loads(settings))
    with tempfile.TemporaryDirectory(prefix="app-") as name:
        folder = Path(name)
        _write(folder, model)
        environ.update({"AzureWebJobsScriptRoot": name, "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"})
        sys.path.insert(0, name)
        seen = ""
        try:
            asyncio.run(_serve(model, folder))
        except SeenError as error:
            seen = str(error)
    print(seen, file=sys.stderr, flush=True)
    _exit(1 if seen else 0)  # not by way of the interpreter's exit, which is a check of its own


if __name__ == "__main__":
    import_module("ext_devkit.check.real").main(*sys.argv[1:])
