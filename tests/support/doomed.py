"""Processes that hand over items until they are killed, and say of each invocation when it has ended.

A nursery process has everything imported and forks them: one starts in a few milliseconds, and is a process all the same.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

ITEMS = 3
"""Items of each invocation."""


class Nursery:
    """Context manager that starts and kills such processes."""

    def __init__(self) -> None:
        self.ended: dict[str, list[str]] = {}
        """The invocations of each process that said that they had ended."""
        self.killed: list[str] = []
        self.killed_at: dict[str, float] = {}
        """When the order to kill a process was given, by the monotonic clock."""
        self._changed = threading.Condition()

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_until(lambda: "ready" in self.ended)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._reader.join(30)
        self._process.stdout.close()
        self._process.stderr.close()

    def start(self, name: str, kind: str, target: str, journal: str) -> None:
        """Start a process; `kind` is the name of a function below."""
        self._tell({"start": name, "kind": kind, "target": target, "journal": journal})

    def kill(self, name: str) -> None:
        """Kill a process at once, and wait until all that it said has come."""
        self.killed_at[name] = time.monotonic()
        self._tell({"kill": name})
        self.wait_until(lambda: name in self.killed)

    def wait_until(self, condition: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 30.0)

    def end(self) -> str:
        """End the nursery itself; return what it and its processes wrote to standard error."""
        self._process.stdin.close()
        return self._process.stderr.read()

    def _tell(self, order: dict[str, str]) -> None:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout:
            name, _, what = line.rstrip("\n").partition(" ")
            with self._changed:
                if what == "killed":
                    self.killed.append(name)
                elif name in self.killed:
                    raise AssertionError(f"{name} speaks after its death")
                else:
                    self.ended.setdefault(name, []).append(what)
                self._changed.notify_all()


def say(*words: str) -> None:
    """Write a line in one piece."""
    os.write(1, (" ".join(words) + "\n").encode())


def sends(name: str, target: str, journal: str, **more: str) -> None:
    """Use a channel as it is. `more`: properties of each item."""
    from ext_appinsights import Channel
    from tests.support.caller import event

    channel = Channel(target, journal=journal, interval=0.01, backoff=(0.01, 0.05), request_timeout=1.0)
    for number in range(100_000):
        channel.send([event(f"{name}/{number}/{part}", **more) for part in range(ITEMS)])
        channel.commit()
        say(name, str(number))
        time.sleep(0.002)


def fills(name: str, target: str, journal: str) -> None:
    """Send so much that a file of the journal is full after a tenth of a second."""
    sends(name, target, journal, ballast="0123456789" * 500)


def invokes(name: str, target: str, journal: str) -> None:
    """Run invocations through the lifecycle, traced, with an exporter of the app's own."""
    from ext_opentelemetry import AppInsightsSpanExporter, OpenTelemetryExtension

    exporter = AppInsightsSpanExporter(
        target, journal=journal, interval=0.01, backoff=(0.01, 0.05), request_timeout=1.0
    )
    OpenTelemetryExtension.configure(exporter=exporter, instrument=())
    _invocations(name)


def is_configured(name: str, target: str, journal: str) -> None:
    """The same with nothing but settings; it delivers at the end of each invocation, for a tenth of a second at most."""
    from ext_opentelemetry import OpenTelemetryExtension

    OpenTelemetryExtension.configure(connection_string=target, journal=journal, flush="invocation", instrument=())
    _invocations(name)


def _invocations(name: str) -> None:
    from opentelemetry import trace

    from ext_sdk.function import Trigger
    from tests.support.lifecycle import invoke

    tracer = trace.get_tracer(__name__)
    for number in range(100_000):

        def work(number: int = number) -> None:
            for part in range(1, ITEMS):
                tracer.start_span(f"{name}/{number}/{part}").end()

        invoke(work, name=f"{name}/{number}/0", trigger=Trigger("timer", "timerTrigger", {}))
        say(name, str(number))
        time.sleep(0.002)


def _sign_requests(name: str) -> None:
    """Have each request say whose it is."""
    from http.client import HTTPConnection

    from tests.support.faulty import PROCESS

    end_headers = HTTPConnection.endheaders

    def sign(self: HTTPConnection, *args: Any, **more: Any) -> None:
        self.putheader(PROCESS, name)
        end_headers(self, *args, **more)

    HTTPConnection.endheaders = sign  # type: ignore[method-assign]


def _main() -> None:
    # Not ext_opentelemetry: defining an extension starts the thread that minds signals, and only one is to be forked.
    import opentelemetry.sdk.trace.export  # noqa: F401
    import urllib3  # noqa: F401

    import ext_appinsights.transport  # noqa: F401
    import tests.support.lifecycle  # noqa: F401

    assert threading.active_count() == 1
    say("ready")
    children: dict[str, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "kill" in order:
            child = children.pop(order["kill"])
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, f"{order['kill']} had ended by itself"
            say(order["kill"], "killed")
            continue
        name = order["start"]
        children[name] = os.fork()
        if children[name] == 0:
            os.close(0)
            _sign_requests(name)
            globals()[order["kind"]](name, order["target"], order["journal"])
            os._exit(1)
    for child in children.values():
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    _main()
