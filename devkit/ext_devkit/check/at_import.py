"""What the import of an extension does to the process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import socket
import subprocess
import sys
import threading
import time as clock
from statistics import median
from typing import Any, NamedTuple

from ext_devkit.check.functions import says_ok
from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.state import Logging, Process
from ext_devkit.check.subject import Subject
from ext_sdk import registry
from ext_sdk.testing import run

LONGEST = 6.0
"""How many times the processor time that azure.functions and ext_sdk take themselves an import may take. The heaviest
extensions of this project take once that, the published one for OpenCensus three or four times."""

WAITING = 2.0
"""Seconds that it may wait, for whatever that is not the processor."""

_PROGRAM = """
import json, os, sys, time
from importlib import import_module
started = time.process_time()
import azure.functions, ext_sdk
beside = time.process_time() - started
from ext_devkit.check import undisturbed
known = len(sys.modules)
clock, started = undisturbed.seconds(), time.process_time()
import_module({module!r})
took = time.process_time() - started
waited = undisturbed.seconds() - clock - took
print("\\n" + json.dumps([took, beside, waited, len(sys.modules) - known]), flush=True)
os._exit(0)
"""

_PATIENCE = 0.3
"""Seconds in which what an import has started shows itself."""


def imports(target: str) -> None:
    """Import it and have it registered."""
    try:
        subject = Subject.named(target)
    except SystemExit as error:
        raise SeenError(f"importing it ends the process: SystemExit({error.code!r}).") from error
    if subject.is_ours and subject.is_app_level:
        expect(any(one.type is subject.extension for one in registry.active()), "it is not active after its import.")
    try:
        with subject.alone():
            subject.attach()
    except Exception as error:
        what = "its configure() fails" if subject.is_app_level else "no instance of it can be made"
        raise SeenError(f"{what}: {type(error).__name__}: {error}") from error


def time(target: str) -> str:
    """Measure the import beside that of azure.functions and ext_sdk, each time in a new process."""
    runs = [_imported(target)]
    if runs[0].is_near:  # then the machine may have been busy
        runs += [_imported(target), _imported(target)]
    took, beside = median(one.took for one in runs), median(one.beside for one in runs)
    waited = min(one.waited for one in runs)
    measured = f"{took:.2f} s, {took / beside:.1f} times what azure.functions takes, {runs[0].modules} modules"
    expect(took <= LONGEST * beside, f"its import takes {measured}; {LONGEST:g} times is the limit.")
    expect(waited <= WAITING, f"its import waits {waited:.1f} s; {WAITING:g} s is the limit.")
    return measured


class _Run(NamedTuple):
    """The seconds of the processor for the import and for what is there before, those that it waits, and modules."""

    took: float
    beside: float
    waited: float
    modules: int

    @property
    def is_near(self) -> bool:
        return self.took > LONGEST * self.beside / 2 or self.waited > WAITING / 2


def _imported(target: str) -> _Run:
    program = _PROGRAM.format(module=target.rpartition(":" if ":" in target else ".")[0])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SeenError(f"it cannot be imported: {(done.stderr.strip().splitlines() or ['nothing was said'])[-1]}")
    return _Run(*json.loads(done.stdout.splitlines()[-1]))


def network(target: str) -> None:
    """Refuse sockets meanwhile, and note who asked."""
    asked: list[str] = []

    def refuse(what: str) -> Any:
        def refused(*args: Any, **_: Any) -> Any:
            asked.append(what)
            raise OSError(f"no network during azfunc-ext check, {what} of {args[-1:]}")

        return refused

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, refuse(name))
    for name in ("getaddrinfo", "gethostbyname"):
        setattr(socket, name, refuse(name))
    try:
        Subject.named(target)
    except OSError as error:
        raise SeenError(f"its import asks for the network, and fails without it: {error}") from error
    clock.sleep(_PATIENCE)
    expect(not asked, f"its import asks for the network: {', '.join(asked[:3])}.")


def threads(target: str) -> None:
    """See which threads there are afterwards; the one that ext_sdk parks for signals is not counted."""
    before = set(threading.enumerate())
    Subject.named(target)
    clock.sleep(_PATIENCE)
    new = [one.name for one in threading.enumerate() if one not in before and not one.name.startswith("ext_sdk-")]
    expect(not new, f"its import starts {len(new)} thread(s): {', '.join(new[:3])}.")


def process(target: str) -> None:
    """Compare what belongs to the app, before and after."""
    before = Process()
    Subject.named(target)
    before.expect_unchanged("its import")


def logging_setup(target: str) -> None:
    """Compare the root logger, before and after."""
    before = Logging()
    Subject.named(target)
    before.expect_unchanged("its import")


def output(target: str) -> None:
    """See what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        Subject.named(target)
    said = (out.getvalue() + err.getvalue()).strip()
    expect(not said, f"its import prints {said.splitlines()[0] if said else ''!r}.")


def reload(target: str) -> None:
    """Import its module again, as a worker that indexes an app anew does; one extension must stay one."""
    subject = Subject.named(target)
    before = _counts()
    for _ in range(3):
        importlib.reload(sys.modules[subject.extension.__module__])
    for what, count in _counts().items():
        expect(count <= before[what] + (what == "threads"), f"three imports make {count} {what} of {before[what]}.")
    # As its module has it now: a package that names it too has still the one before.
    again = Subject(getattr(sys.modules[subject.extension.__module__], subject.extension.__name__))
    again.settle()
    done = run(says_ok)
    expect(done.error is None, f"after it a function fails: {done.error!r}.")
    expect(not again.takes_part or again.calls() == 1, f"after it an invocation has it {again.calls()} times.")


def _counts() -> dict[str, int]:
    root = logging.getLogger()
    return {
        "extensions": len(registry.active()),
        "handlers of the root logger": len(root.handlers),
        "filters of the root logger's handlers": sum(len(one.filters) for one in root.handlers),
        "threads": threading.active_count(),
    }
