"""Start a function app in a worker, and send it invocations."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import Future, TimeoutError  # noqa: A004 - one and the same from 3.11 on
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HERE = Path(__file__).parent
WAIT = 50.0
"""Seconds until a worker counts as stuck; pytest itself waits a little longer."""

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

GRPC = {"classic": "AZURE_FUNCTIONS_WORKER", "proxy": "AZURE_FUNCTIONS_PROXY_WORKER"}
"""The workers that are given from outside, and the environment variable that names the folder of each."""

PACKAGES = {"classic": "azure_functions_worker", "proxy": "proxy_worker"}


def why_not(kind: str) -> str:
    """Return why this kind of worker cannot run here; nothing if it can."""
    if kind == "classic" and sys.version_info >= (3, 13):
        return "the classic worker needs Python 3.12 or earlier"
    if kind in ("runtime", "proxy") and importlib.util.find_spec("azure_functions_runtime") is None:
        return "the library runtimes need Python 3.13 or later"
    if kind in GRPC and not (Path(os.environ.get(GRPC[kind], "")) / PACKAGES[kind] / "protos").is_dir():
        return f"{GRPC[kind]} names no folder that holds {PACKAGES[kind]} with its protocol modules"
    return ""


class Worker:
    """A worker process with an app; a context manager.

    With `placeholder` the worker starts without the app and its settings, and gets both by `specialize`. `loaded`, the
    `functions` of another worker, makes it a second worker of the same app, which the host does not ask for functions.
    `python` is the interpreter of another environment that has what the worker needs.
    """

    def __init__(
        self, kind: str, app: Path, *, placeholder: bool = False, loaded: dict[str, str] | None = None,
        python: str = sys.executable, **settings: str,
    ) -> None:  # fmt: skip
        self.kind, self.app, self.settings = kind, app, settings
        self.record = app.parent / f"{app.name}.record"
        self._log = app.parent / f"{app.name}.log"
        self._stderr = self._log.open("w")
        self._records: list[dict[str, Any]] = []
        self._read_to = 0
        self._waiting: dict[str, Future[dict[str, Any]]] = {"": Future()}
        self.logs: list[dict[str, Any]] = []
        """What the worker sent to the host's log; the workers that are driven over gRPC only."""

        start = app
        if placeholder:
            start = app.parent / "placeholder"
            start.mkdir()
        inside = "grpc" if kind in GRPC else kind
        arguments = [str(HERE / f"inside_{inside}.py"), str(start), json.dumps(loaded)]
        arguments += [PACKAGES[kind], os.environ[GRPC[kind]]] if kind in GRPC else []
        self._process = subprocess.Popen(
            [python, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True, cwd=start,
            env={**_plain(), "AzureWebJobsScriptRoot": str(start)} if placeholder else self.environment(),
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)

    def environment(self) -> dict[str, str]:
        """Return the whole environment that the app is to have."""
        return {**_plain(), "AzureWebJobsScriptRoot": str(self.app), "RECORD": str(self.record), **self.settings}

    def __enter__(self) -> Worker:
        self._reader.start()
        self._loaded(self._waiting[""])
        return self

    def __exit__(self, *_: object) -> None:
        if not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(WAIT)
        finally:
            self._process.kill()
        self._reader.join(WAIT)
        self._process.stdout.close()
        self._stderr.close()

    def _loaded(self, answer: Future[dict[str, Any]]) -> None:
        try:
            started = answer.result(WAIT)
        except TimeoutError:
            started = {"failed": "it is stuck"}
            self._process.kill()
        if "ready" not in started:
            self.__exit__()
            raise RuntimeError(f"the worker did not start: {started}\n{self.log()}")
        self.functions, self.version = started["ready"], started["worker"]

    def _read(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            if "log" in answer:
                self.logs.append(answer["log"])
                continue
            answer["headers"] = {name.lower(): value for name, value in answer.get("headers", {}).items()}
            self._waiting.pop(answer.get("id", "")).set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError(f"the worker is gone\n{self.log()}"))

    def _tell(self, **request: Any) -> None:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def specialize(self) -> None:
        """Give a placeholder the app and its environment, as the host does with FunctionEnvironmentReloadRequest."""
        self._waiting[""] = answer = Future()
        self._tell(app=str(self.app), environment=self.environment())
        self._loaded(answer)

    def send(
        self,
        function: str,
        *,
        q: str = "x",
        url: str = "",
        params: dict[str, str] | None = None,
        method: str = "GET",
        body: str = "",
        headers: dict[str, str] | None = None,
        inputs: dict[str, dict[str, Any]] | None = None,
        metadata: dict[str, dict[str, Any]] | None = None,
        traceparent: str = TRACEPARENT,
    ) -> Future[dict[str, Any]]:
        """Invoke a function, by an HTTP request unless `inputs` are given; the future has the answer.

        `url` is that of the request, else there is one with the query `q`; `params` are what the route took from it.
        `inputs` are the values of the bindings by name, each as the one field of a TypedData: {"json": "1"}, or
        {"collection_string": ["a", "b"]}; `metadata` is what the host tells of the trigger beside its value, likewise.
        """
        invocation_id = str(uuid.uuid4())
        answer = self._waiting[invocation_id] = Future()
        answer.invocation_id = invocation_id
        url = url or f"http://localhost/api/of/{function}?q={q}"
        http = {"method": method, "url": url, "headers": headers or {}, "params": params or {}, "body": body}
        http["query"] = dict(parse_qsl(urlsplit(url).query))
        what = {"http": http} if inputs is None else {"inputs": inputs}
        self._tell(id=invocation_id, function=function, traceparent=traceparent, metadata=metadata or {}, **what)
        return answer

    def invoke(self, function: str, **request: Any) -> dict[str, Any]:
        """Invoke a function and return the answer: `ok`, then `status`, `body` ... or `error` and `stack`."""
        return self.send(function, **request).result(WAIT)

    def end(self, number: signal.Signals) -> int:
        """End the worker with a signal and return the exit status of its process."""
        if self.kind in GRPC:  # the worker is a child of the process that we started
            self._tell(signal=int(number))
        else:
            self._process.send_signal(number)
        return self._process.wait(WAIT)

    def records(self, invocation_id: str | None = None) -> list[dict[str, Any]]:
        """Return what the app wrote down so far, in all or of one invocation."""
        if self.record.exists():
            with self.record.open() as file:
                file.seek(self._read_to)
                while (line := file.readline()).endswith("\n"):
                    self._records.append(json.loads(line))
                    self._read_to = file.tell()
        return [one for one in self._records if invocation_id in (None, one["id"])]

    def wait_for(self, what: str, invocation_id: str) -> list[dict[str, Any]]:
        """Return what an invocation wrote down as soon as it has written this."""
        end = time.monotonic() + WAIT
        while not any(one["what"] == what for one in self.records(invocation_id)):
            assert time.monotonic() < end, f"no {what!r} in {self.records(invocation_id)}\n{self.log()}"
            time.sleep(0.01)
        return self.records(invocation_id)

    def hooks(self, invocation_id: str | None = None) -> list[str]:
        """Return what happened in an invocation by name; the calls of load hooks are left out."""
        return [one["what"] for one in self.records(invocation_id) if not one["what"].endswith("load")]

    def log(self) -> str:
        """Return what the worker's process wrote to standard error, and to the host's log."""
        return self._log.read_text()


def _plain() -> dict[str, str]:
    """Return the environment of a worker that has no app yet."""
    ours = ("EXT_", "PYTHON_", "OTEL_", "APPLICATIONINSIGHTS_", "ELASTIC_APM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "FUNCTIONS_WORKER_RUNTIME": "python"}
