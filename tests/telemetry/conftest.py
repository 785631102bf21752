"""The extensions as in a new process, for each test; `tests.support.logged` has more for log lines."""

from __future__ import annotations

from tests.opentelemetry.conftest import environment, fresh
from tests.support.logged import lines, worker_handler

__all__ = ["environment", "fresh", "lines", "worker_handler"]
