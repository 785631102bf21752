"""Function apps on disk, the local host in this process or in one of its own, and plain HTTP requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner, Result

from ext_devkit.cli import main
from ext_devkit.host import HostServer

PATIENCE = 30
"""Seconds to wait for another process on a busy machine."""

HTTP_OUT = {"type": "http", "direction": "out", "name": "$return"}
HELLO_V1 = """
import azure.functions as func

def main(req: func.HttpRequest) -> str:
    return "hello"
"""


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """Send one request and read the response; the path goes out as it is written."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    with contextlib.closing(connection):
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, target or "/", body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())


def write_app(folder: Path, files: dict[str, str | dict[str, Any]]) -> Path:
    """Write the files of an app, dictionaries as JSON; host.json is added if it is not among them."""
    for name, content in {"host.json": {"version": "2.0"}, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return folder


def http_json(*more: dict[str, Any], out: bool = True, **trigger: Any) -> dict[str, Any]:
    """Return the function.json of an HTTP function; keywords `scriptFile`, `entryPoint` and `disabled` go to the top."""
    top = {key: trigger.pop(key) for key in ("scriptFile", "entryPoint", "disabled") if key in trigger}
    binding = {"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", **trigger}
    return {**top, "bindings": [binding, *([HTTP_OUT] if out else []), *more]}


def v1_app(folder: Path, code: str = HELLO_V1, *more: dict[str, Any], **trigger: Any) -> Path:
    """Write an app with one v1 function called Hello."""
    return write_app(folder, {"Hello/function.json": http_json(*more, **trigger), "Hello/__init__.py": code})


@contextlib.contextmanager
def serving(app: Path, **options: Any) -> Iterator[str]:
    """Serve an app in this process, on a thread; the value is its URL."""
    with HostServer(app, **options) as server:
        yield server.url


def run_in_vain(app: Path | str, *options: str) -> Result:
    """Call `azfunc-ext run` for an app that cannot be served."""
    return CliRunner().invoke(main, ["run", str(app), "--port", "0", "--insights", "off", *options])


def refusal(app: Path | str, *options: str) -> str:
    """Return the one line in which `azfunc-ext run` says why an app cannot be served."""
    result = run_in_vain(app, *options)
    lines = [line for line in result.stderr.splitlines() if line]
    assert (result.exit_code, len(lines)) == (1, 1), result.output
    return lines[0].removeprefix("Error: ")


class RunningHost:
    """`azfunc-ext run` in a process of its own; `lines` are what it has printed, `url` is where it serves."""

    def __init__(self, app: Path, *options: str, port: int | None = 0, **settings: str) -> None:
        chosen = [] if port is None else ["--port", str(port)]
        command = [sys.executable, "-m", "ext_devkit", "run", str(app), *chosen, *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **settings}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> RunningHost:
        try:
            self.wait_for("Press Ctrl-C")
        except BaseException:
            self.__exit__()
            raise
        shown = next(line for line in self.lines if "http://localhost:" in line)
        self.url = "http://" + urlsplit(shown.split()[-1]).netloc.replace("localhost", "127.0.0.1")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for(self, text: str) -> str:
        """Return the first line, from now on, that contains a text."""
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never printed:\n" + "\n".join(self.lines))

    def stop(self, *signals: signal.Signals) -> int:
        """Send signals and return the exit status."""
        for number in signals or (signal.SIGINT,):
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def rest(self) -> list[str]:
        """Return the lines that were not waited for, when the process has ended."""
        return list(iter(lambda: self._queue.get(timeout=PATIENCE), None))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)
