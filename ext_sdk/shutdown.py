"""Flush and stop: within a deadline, at `flush()`, on SIGTERM and at interpreter exit.

No worker tells the app that it is about to stop, and SIGTERM ends Python without running `atexit`.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from ext_sdk import registry

if TYPE_CHECKING:
    from types import FrameType

GRACE = 4.0
"""Seconds for all extensions together when the process ends. The host gives a worker about 5 s."""

_log = logging.getLogger("ext_sdk")
_armed = False
_previous: Any = None


def flush(timeout: float = 5.0) -> bool:
    """Have every extension deliver what it holds, within `timeout` seconds in all.

    Returns whether all of them were done in time, and none failed or said that something is left. It returns at the
    deadline in any case; what is not done then goes on in the background.
    """
    deadline = monotonic() + max(0.0, timeout)
    result: list[bool] = []
    done = threading.Event()

    def work() -> None:
        try:
            result.append(_stop_all(deadline))
        finally:
            done.set()

    try:
        threading.Thread(target=work, name="ext_sdk-flush", daemon=True).start()
    except RuntimeError:  # Python 3.12 and later start no thread once the interpreter is on its way out
        work()
    done.wait(max(0.0, deadline - monotonic()))
    return result == [True]


def _stop_all(deadline: float) -> bool:
    complete = True
    for registration in registry.active():
        hook = registration.hook("shutdown")
        if hook is None:
            continue
        try:
            complete &= hook(max(0.0, deadline - monotonic())) is not False
        except Exception as error:
            complete = False
            registration.health.note("shutdown", "", error)
    return complete and monotonic() <= deadline


def arm() -> None:
    """See to it that extensions are stopped when the process ends; once per process."""
    global _armed, _previous
    if _armed:
        return
    _armed = True
    atexit.register(_at_exit)
    if threading.current_thread() is not threading.main_thread():
        _log.debug("SIGTERM is not watched: the first extension was imported outside the main thread.")
        return
    _previous = signal.getsignal(signal.SIGTERM)
    if _previous in (None, signal.SIG_IGN):  # set by something that is not Python, or ignored on purpose
        return
    signal.signal(signal.SIGTERM, _on_sigterm)


def _at_exit() -> None:
    flush(GRACE)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    flush(GRACE)
    if callable(_previous):
        _previous(number, frame)
        return
    # As if nobody had watched: the exit status has to tell the parent that SIGTERM ended the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
