"""A thread that waits for two things: a signal, to wake the main thread, and work, when no thread can be started.

Python runs a signal handler in the main thread, and only when that thread next executes Python code. If the kernel
gives the signal to another thread, nothing wakes a main thread that waits in `select` or for a lock, and a worker's
main thread does little else: the process would seem to ignore SIGTERM. So the signal's number is also written to a pipe
(`signal.set_wakeup_fd`), and the thread that waits there wakes the main thread with a signal that means nothing.

Python 3.12 starts no thread once the interpreter is on its way out (3.11 and 3.13 do), while a daemon thread that runs
already runs until `atexit` is done. So this one is there to run what must not hold up the main thread then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PAUSES = (0.01, 0.1, 0.5)
"""Seconds before each of the wake-up signals. One is not enough: it is lost if it comes just before the main thread
starts to wait, and that is what a main thread does that has itself been woken by the first signal."""

_WORK = b"\0"
"""Written to the pipe when there is work: no signal has the number 0."""


class ParkedThread:
    """The thread, its pipe and what there is to do; made in the main thread."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._main_thread = threading.main_thread().ident or 0
        self._work: deque[Callable[[], object]] = deque()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ext_sdk-signals", daemon=True)
        self._thread.start()

    def lend(self, work: Callable[[], object]) -> bool:
        """Have the thread do `work` when it is free; False in the thread itself, which would wait for itself."""
        if threading.current_thread() is self._thread:
            return False
        self._work.append(work)
        self._asked.set()
        with suppress(BlockingIOError):  # a full pipe wakes it as well
            os.write(self._writer, _WORK)
        return True

    def forget(self) -> None:
        """Leave the pipe to the parent process; in a forked child, which has no such thread."""
        if signal.getsignal(signal.SIGURG) is _ignore:
            signal.signal(signal.SIGURG, signal.SIG_DFL)
        taken = signal.set_wakeup_fd(-1)
        if taken not in (-1, self._writer):
            with suppress(ValueError, OSError):
                signal.set_wakeup_fd(taken)
        for end in (self._reader, self._writer):
            with suppress(OSError):
                os.close(end)

    def _run(self) -> None:
        while True:
            numbers = os.read(self._reader, 64)
            if self._asked.is_set():
                self._asked.clear()
                while self._work:
                    self._work.popleft()()
            elif numbers.strip(_WORK + bytes([signal.SIGURG])):
                self._wake_main_thread()

    def _wake_main_thread(self) -> None:
        for pause in PAUSES:
            if self._asked.wait(pause):  # whoever lends work looks out for signals while it waits
                return
            signal.pthread_kill(self._main_thread, signal.SIGURG)


def park() -> ParkedThread | None:
    """Start the thread, or return None where that is not to be done.

    That is on Windows, which has no threads that a signal could go to, and where somebody is woken by signals already
    or has a use for SIGURG. It means nothing to who has no handler for it.
    """
    if not hasattr(signal, "pthread_kill") or signal.getsignal(signal.SIGURG) not in (signal.SIG_DFL, _ignore):
        return None
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    taken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if taken != -1:  # an event loop with signal handlers of its own, which runs in the main thread
        signal.set_wakeup_fd(taken)
        os.close(reader)
        os.close(writer)
        return None
    signal.signal(signal.SIGURG, _ignore)
    return ParkedThread(reader, writer)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: to be called is what wakes the main thread."""
