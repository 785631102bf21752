"""What the import of an extension does to the process."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import signal
import socket
import sys
import threading
import time as clock
import warnings
from typing import TYPE_CHECKING, Any

from ext_devkit.check.seen import SeenError, expect
from ext_devkit.check.subject import Subject
from ext_sdk import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 1.0
"""Seconds that an import may take. A whole cold start has some seconds; the extensions of this project take 0.1."""

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


def time(target: str) -> None:
    """Measure the import beyond azure.functions and ext_sdk, which this process has imported."""
    started, working = clock.perf_counter(), clock.process_time()
    Subject.named(target)
    # Processor time, so that a machine that is busy with other things changes nothing; and sleeping counts as well.
    slept = clock.perf_counter() - started
    took = max(clock.process_time() - working, slept if slept > 5 * LONGEST else 0.0)
    expect(took <= LONGEST, f"its import takes {took:.1f} s; {LONGEST:g} s is the limit.")


def network(target: str) -> None:
    """Refuse sockets meanwhile, and note who asked."""
    asked: list[str] = []

    def refuse(what: str) -> Any:
        def refused(*args: Any, **_: Any) -> Any:
            asked.append(f"{what}{args[-1:]}")
            raise OSError("no network during azfunc-ext check")

        return refused

    for owner, name in ((socket.socket, "connect"), (socket.socket, "connect_ex"), (socket, "getaddrinfo")):
        setattr(owner, name, refuse(name))
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
    handlers = {number: signal.getsignal(number) for number in _signals()}
    before = dict(os.environ), os.getcwd(), list(sys.path), list(warnings.filters)
    Subject.named(target)
    changed = [name for name in {*before[0], *os.environ} if before[0].get(name) != os.environ.get(name)]
    expect(not changed, f"its import changes the environment: {', '.join(sorted(changed))}.")
    expect(os.getcwd() == before[1], f"its import changes the working directory to {os.getcwd()}.")
    expect(sys.path == before[2], "its import changes sys.path.")
    replaced = [number.name for number, one in handlers.items() if _is_foreign(signal.getsignal(number), one)]
    expect(not replaced, f"its import replaces the handler of {', '.join(replaced)}.")
    added = [one for one in warnings.filters if one not in before[3] and one[0] in ("ignore", "error")]
    expect(not any(one[1] is None and one[2] is Warning for one in added), "its import silences all warnings.")


def logging_setup(target: str) -> None:
    """Compare the root logger, before and after."""
    root = logging.getLogger()
    theirs = logging.NullHandler()  # as a worker's handler is there
    root.addHandler(theirs)
    handlers, level, disabled = list(root.handlers), root.level, logging.root.manager.disable
    Subject.named(target)
    expect(theirs in root.handlers, "its import removes the worker's handler from the root logger.")
    writing = [one for one in root.handlers if one not in handlers and isinstance(one, logging.StreamHandler)]
    expect(not writing, f"its import adds a handler that writes to the root logger: {writing[:1]}.")
    expect(root.level == level, f"its import sets the root logger's level to {logging.getLevelName(root.level)}.")
    expect(logging.root.manager.disable == disabled, "its import disables logging.")


def output(target: str) -> None:
    """See what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        Subject.named(target)
    said = (out.getvalue() + err.getvalue()).strip()
    expect(not said, f"its import prints {said.splitlines()[0] if said else ''!r}.")


def reload(target: str) -> None:
    """Import its modules again, as a worker that indexes an app anew does; one extension must stay one."""
    subject = Subject.named(target)
    subject.extension.__module__.partition(".")
    with _counted() as before:
        for _ in range(3):
            importlib.reload(sys.modules[subject.extension.__module__])
    after = _counts()
    for what, count in after.items():
        expect(count <= before[what] + (what == "threads"), f"three imports make {count} {what} of {before[what]}.")


@contextlib.contextmanager
def _counted() -> Iterator[dict[str, int]]:
    yield _counts()


def _counts() -> dict[str, int]:
    root = logging.getLogger()
    return {
        "extensions": len(registry.active()),
        "handlers of the root logger": len(root.handlers),
        "filters of the root logger's handlers": sum(len(one.filters) for one in root.handlers),
        "threads": threading.active_count(),
    }


def _signals() -> list[signal.Signals]:
    return [one for one in (signal.SIGTERM, signal.SIGINT) if isinstance(one, signal.Signals)]


def _is_foreign(now: Any, before: Any) -> bool:
    """Whether another handler is there than before, and not ext_sdk's, which passes signals on."""
    return now != before and not getattr(now, "__module__", "").startswith("ext_sdk")
