"""What an extension's own failures lead to: a line in the log, a count, and a pause when they do not stop."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING

from ext_sdk.errors import said

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 5
"""Failed invocations in a row after which an extension is suspended."""

PAUSE = 60.0
"""Seconds for which it is suspended then."""

_log = logging.getLogger("ext_sdk")


class Health:
    """The calls, costs and failures of one extension."""

    __slots__ = (
        "_lock",
        "_noting",
        "calls",
        "critical",
        "failures",
        "in_a_row",
        "name",
        "spent_ns",
        "suspended_until",
        "suspensions",
    )

    def __init__(self, name: str, *, critical: bool = False) -> None:
        self._lock = RLock()  # a signal's handler may come here while its thread holds the lock
        self._noting = RLock()  # not the same: a signal may stop a thread that closes the books until all is delivered
        self.name = name
        self.critical = critical
        self.calls = 0
        self.failures: dict[str, int] = {}
        self.spent_ns: dict[str, int] = {}
        self.in_a_row = 0
        self.suspended_until = 0.0
        self.suspensions = 0

    def suspended(self) -> bool:
        """Whether the extension is to be left out for now."""
        return self.suspended_until > 0.0 and not self.critical and monotonic() < self.suspended_until

    def note(self, hook: str, function_name: str, error: BaseException) -> None:
        """Record a failure of `hook`; the first one of each hook is logged with its traceback."""
        with self._noting:
            seen = self.failures[hook] = self.failures.get(hook, 0) + 1
        if seen == 1:
            self._say(
                "%s.%s failed%s: %s. Further failures of this hook are counted, not logged: see ext_sdk.extensions().",
                self.name, hook, self._where(function_name), said(error).rstrip("."),
                exc_info=error,
            )  # fmt: skip

    def count(self, spent: Iterable[tuple[str, int]] = (), *, clean: bool) -> None:
        """Close the books of one invocation: too many failed ones in a row suspend the extension.

        A critical extension is never suspended: a gate that fails must stay shut.
        """
        with self._lock:
            self.calls += 1
            for hook, nanoseconds in spent:
                self.spent_ns[hook] = self.spent_ns.get(hook, 0) + nanoseconds
            # Invocations that were under way when it was suspended are none of the next row.
            self.in_a_row = 0 if clean or self.suspended() else self.in_a_row + 1
            if self.in_a_row < LIMIT or self.critical:
                return
            self.in_a_row = 0
            self.suspensions += 1
            self.suspended_until = monotonic() + PAUSE
        self._say("%s failed %d times in a row and is suspended for %g s.", self.name, LIMIT, PAUSE)

    def spend(self, hook: str, nanoseconds: int) -> None:
        """Record what a call of `hook` took."""
        with self._lock:
            self.spent_ns[hook] = self.spent_ns.get(hook, 0) + nanoseconds

    def _where(self, function_name: str) -> str:
        if not function_name:
            return ""
        consequence = "whose invocation fails with it" if self.critical else "which was not affected"
        return f" in function {function_name!r}, {consequence}"

    @staticmethod
    def _say(message: str, *values: object, exc_info: BaseException | None = None) -> None:
        with suppress(Exception):  # a handler of the app's that raises must not hurt the function by this way either
            _log.warning(message, *values, exc_info=exc_info)
