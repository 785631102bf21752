"""Says what is wrong with the delivery: once per kind of trouble, and once when it works again."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SILENCE = 600.0
"""Seconds for which a kind of trouble that was reported is not reported again, should it come back."""

_log = logging.getLogger("ext_appinsights")


class Reporter:
    """The log of one channel. Messages name the host, never the instrumentation key."""

    def __init__(self, endpoint: str, key: str, report: Callable[[int, str], None] | None = None) -> None:
        self._host = endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2]
        self._key = re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])", re.IGNORECASE)
        self._report = report or _log.log
        self._told: dict[str, float] = {}
        self._open: set[str] = set()

    def trouble(self, kind: str, what: str) -> None:
        """Warn of a kind of trouble, unless it has lasted since it was said or was said in the last ten minutes."""
        now = monotonic()
        if kind in self._open or now - self._told.get(kind, -SILENCE) < SILENCE:
            return
        self._told[kind] = now
        self._open.add(kind)
        self._warn(what)

    def mishap(self, kind: str, what: str, silence: float = SILENCE) -> None:
        """Warn of what says nothing of the service, unless it was said in the last `silence` seconds."""
        now = monotonic()
        if now - self._told.get(kind, -inf) >= silence:
            self._told[kind] = now
            self._warn(what)

    def _warn(self, what: str) -> None:
        what = self._key.sub("<instrumentation key>", what)
        self._say(logging.WARNING, f"Telemetry to {self._host}: {what}")

    def _say(self, level: int, text: str) -> None:
        with suppress(Exception):  # of the app's callable, or of a filter of its log: delivery goes on without the line
            self._report(level, text)

    def well(self, waiting: int) -> None:
        """Say that a delivery succeeded, if trouble was reported before."""
        if self._open:
            self._open.clear()
            text = f"Telemetry to {self._host} is accepted again; {waiting} items are still waiting."
            self._say(logging.INFO, text)


class NotFromThisThread(logging.Filter):
    """Drops what the HTTP client logs in the sending thread: sent as telemetry, it would cause the next request."""

    def __init__(self, thread_id: int) -> None:
        super().__init__()
        self._thread_id = thread_id

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep records of all other threads."""
        return record.thread != self._thread_id


_CLIENT_LOGGERS = ("urllib3.connection", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")


def quieten(thread_id: int) -> logging.Filter:
    """Keep the HTTP client's records of one thread out of the log; returns the filter, for `unquieten`."""
    quiet = NotFromThisThread(thread_id)
    for name in _CLIENT_LOGGERS:
        logging.getLogger(name).addFilter(quiet)
    return quiet


def unquieten(quiet: logging.Filter) -> None:
    """Undo `quieten`."""
    for name in _CLIENT_LOGGERS:
        logging.getLogger(name).removeFilter(quiet)
