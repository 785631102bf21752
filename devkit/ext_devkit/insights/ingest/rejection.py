"""Why an item is not taken, in the words of the real service where they are known.

Known texts and their numbers: ENDPOINT-PROTOCOL.md in microsoft/ApplicationInsights-Home (103), the transmission notes
of ApplicationInsights-dotnet (109), the tests of its Java sibling (102), "Validating telemetry" by S. Kanzhelev (106).
"""

from __future__ import annotations

from typing import Any

LONGEST_QUOTE = 64
"""Characters of a wrong value that a reason repeats."""

BAD_REQUEST = 400
BUSY = 429
UNAVAILABLE = 503
"""The last two are those by which a client is told to send the same again later."""

Rejection = tuple[int, str]
"""Status of an item and the reason."""


class RejectedError(Exception):
    """An item, or a whole body, that is not taken: `status` as in HTTP, and the reason as text."""

    def __init__(self, message: str, status: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status

    @property
    def rejection(self) -> Rejection:
        """Return status and reason."""
        return self.status, str(self)


def missing(field: str, owner: str, expected: str, value: Any = None) -> RejectedError:
    """Return the error for a required field that is absent (null counts as absent) or empty."""
    actual = "undefined" if value is None else ""
    return RejectedError(
        f"109: Field '{field}' on type '{owner}' is required but missing or empty. "
        f"Expected: {expected}, Actual: {actual}"
    )


def wrong_type(field: str, owner: str, expected: str, value: Any) -> RejectedError:
    """Return the error for a field whose JSON type is another."""
    return RejectedError(
        f"106: Field '{field}' on type '{owner}' is of incorrect type. Expected: {expected}, Actual: {_kind(value)}"
    )


def invalid(field: str, owner: str, what: str, expected: str, value: Any) -> RejectedError:
    """Return the error for text that cannot be read as a time or a duration."""
    return RejectedError(
        f"102: Field '{field}' on type '{owner}' is not a valid {what} string. "
        f"Expected: {expected}, Actual: {_quote(value)}"
    )


def out_of_range(field: str, owner: str, expected: str, value: Any) -> RejectedError:
    """Return the error for a value of the right type that is not allowed (our words, after the service's pattern)."""
    return RejectedError(
        f"Field '{field}' on type '{owner}' is out of range. Expected: {expected}, Actual: {_quote(value)}"
    )


def outside_window(older: bool, limit_ms: int, actual_ms: int) -> RejectedError:
    """Return the error for an envelope whose time is too long ago, or too far ahead."""
    which, sign = ("older than the allowed min", "-") if older else ("newer than the allowed max", "+")
    return RejectedError(
        f"103: Field 'time' on type 'Envelope' is {which} date. "
        f"Expected: now {sign} {limit_ms}ms, Actual: now {sign} {actual_ms}ms"
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _quote(value: Any) -> str:
    text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else "a huge number"
    if isinstance(value, int) and abs(value) < 1 << 64:
        text = str(value)
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "..."
