"""When to deliver at the end of an invocation: a process that idles may be frozen or ended before its timer fires."""

from __future__ import annotations

from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

RARE = 10.0
"""Seconds without an invocation after which the next one counts as rare."""

WATCH = 10.0
"""Seconds that a delivery in the background may take to restore the trust in waiting."""


def _in_thread(work: Callable[[], None]) -> None:
    Thread(target=work, name="ext_appinsights-watch", daemon=True).start()


class FlushPolicy:
    """Decides for each invocation whether its end delivers, and how long that may take.

    - "auto": an invocation is rare if nothing else ran beside it, and the one before had ended 10 seconds before it
      began; the first one is rare. After a rare one the caller waits for delivery, at most `budget` seconds, or only
      starts it where it must not wait. All others leave it to the channel's timer. A wait that did not succeed is
      the last one until a delivery in the background has succeeded.
    - "invocation": the end of each waits, at most `budget` seconds, whether it may or not.
    - "background": never.

    For any number of threads. `clock` gives seconds, and `start` runs a callable in the background.
    """

    def __init__(
        self,
        mode: Literal["auto", "invocation", "background"] = "auto",
        budget: float = 0.1,
        *,
        clock: Callable[[], float] = monotonic,
        start: Callable[[Callable[[], None]], None] = _in_thread,
    ) -> None:
        self.mode = mode
        self.budget = budget
        self._clock = clock
        self._start = start
        self._lock = Lock()
        self._running = 0
        self._ended: float | None = None
        self._alone = False
        """Whether what runs is one invocation that was rare when it began."""
        self._doubted = False
        self._watched = False

    def began(self) -> None:
        """Note that an invocation begins; each needs its `ended`."""
        if self.mode != "auto":
            return
        with self._lock:
            before, running = self._ended, self._running
            self._running = running + 1
            self._alone = running == 0 and (before is None or self._clock() - before >= RARE)

    def ended(self, flush: Callable[[float], bool], kick: Callable[[], object], *, may_wait: bool) -> None:
        """Note that an invocation ended, and deliver if that is its part. Never raises.

        `flush(seconds)` delivers within so long and says whether it did; `kick()` starts delivery and returns at once.
        """
        if self.mode == "auto":
            if self._is_rare():
                self._deliver(flush, kick, may_wait=may_wait)
        elif self.mode == "invocation":
            _succeeds(flush, self.budget)

    def _is_rare(self) -> bool:
        with self._lock:
            self._running = running = max(0, self._running - 1)
            self._ended = self._clock()
            rare, self._alone = self._alone and running == 0, False
            return rare

    def _deliver(self, flush: Callable[[float], bool], kick: Callable[[], object], *, may_wait: bool) -> None:
        if may_wait and not self._doubted:
            self._doubted = not _succeeds(flush, self.budget)
        else:
            _succeeds(kick)
        if self._doubted:
            self._watch(flush)

    def _watch(self, flush: Callable[[float], bool]) -> None:
        """Have a delivery in the background restore the trust; one at a time."""
        with self._lock:
            if self._watched:
                return
            self._watched = True

        def watch() -> None:
            try:
                if _succeeds(flush, WATCH):
                    self._doubted = False
            finally:
                self._watched = False

        try:
            self._start(watch)
        except RuntimeError:  # no new thread once the interpreter is on its way out
            self._watched = False


def _succeeds(action: Callable[..., object], *arguments: float) -> bool:
    try:
        return bool(action(*arguments))
    except Exception:  # delivery must not fail the function that it follows
        return False
