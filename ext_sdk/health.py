"""What an extension's own failures lead to: a line in the log, a count, and a pause when they do not stop."""

from __future__ import annotations

import logging
from threading import RLock
from time import monotonic

LIMIT = 5
"""Failed invocations in a row after which an extension is suspended."""

PAUSE = 60.0
"""Seconds for which it is suspended then."""

_log = logging.getLogger("ext_sdk")
_lock = RLock()


class Health:
    """The failures of one extension."""

    __slots__ = ("calls", "failures", "in_a_row", "name", "suspended_until", "suspensions")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.failures: dict[str, int] = {}
        self.in_a_row = 0
        self.suspended_until = 0.0
        self.suspensions = 0

    def suspended(self) -> bool:
        """Whether the extension is to be left out for now."""
        return self.suspended_until > 0.0 and monotonic() < self.suspended_until

    def note(self, hook: str, function_name: str, error: BaseException) -> None:
        """Record a failure of `hook`; the first one of each hook is logged with its traceback."""
        with _lock:
            seen = self.failures[hook] = self.failures.get(hook, 0) + 1
        if seen == 1:
            _log.warning(
                "%s.%s failed in function %r, which was not affected: %s: %s. "
                "Further failures of this hook are counted, not logged: see ext_sdk.extensions().",
                self.name, hook, function_name, type(error).__name__, error,
                exc_info=error,
            )  # fmt: skip

    def count(self, *, clean: bool) -> None:
        """Close the books of one invocation: too many failed ones in a row suspend the extension."""
        self.calls += 1
        if clean:
            self.in_a_row = 0
            return
        self.in_a_row += 1
        if self.in_a_row >= LIMIT:
            self.in_a_row = 0
            self.suspensions += 1
            self.suspended_until = monotonic() + PAUSE
            _log.warning("%s failed %d times in a row and is suspended for %g s.", self.name, LIMIT, PAUSE)
