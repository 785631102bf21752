"""The ends of a process: a fork, SIGTERM, and the interpreter's exit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from ext_devkit.check import subject as subjects
from ext_devkit.check.calls import _attach
from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk.testing import run
from ext_sdk.workers import official

GRACE = 5.0
"""Seconds that a process may take to end; the host waits about as long."""

_PROGRAM = """
import sys, time
from ext_devkit.check.ends import uses
uses({target!r}, {settings!r})
print("ready", flush=True)
{then}
"""


def uses(target: str, settings: dict[str, Any]) -> None:
    """Have the extension take part in some invocations of this process, and leave it active."""
    subject = Subject.named(target)
    if not subject.is_ours:
        official.adopt()
    if settings:
        subject.extension.configure(**settings)
    _attach(subject, "HttpTrigger")
    for _ in range(5):
        run(_function)


def fork(target: str) -> None:
    """Fork after some invocations, and go on in the child."""
    if not hasattr(os, "fork"):
        return
    uses(target, subjects.settings)
    child = os.fork()
    if child == 0:
        run(_function)
        os._exit(0 if run(_function).value == "ok" else 1)
    ended = time.monotonic() + GRACE * 2
    while time.monotonic() < ended:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            expect(os.waitstatus_to_exitcode(status) == 0, "a function fails in the child of a fork.")
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise SeenError("in the child of a fork a call does not return: it waits for a lock or a thread of the parent.")


def sigterm(target: str) -> None:
    """Send SIGTERM to a process that waits, and measure how long it goes on."""
    if sys.platform == "win32":
        return
    process = _started(target, "while True: time.sleep(1)")
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _expect_end(process, started, "after SIGTERM its process goes on for more than")


def leaves(target: str) -> None:
    """Let a process come to its end."""
    process = _started(target, "")
    _expect_end(process, time.monotonic(), "its process does not end by itself within")


def _started(target: str, then: str) -> subprocess.Popen[str]:
    program = _PROGRAM.format(target=target, settings=subjects.settings, then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if line == "ready\n":
            return process
    said = process.stderr.read().strip().splitlines()
    raise SeenError(f"its process ended before it was ready: {said[-1] if said else 'nothing was said'}")


def _expect_end(process: subprocess.Popen[str], started: float, seen: str) -> None:
    try:
        process.communicate(timeout=max(0.1, GRACE + 1 - (time.monotonic() - started)))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise SeenError(f"{seen} {GRACE:g} s.") from None


def _function(**_: Any) -> str:
    return "ok"
