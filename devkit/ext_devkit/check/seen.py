"""What a check has to say when it ends early, and what is logged about failing hooks."""

from __future__ import annotations

import logging


class SeenError(Exception):
    """What was seen that should not be."""


class NotHereError(Exception):
    """Why a check cannot be done on this machine."""


def expect(fine: object, seen: str) -> None:
    """Raise SeenError unless all is well."""
    if not fine:
        raise SeenError(seen)


class Said(logging.Handler):
    """Keeps what is logged about failing hooks: by ext_sdk, and by the classic worker, which calls official hooks."""

    WORKERS = "azure_functions_worker.extension"
    """Parent of the loggers that the classic worker gives to official hooks, and logs their errors with."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.by_worker = 0
        for name in ("ext_sdk", self.WORKERS):
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        message = record.getMessage().split(". Further failures")[0]
        if not record.name.startswith(self.WORKERS):
            self.lines.append(message)
        elif record.levelno >= logging.ERROR and record.exc_info:
            self.by_worker += 1
            error = record.exc_info[1]
            self.lines.append(f"A hook failed on the classic worker: {type(error).__name__}: {message}")

    def last(self) -> str:
        """Return the last words about a failure; nothing if there are none."""
        return next((f"{one.rstrip('.')}." for one in reversed(self.lines) if " failed" in one), "")
