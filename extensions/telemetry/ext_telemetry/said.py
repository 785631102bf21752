"""What is said of wrong use: once for each kind, and never to the function's face."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

_log = logging.getLogger("ext_telemetry")

_MOST = 500
_said: set[tuple[str, str]] = set()
_OWN = str(Path(__file__).parent)


class RefusedError(Exception):
    """Something that no item can be made of; `kind` tells apart what is said once each."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def once(call: str, kind: str, text: str, *values: Any) -> None:
    """Log a warning, the first of its kind for this call."""
    if (call, kind) not in _said and len(_said) < _MOST:
        _said.add((call, kind))
        _log.warning(text, *values)


def refused(call: str, error: Exception, what: str = "left its item out") -> None:
    """Say why an item was left out, or what else came of it."""
    kind = error.kind if isinstance(error, RefusedError) else type(error).__name__
    why = str(error) if isinstance(error, RefusedError) else shown(error)
    if (call, kind) not in _said:
        once(call, kind, "%s at %s %s (said once for what is wrong): %s", call, caller(), what, why)


def late(call: str, function: str) -> None:
    """Say that a call came after the end of its invocation."""
    if (call, "late") not in _said:
        text = (
            "context.telemetry.%s at %s was used after its invocation of %s had ended (said once). The item is sent, "
            "with the invocation's operation; but nobody waits for it, and it is lost if the process is ended before."
        )
        once(call, "late", text, call, caller(), function)


def caller() -> str:
    """Return the file and line of the code that called this package."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def shown(value: object) -> str:
    """Return a wrong value as a message quotes it."""
    try:
        text = repr(value)
    except Exception:  # of the app's own object
        return f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_SHOWN = 100
