"""Flushing without waiting longer than wanted: official processors ignore the timeout that they are given."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Run:
    """One run that was asked for; `wait` says whether it succeeded in time."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._succeeded = False

    def settle(self, *, succeeded: bool) -> None:
        """Let the waiting go."""
        self._succeeded = succeeded
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether the run ended meanwhile, and succeeded."""
        return self._done.wait(max(0.0, seconds)) and self._succeeded


class Background:
    """Runs a slow action on one helper thread, for callers who wait only as long as they want to.

    However many ask, and however long it takes: there is at most one thread, and it ends when nobody asks any more.
    """

    def __init__(self, action: Callable[[], bool], name: str) -> None:
        self._action = action
        self._name = name
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._turn = threading.Lock()
        self._next: Run | None = None
        self._running = False

    def ask(self) -> Run:
        """Have the action run from its beginning, once more if it is under way; returns at once."""
        if self._pid != os.getpid():  # a fork took the thread away, and may have left the lock taken
            self._forget()
        with self._turn:
            if self._next is not None:
                return self._next
            run = self._next = Run()
            if self._running:
                return run
            self._running = True
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # no new thread once the interpreter is on its way out
            self._work()
        return run

    def _work(self) -> None:
        while True:
            with self._turn:
                run, self._next = self._next, None
                if run is None:
                    self._running = False
                    return
            succeeded = False
            try:
                succeeded = self._action()
            except BaseException:  # noqa: S110 - of foreign code; what it means for the caller is told by the result
                pass
            finally:
                run.settle(succeeded=succeeded)
