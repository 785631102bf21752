"""Start a function app in a real worker, and send it invocations."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WAIT = 60.0
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def why_not(kind: str) -> str:
    """Return why this kind of worker cannot run here; nothing if it can."""
    if kind == "runtime" and importlib.util.find_spec("azure_functions_runtime") is None:
        return "the library runtimes need Python 3.13 or later"
    if kind == "classic":
        folder = os.environ.get("AZURE_FUNCTIONS_WORKER", "")
        if sys.version_info >= (3, 13):
            return "the classic worker needs Python 3.12 or earlier"
        if not (Path(folder) / "azure_functions_worker").is_dir():
            return "AZURE_FUNCTIONS_WORKER names no folder that holds the classic worker"
    return ""


class Worker:
    """A worker process with an app; a context manager."""

    def __init__(self, kind: str, app: Path, **environment: str) -> None:
        self.kind = kind
        self.app = app
        self.record = app.parent / f"{app.name}.record"
        self._log = app.parent / f"{app.name}.log"
        self._stderr = self._log.open("w")
        self._waiting: dict[str, Future[dict[str, Any]]] = {"": Future()}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / f"inside_{kind}.py"), str(app)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True, cwd=app,
            env={**os.environ, "AzureWebJobsScriptRoot": str(app), "FUNCTIONS_WORKER_RUNTIME": "python",
                 "RECORD": str(self.record), **environment},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Worker:
        self._reader.start()
        started = self._waiting[""].result(WAIT)
        if "ready" not in started:
            self.__exit__()
            raise RuntimeError(f"the worker did not start: {started}\n{self._log.read_text()}")
        self.functions, self.version = started["ready"], started["worker"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(WAIT)
        self._reader.join(WAIT)
        self._process.stdout.close()
        self._stderr.close()

    def _read(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            answer["headers"] = {name.lower(): value for name, value in answer.get("headers", {}).items()}
            self._waiting.pop(answer.get("id", "")).set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError(f"the worker is gone\n{self._log.read_text()}"))

    def send(
        self, function: str, *, q: str = "x", traceparent: str = TRACEPARENT, **more: Any
    ) -> Future[dict[str, Any]]:
        """Send an HTTP request to a function; the future has the answer."""
        invocation_id = str(uuid.uuid4())
        answer = self._waiting[invocation_id] = Future()
        url = f"http://localhost/api/of/{function}?q={q}"
        request = {"method": "GET", "url": url, "headers": {}, "query": {"q": q}, "body": ""} | more
        request |= {"id": invocation_id, "function": function, "traceparent": traceparent}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return answer

    def invoke(self, function: str, **request: Any) -> dict[str, Any]:
        """Send an HTTP request to a function and return the answer."""
        return self.send(function, **request).result(WAIT)

    def terminate(self) -> int:
        """End the worker with SIGTERM and return the exit status of its process.

        The classic worker is a child of the process that we started, which sends the signal when its input ends.
        """
        if self.kind == "classic":
            self._process.stdin.close()
        else:
            self._process.terminate()
        return self._process.wait(WAIT)

    def recorded(self) -> list[dict[str, Any]]:
        """Return what the app's recorder wrote since the last call."""
        if not self.record.exists():
            return []
        lines = self.record.read_text().splitlines()
        self.record.unlink()
        return [json.loads(line) for line in lines]

    def log(self) -> str:
        """Return what the worker's process wrote to standard error."""
        return self._log.read_text()
