"""SIGTERM: do something first, then what would have happened without us.

Python runs a signal handler in the main thread, and only when that thread next executes Python code. If the kernel
gives the signal to another thread, nothing wakes a main thread that waits in `select` or for a lock, and a worker's
main thread does little else: the process would seem to ignore SIGTERM. So the signal number is also written to a pipe
(`signal.set_wakeup_fd`), and a thread that waits there sends it on to the main thread.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PATIENCE = 0.05
"""Seconds in which the handler is expected to have started by itself."""

_log = logging.getLogger("ext_sdk")


def watch(first: Callable[[], object]) -> None:
    """Call `first` when SIGTERM comes, then the handler that was there before, or die of the signal.

    Left alone: a SIGTERM that is ignored on purpose or handled outside of Python, and a process in which this is called
    from another thread than the main one, as Python then allows no handler.
    """
    if threading.current_thread() is not threading.main_thread():
        _log.debug("SIGTERM is not watched: the first extension was imported outside the main thread.")
        return
    previous = signal.getsignal(signal.SIGTERM)
    if previous in (None, signal.SIG_IGN):
        return
    started = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        started.set()
        first()
        _go_on(previous, number, frame)

    def is_stuck() -> bool:
        # Whoever has put a handler of its own in place of ours since then sees to its own waking.
        return signal.getsignal(signal.SIGTERM) is handle and not started.wait(PATIENCE)

    signal.signal(signal.SIGTERM, handle)
    _wake_main_thread(is_stuck)


def _go_on(previous: Any, number: int, frame: FrameType | None) -> None:
    if callable(previous):
        previous(number, frame)
        return
    # As if nobody had watched: the exit status has to tell the parent that SIGTERM ended the process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _wake_main_thread(is_stuck: Callable[[], bool]) -> None:
    if not hasattr(signal, "pthread_kill"):  # Windows, which has no threads that a signal could go to
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    taken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if taken != -1:  # somebody is woken by signals already: an event loop, which runs in the main thread
        signal.set_wakeup_fd(taken)
        os.close(reader)
        os.close(writer)
        return
    arguments = (reader, is_stuck, threading.main_thread().ident)
    threading.Thread(target=_pass_on, args=arguments, name="ext_sdk-sigterm", daemon=True).start()


def _pass_on(reader: int, is_stuck: Callable[[], bool], main_thread: int) -> None:
    while True:
        numbers = os.read(reader, 64)
        if signal.SIGTERM in numbers and is_stuck():
            signal.pthread_kill(main_thread, signal.SIGTERM)
