"""Flushes that wait."""

from __future__ import annotations

import threading
from time import monotonic


class Ticket:
    """A flush that waits: the thread settles it when it reaches it in the queue, or sees that it cannot in time."""

    __slots__ = ("_done", "deadline", "delivered", "lost_before", "tried")

    def __init__(self, deadline: float, lost_before: int) -> None:
        self.deadline = deadline
        self.lost_before = lost_before
        self.delivered = False
        self.tried = False
        self._done = threading.Lock()
        self._done.acquire()

    @property
    def settled(self) -> bool:
        """Whether the outcome is known."""
        return not self._done.locked()

    def settle(self, *, delivered: bool) -> None:
        """Let the waiting caller go; only the first call counts."""
        if self._done.locked():
            self.delivered = delivered
            signal(self._done)

    def wait(self) -> bool:
        """Wait until settled, at most until the deadline; return whether everything was delivered."""
        return self._done.acquire(timeout=max(0.0, self.deadline - monotonic())) and self.delivered


def signal(semaphore: threading.Lock) -> None:
    """Let one that waits for the semaphore go, now or when it comes."""
    try:
        semaphore.release()
    except RuntimeError:
        pass
