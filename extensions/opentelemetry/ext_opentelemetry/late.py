"""A span exporter that is made when there is something to export, and whose failures are noticed."""

from __future__ import annotations

import logging
import os
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    Report = Callable[[int, str], None]

_log = logging.getLogger("ext_opentelemetry")

_turns: WeakKeyDictionary[SpanExporter, tuple[int, Lock]] = WeakKeyDictionary()
"""An exporter takes one batch at a time (OpenTelemetry specification, Span Exporter, `Export`), also while one
configuration gives it to the next."""


def _turn(exporter: SpanExporter) -> Lock:
    pid, lock = _turns.setdefault(exporter, (os.getpid(), Lock()))
    if pid != os.getpid():  # a fork may have left the lock taken
        lock = Lock()
        _turns[exporter] = (os.getpid(), lock)
    return lock


class LateExporter(SpanExporter):
    """Passes spans on to an exporter: `make()` gives it, at the first batch. One that is not `owned` stays usable."""

    def __init__(self, make: Callable[[], SpanExporter], name: str, *, owned: bool, report: Report | None) -> None:
        self.failures = 0
        """Batches that were not taken."""
        self._make = make
        self._name = name
        self._owned = owned
        self._report = report or _log.log
        self._made: SpanExporter | None = None
        self._well = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch; a failure is said once, until it works again."""
        try:
            if self._made is None:
                self._made = self._make()
            with _turn(self._made):
                result = self._made.export(spans)
        except Exception as error:
            return self._failed(f"{type(error).__name__}: {error}")
        if result is SpanExportResult.FAILURE:
            return self._failed("the log of the exporter may say why.")
        self._well = True
        return result

    def _failed(self, why: str) -> SpanExportResult:
        self.failures += 1
        if self._well:
            self._well = False
            self._report(logging.WARNING, f"Spans to {self._name} were not accepted: {why}")
        return SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the exporter deliver what it holds back."""
        return self._made is None or self._made.force_flush(timeout_millis) is not False

    def shutdown(self) -> None:
        """End the exporter, if it is ours."""
        if self._owned and self._made is not None:
            self._made.shutdown()
