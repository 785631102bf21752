"""The ends of a process: a fork, SIGTERM, and the interpreter's exit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from ext_devkit.check import subject as subjects
from ext_devkit.check.functions import says_ok
from ext_devkit.check.seen import NotHereError, SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import registry
from ext_sdk.testing import run

GRACE = 5.0
"""Seconds that a process may take to end; the host waits about as long."""

_SHUTDOWN = 0.5
_LATE = 1.0
"""Seconds more than given that a slow machine may need."""

_PROGRAM = """
import sys, time
from ext_devkit.check.ends import uses
uses({target!r}, {settings!r})
print("ready", flush=True)
{then}
"""


def uses(target: str, settings: dict[str, Any]) -> Subject:
    """Have the extension take part in some invocations of this process, and leave it active."""
    subjects.settings.update(settings)
    subject = Subject.named(target)
    subject.settle()
    for _ in range(5):
        run(says_ok)
    return subject


def shutdown(target: str) -> str:
    """Have it deliver what it holds within half a second."""
    subject = uses(target, {})
    hooks = [one.hook("shutdown") for one in registry.active() if one.type is subject.extension]
    took = 0.0
    for hook in filter(None, hooks):
        started = time.monotonic()
        thread = threading.Thread(target=_quietly, args=(hook, _SHUTDOWN), daemon=True)
        thread.start()
        thread.join(_SHUTDOWN + _LATE)
        took = max(took, time.monotonic() - started)
        expect(not thread.is_alive(), f"shutdown({_SHUTDOWN:g}) goes on for more than {_SHUTDOWN + _LATE:g} s.")
    return f"{took:.2f} s"


def fork(target: str) -> None:
    """Fork after some invocations, and go on in the child."""
    if not hasattr(os, "fork"):
        raise NotHereError("this system has no fork.")
    uses(target, {})
    child = os.fork()
    if child == 0:
        run(says_ok)
        os._exit(0 if run(says_ok).error is None else 1)
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
        raise NotHereError("this system has no SIGTERM that a process could handle.")
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
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    last = "nothing was said"
    for line in process.stdout:
        if line == "ready\n":
            return process
        last = line.strip() or last
    raise SeenError(f"its process ended before it was ready: {last}")


def _expect_end(process: subprocess.Popen[str], started: float, seen: str) -> None:
    try:
        process.communicate(timeout=max(0.1, GRACE + 1 - (time.monotonic() - started)))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise SeenError(f"{seen} {GRACE:g} s.") from None


def _quietly(hook: Any, seconds: float) -> None:
    # What it raises is ext_sdk's to catch.
    with contextlib.suppress(Exception):
        hook(seconds)
