"""Flush and stop: within a deadline, at `flush()`, on SIGTERM and at interpreter exit.

No worker tells the app that it is about to stop, and SIGTERM ends Python without running `atexit`.
"""

from __future__ import annotations

import atexit
import threading
from time import monotonic

from ext_sdk import registry, sigterm

GRACE = 4.0
"""Seconds for all extensions together when the process ends. The host gives a worker about 5 s."""

_armed = False
_watched = False


def flush(timeout: float = 5.0) -> bool:
    """Have every extension deliver what it holds, within `timeout` seconds in all.

    Returns whether all of them were done in time, and none failed or said that something is left. It returns at the
    deadline in any case; what is not done then goes on in the background. (At interpreter exit on Python 3.12, which
    then starts no thread, a hook that does not keep to its `timeout` is waited for.)
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
        except BaseException as error:  # a hook that calls sys.exit() must not cost the others their turn
            complete = False
            registration.health.note("shutdown", "", error)
    return complete and monotonic() <= deadline


def arm() -> None:
    """See to it that extensions are stopped when the process ends; once per process, when one has a use for it."""
    global _armed, _watched
    if (_armed and _watched) or all(registration.hook("shutdown") is None for registration in registry.active()):
        return
    if not _armed:
        atexit.register(_at_exit)
    _armed = True
    _watched = sigterm.watch(_at_exit)


def _at_exit() -> None:
    flush(GRACE)
