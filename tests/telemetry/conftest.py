"""The extensions as in a new process, for each test; `tests.support.logged` has more for log lines."""

from __future__ import annotations

from tests.opentelemetry.conftest import environment, fresh
from tests.support.logged import lines, set_up, worker_handler
from tests.support.tracked import forgetful, sent, warnings_of

__all__ = ["environment", "forgetful", "fresh", "lines", "sent", "set_up", "warnings_of", "worker_handler"]
