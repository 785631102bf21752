"""SIGTERM: do something first, then what would have happened without us.

Python runs a signal handler in the main thread, and only when that thread next executes Python code. If the kernel
gives the signal to another thread, nothing wakes a main thread that waits in `select` or for a lock, and a worker's
main thread does little else: the process would seem to ignore SIGTERM. So the signal's number is also written to a pipe
(`signal.set_wakeup_fd`), and a thread that waits there wakes the main thread with a signal that means nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from time import sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PAUSES = (0.01, 0.1, 0.5)
"""Seconds before each of the wake-up signals. One is not enough: it is lost if it comes just before the main thread
starts to wait, and that is what a main thread does that has itself been woken by the first signal."""

_log = logging.getLogger("ext_sdk")


def watch(first: Callable[[], object]) -> bool:
    """Call `first` when SIGTERM comes, then the handler that was there before, or die of the signal.

    Returns whether that is settled; if not, it may be tried again from the main thread.

    Left alone: a SIGTERM that is ignored on purpose or handled outside of Python, and a process in which this is called
    from another thread than the main one, as Python then allows no handler.
    """
    if threading.current_thread() is not threading.main_thread():
        _log.debug("SIGTERM is not watched yet: the extension was imported outside the main thread.")
        return False
    previous = signal.getsignal(signal.SIGTERM)
    if previous in (None, signal.SIG_IGN):
        return True

    busy = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal busy
        if busy:  # one more while `first` is at it: it has its deadline, and then the process ends anyway
            return
        busy = True
        try:
            first()
        finally:
            busy = False
        _go_on(previous, number, frame)

    signal.signal(signal.SIGTERM, handle)
    _wake_main_thread_on_signals()
    return True


def _go_on(previous: Any, number: int, frame: FrameType | None) -> None:
    if callable(previous):
        previous(number, frame)
        return
    # As if nobody had watched: the exit status has to tell the parent that SIGTERM ended the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _wake_main_thread_on_signals() -> None:
    # Windows has no threads that a signal could go to. SIGURG means nothing to who has no handler for it.
    if not hasattr(signal, "pthread_kill") or signal.getsignal(signal.SIGURG) is not signal.SIG_DFL:
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    taken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if taken != -1:  # somebody is woken by signals already: an event loop, which runs in the main thread
        signal.set_wakeup_fd(taken)
        os.close(reader)
        os.close(writer)
        return
    signal.signal(signal.SIGURG, lambda _number, _frame: None)
    main_thread = threading.main_thread().ident
    threading.Thread(target=_pass_on, args=(reader, main_thread), name="ext_sdk-sigterm", daemon=True).start()


def _pass_on(reader: int, main_thread: int) -> None:
    while True:
        numbers = os.read(reader, 64)
        if not numbers.strip(bytes([signal.SIGURG])):
            continue
        for pause in PAUSES:
            sleep(pause)
            signal.pthread_kill(main_thread, signal.SIGURG)
