"""A span exporter that is made when there is something to export, and whose failures are noticed."""

from __future__ import annotations

import logging
import os
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    Report = Callable[[int, str], None]

_log = logging.getLogger("ext_opentelemetry")


class _Turn:
    """An exporter takes one batch at a time (OpenTelemetry specification, Span Exporter, `Export`)."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()

    def lock(self) -> Lock:
        if self._pid != os.getpid():  # a fork may have left the lock taken
            self.__init__()  # type: ignore[misc]
        return self._lock


_turns: WeakValueDictionary[int, _Turn] = WeakValueDictionary()
"""Of the exporters of the app, by identity (not each has a hash): one configuration may give it to the next."""


class LateExporter(SpanExporter):
    """Passes spans on to an exporter that `make()` gives: if it is `owned` at the first batch, else it stays usable."""

    def __init__(self, make: Callable[[], SpanExporter], name: str, *, owned: bool, report: Report | None) -> None:
        self.failures = 0
        """Batches that were not taken."""
        self._make = make
        self._name = name
        self._owned = owned
        self._report = report or _log.log
        self._made: SpanExporter | None = None if owned else make()
        self._turn = _Turn() if owned else _turns.setdefault(id(self._made), _Turn())
        self._well = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export one batch; a failure is said once, until it works again."""
        try:
            if self._made is None:
                self._made = self._make()
            with self._turn.lock():
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
