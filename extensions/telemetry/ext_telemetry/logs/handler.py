"""The handler on the root logger, and what keeps its records from the worker's handler where it takes them over.

Both ask `Taker.judge`, so that a record is kept from one only if the other takes it.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING

from opentelemetry import context

from ext_opentelemetry import keepers
from ext_opentelemetry.records import emit, when_ready
from ext_telemetry.logs import made, owner, scope
from ext_telemetry.logs.flood import Flood
from ext_telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_opentelemetry.records import Record

_OURS = ("ext_appinsights", "ext_opentelemetry")
_THREADS = (*_OURS, "OtelBatch", "OtelPeriodic")
_DELIVERY = (*_OURS, "opentelemetry.", "azure.monitor.opentelemetry", "azure.functions")
"""Loggers of what delivers, whose records would each make the next one; and of azure-functions itself, whose records
the workers keep from the customer too (`is_system_log_category` in their `logging`)."""
_CLIENTS = ("urllib3", "requests", "httpx", "httpcore", "azure.core")
_SUPPRESSED = ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", ""))
"""What exporters set in the context while they export."""

_APPS, _CALLS, _DELIVERS = "app's", "client's", "delivery's"
"""Kinds of loggers."""
_REMEMBERED = 4096
_NOT_OURS = (False, None)
_ENOUGH = 3
"""Records in a row that nobody took, such as where an exporter cannot be made: the next ones are left to the host."""

FAILED = "ext_telemetry: a log record was not exported (said once): {}: {}"


class Taker:
    """Decides what becomes of each record, and hands on what is to be stored."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.plan = owner.OFF
        self.level = logging.INFO
        """From which level on records of no invocation are exported."""
        self.is_system: Callable[[str], bool] | None = None
        """Tells the loggers of the worker itself."""
        self._kinds: dict[str, str] = {}
        self._beside = owner.Beside()
        self._flood = Flood(self.settings.flood_burst, self.settings.flood_rate)
        self._busy: set[int] = set()
        self._failed = False
        self._refused = 0

    def turn_to(self, plan: owner.Plan, settings: Settings, level: int) -> None:
        """Decide by this from now on."""
        if settings is not self.settings:
            self._flood = Flood(settings.flood_burst, settings.flood_rate)
        self.settings, self.level, self.plan = settings, level, plan
        self._kinds, self._refused = {}, 0
        self._beside.turn_to(plan.beside)

    def judge(self, record: logging.LogRecord) -> tuple[bool, scope.Scope | None]:
        """Return whether a record is for us, or for whoever exports it in our place; and its invocation."""
        kind = self._kinds.get(record.name)
        if kind is None:
            kind = self._learn(record.name)
        if kind is not _APPS and (kind is _DELIVERS or exports()):
            return _NOT_OURS
        if self._refused >= _ENOUGH or get_ident() in self._busy or (record.threadName or "").startswith(_THREADS):
            return _NOT_OURS
        where = scope.find()
        if where is None:
            return record.levelno >= self.level, None
        return record.levelno >= where.level or where.buffer is not None, where

    def is_kept_from_others(self, record: logging.LogRecord) -> bool:
        """Whether a record is not for the host, because it is stored without it."""
        if self.plan.way is not owner.Way.TAKE_OVER:
            return False
        return self.judge(record)[0] or self._beside.stores(record)

    def take(self, record: logging.LogRecord) -> None:
        """Export a record, keep it for the case of a failure, or leave it. Never raises, never waits."""
        if self.plan.way is owner.Way.OFF:
            return
        thread = get_ident()
        try:
            ours, where = self.judge(record)
            if ours and not self._beside.stores(record):
                self._busy.add(thread)
                try:
                    self._hand_on(record, where)
                finally:
                    self._busy.discard(thread)
        except Exception as error:
            self._say(error)

    def _hand_on(self, record: logging.LogRecord, where: scope.Scope | None) -> None:
        if where is not None and record.levelno < where.level:
            if where.buffer is not None:
                where.buffer.add(made.record_of(record, where))
            return
        flood = self._flood if where is None else where.flood
        if flood.passes(record):
            left_out = flood.calmed(record)
            if left_out:
                emit(made.notice(made.site_of(record), left_out, where))
            if self.plan.is_early:
                when_ready(partial(self._emit_late, made.record_of(record, where), owner.takers(record)))
            else:
                self._refused = 0 if emit(made.record_of(record, where)) else self._refused + 1

    def _emit_late(self, record: Record, taken_by: list[logging.Handler]) -> None:
        """Export a record from before the first invocation, now that it can be told who has stored it."""
        found = keepers.current()
        if self.plan.way is owner.Way.OFF or found is None or found.ours is None:
            return
        if self.settings.logs == "export" or not owner.are_beside(taken_by, found.ours):
            emit(record)

    def _learn(self, name: str) -> str:
        kind = _CALLS if name.startswith(_CLIENTS) else _APPS
        if name.startswith(_DELIVERY) or (self.is_system is not None and self.is_system(name)):
            kind = _DELIVERS
        if len(self._kinds) >= _REMEMBERED:
            self._kinds.clear()
        self._kinds[name] = kind
        return kind

    def end(self, where: scope.Scope, *, failed: bool) -> None:
        """Export what was kept of an invocation, if it failed, and say what was left out of it."""
        buffer, where.buffer = where.buffer, None
        kept: list[Record] = buffer.take() if buffer is not None and failed else []
        for record in kept:
            emit(record)
        self._tell(where.flood, where)
        where.flood.forget()  # the invocation itself is remembered for a long time

    def tell(self) -> bool:
        """Say what was left out of threads that belong to no invocation; whether anything was."""
        return self._tell(self._flood, None)

    def after_fork(self) -> None:
        """Forget what threads were about: they are not in the child."""
        self._busy = set()
        scope.forget_all()

    def _tell(self, flood: Flood, where: scope.Scope | None) -> bool:
        rest = flood.rest()
        for site, left_out in rest:
            emit(made.notice(site, left_out, where))
        return bool(rest)

    def _say(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            print(FAILED.format(type(error).__name__, error), file=sys.stderr)  # noqa: T201 - a log line may fail too


def exports() -> bool:
    """Whether the code that logs is at work for an exporter."""
    return any(context.get_value(key) for key in _SUPPRESSED)


class RecordHandler(logging.Handler):
    """Hands each record of the root logger to a taker; it needs no lock."""

    def __init__(self, taker: Taker) -> None:
        super().__init__()
        self.taker = taker

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record, unless a filter of this handler leaves it out."""
        if self.filters:
            found = self.filter(record)
            if not found:
                return False
            record = found if isinstance(found, logging.LogRecord) else record
        self.taker.take(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.taker.take(record)


class KeptFilter(logging.Filter):
    """On the worker's handler: lets pass what this process does not store itself."""

    def __init__(self, ours: RecordHandler) -> None:
        super().__init__()
        self._ours = ours

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the host is to have a record; always, if our handler was taken away."""
        if self._ours not in logging.root.handlers:
            return True
        try:
            return not self._ours.taker.is_kept_from_others(record)
        except Exception:  # what logs must not fail with it
            return True
