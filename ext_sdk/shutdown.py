"""Flush and stop: within a deadline, at `flush()`, on SIGINT and SIGTERM, and at interpreter exit.

No worker tells the app that it is about to stop, and SIGTERM ends Python without running `atexit`.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from ext_sdk import registry, signals, switch
from ext_sdk.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 4.0
"""Seconds for all extensions together when the process ends. The host gives a worker about 5 s."""

LEAST = 0.5
"""Seconds that interpreter exit gives them in any case, also when a signal came first and its `GRACE` is used up."""

LONGEST = 86_400.0
"""Seconds that `flush` waits at most; waits of the standard library have a limit too."""

_LOOK_UP = 0.1
"""Seconds after which a waiting main thread notices a signal that the kernel gave to another thread."""

_armed = False
_watched = False
_end = -inf
_known: frozenset[Any] = frozenset()
_foreign: frozenset[Any] = frozenset()
"""What a parent process registered before it forked this one: the parent stops it."""

_running: set[Any] = set()
_turns = threading.Condition()
_being_stopped: ContextVar[frozenset[Any]] = ContextVar("ext_sdk_being_stopped", default=frozenset())


def flush(timeout: float = 5.0) -> bool:
    """Have every extension deliver what it holds, within `timeout` seconds in all.

    Returns whether all of them were done in time, and none failed or said that something is left. It returns at the
    deadline in any case; what is not done then goes on in the background. With a `timeout` of 0 or less it starts them
    and does not wait. In async code, wait for `asyncio.to_thread(ext_sdk.flush)`: a plain call blocks the event loop.

    One extension's `shutdown` never runs twice at the same time: a second flush waits for its turn. Called from inside
    a `shutdown`, it leaves out the extension that is being stopped.

    Raises ExtensionError if `timeout` is not a number.
    """
    if not isinstance(timeout, (int, float)) or timeout != timeout:  # noqa: PLR0124 - NaN
        raise ExtensionError(f"ext_sdk.flush(timeout={timeout!r}): give the seconds it may take as a number, e.g. 5.0.")
    if not switch.enabled():  # then nothing runs of an extension, and nothing has been gathered
        return True
    return _flush(timeout, _being_stopped.get())


def _flush(timeout: float, left_out: frozenset[Any]) -> bool:
    deadline = monotonic() + min(max(0.0, timeout), LONGEST)
    result: list[bool] = []
    done = threading.Event()

    def work() -> None:
        try:
            result.append(_stop_all(deadline, left_out))
        finally:
            done.set()

    _in_background(work)
    while not done.wait(min(_LOOK_UP, max(0.0, deadline - monotonic()))) and monotonic() < deadline:
        pass
    return result == [True]


def _in_background(work: Callable[[], None]) -> None:
    try:
        threading.Thread(target=work, name="ext_sdk-flush", daemon=True).start()
    except RuntimeError:  # Python 3.12 starts no thread once the interpreter is on its way out
        if not signals.lend(work):
            work()


def _stop_all(deadline: float, left_out: frozenset[Any]) -> bool:
    complete = True
    busy = []
    failed: list[tuple[Any, BaseException]] = []
    for registration in registry.active():
        if registration in left_out or registration.hook("shutdown") is None:
            continue
        if _take_turn(registration, 0.0):
            complete &= _stop(registration, deadline, left_out, failed)
        else:
            busy.append(registration)
    for registration in busy:  # last: one that hangs since an earlier flush must not cost the others their time
        if _take_turn(registration, deadline - monotonic()):
            complete &= _stop(registration, deadline, left_out, failed)
        else:
            complete = False
    for registration, error in failed:  # last: a signal's handler may hold up the thread that has the log's lock
        registration.health.note("shutdown", "", error)
    return complete and monotonic() <= deadline


def _take_turn(registration: Any, timeout: float) -> bool:
    with _turns:
        free = _turns.wait_for(lambda: registration not in _running, max(0.0, timeout))
        if free:
            _running.add(registration)
        return free


def _stop(
    registration: Any, deadline: float, left_out: frozenset[Any], failed: list[tuple[Any, BaseException]]
) -> bool:
    token = _being_stopped.set(left_out | {registration})
    try:
        return registration.hook("shutdown")(max(0.0, deadline - monotonic())) is not False
    except BaseException as error:  # a hook that calls sys.exit() must not cost the others their turn
        failed.append((registration, error))
        return False
    finally:
        _being_stopped.reset(token)
        with _turns:
            _running.discard(registration)
            _turns.notify_all()


def arm() -> None:
    """See to it that extensions are stopped when the process ends; when one has a use for it."""
    global _armed, _watched, _known
    active = registry.active()
    _known = frozenset(active)
    if (_armed and _watched) or all(registration.hook("shutdown") is None for registration in active):
        return
    if not _armed:
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=_forked)
    _armed = True
    if not _watched:
        _watched = signals.watch(_on_signal)


def _on_signal() -> None:
    global _end
    _end = monotonic() + GRACE
    try:
        _flush(GRACE, _foreign)
    except BaseException:  # the handler of a further signal raised it: somebody is in a hurry
        _end = monotonic()
        raise


def _at_exit() -> None:
    signals.ending(lambda: _flush(_seconds_at_exit(), _foreign))


def _seconds_at_exit() -> float:
    """Return what a signal left of the time for the end; one that was long ago has not led to this exit."""
    left = _end - monotonic()
    return GRACE if left < -GRACE else max(LEAST, left)


def _forked() -> None:
    """Let a forked child end as without us. Its locks may have been held by threads that it has not got."""
    global _watched, _end, _foreign, _running, _turns
    _watched = False
    _end = -inf
    _foreign = _known
    _running = set()
    _turns = threading.Condition()
    signals.forget()
