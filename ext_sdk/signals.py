"""SIGINT and SIGTERM: do something first, then what would have happened without us.

Left alone is a signal that is ignored on purpose or handled outside of Python, and whatever an app sets up later: the
handler that `signal.signal` puts in place of ours decides whether it calls ours.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ext_sdk import parked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger("ext_sdk")


class _Watch:
    """The handlers of one process."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._first: Callable[[], object] = lambda: None
        self._before: dict[int, Any] = {}
        self._parked: parked.ParkedThread | None = None
        self._ending = False
        self._deadly = 0

    def install(self, first: Callable[[], object]) -> None:
        """Call `first` at each signal from now on."""
        self._first = first
        for number in NUMBERS:
            before = signal.getsignal(number)
            if before not in (None, signal.SIG_IGN) and not _handled_outside_of_python(number, before):
                self._before[number] = before
                signal.signal(number, self._handle)
        if self._before:
            self._parked = parked.park()

    def lend(self, work: Callable[[], object]) -> bool:
        """Have the parked thread do `work`, if there is one."""
        return self._parked is not None and self._parked.lend(work)

    def forget(self) -> None:
        """Put back what was there before, in a forked child: the handlers are its parent's."""
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)
        if self._parked is not None:
            self._parked.forget()

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Pass signals straight on meanwhile; one that would have ended the process at once ends it afterwards."""
        self._ending = True
        try:
            yield
        finally:
            self._ending = False
            if self._deadly:
                _die_of(self._deadly)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        before = self._before[number]
        if os.getpid() == self._process:
            if self._ending and not callable(before):
                self._deadly = number
                return
            if not self._ending:
                with self.ending():
                    self._first()
        if before is signal.default_int_handler:
            before = _interrupt_of_asyncio(frame) or before
        if callable(before):
            before(number, frame)
        else:
            _die_of(number)


_watch = _Watch()


def watch(first: Callable[[], object]) -> bool:
    """Call `first` when SIGINT or SIGTERM comes, then the handler that was there before, or die of the signal.

    A further signal that comes while `first` is at it goes straight to the handler that was there before; if there was
    none, it changes nothing.

    Returns whether that is settled; if not, it may be tried again from the main thread: Python allows no handler to be
    set in another one.
    """
    if threading.current_thread() is not threading.main_thread():
        _log.debug("Signals are not watched yet: the extension was imported outside the main thread.")
        return False
    _watch.install(first)
    return True


def ending(work: Callable[[], object]) -> None:
    """Do the `work` with which the process ends: a signal has no other effect meanwhile than it has without us."""
    with _watch.ending():
        work()


def lend(work: Callable[[], object]) -> bool:
    """Have a thread that runs already do `work`; returns False if there is none, or it is the caller's own."""
    return _watch.lend(work)


def forget() -> None:
    """Make a forked child as if nothing had been watched; it may watch on its own account then."""
    global _watch
    former, _watch = _watch, _Watch()
    former.forget()


def _die_of(number: int) -> None:
    # As if nobody had watched: the exit status has to tell the parent which signal ended the process.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _handled_outside_of_python(number: int, before: Any) -> bool:
    """Whether a handler is in force that Python does not know of, as `faulthandler.register` sets one.

    Linux tells (proc(5), /proc/pid/status, SigCgt); elsewhere the answer is no.
    """
    if before is not signal.SIG_DFL:
        return False
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def _interrupt_of_asyncio(frame: FrameType | None) -> Callable[[int, FrameType | None], object] | None:
    """Return the handler with which `asyncio.run` cancels the main task, if that is what the main thread runs.

    From Python 3.11 on, asyncio sets it in place of Python's own, but not in place of ours (asyncio/runners.py,
    `Runner.run`). Without it KeyboardInterrupt would be raised in the middle of any task.
    """
    runner = getattr(sys.modules.get("asyncio"), "Runner", None)
    running = getattr(getattr(runner, "run", None), "__code__", None)
    while frame is not None and frame.f_code is not running:
        frame = frame.f_back
    if frame is None:
        return None
    interrupt = getattr(frame.f_locals.get("self"), "_on_sigint", None)
    task = frame.f_locals.get("task")
    if interrupt is None or task is None:
        return None
    return lambda number, at: interrupt(number, at, task)
