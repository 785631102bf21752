"""How one field is read: each reader takes (value, field, owner), returns what is stored or raises RejectedError.

Limits and types: the Bond schemas in EndpointSpecs/Schemas/Bond of microsoft/ApplicationInsights-Home. Where the limits
of the .NET SDK are smaller, these are the larger ones; longer text is accepted and cut.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.ingest.rejection import invalid, missing, out_of_range, wrong_type

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[Any, str, str], Any]

SEVERITIES = ("Verbose", "Information", "Warning", "Error", "Critical")
"""Names of the severity levels 0 to 4."""

LARGEST_INTEGER = 2**63 - 1
"""What SQLite, and the service's `long`, can hold."""

_SEVERITY = {name.lower(): level for level, name in enumerate(SEVERITIES)} | {str(level): level for level in range(5)}
_BOOLEANS = {"true": True, "false": False}
_DURATION = re.compile(r"(?:(\d{1,3})\.)?([01]?\d|2[0-3]):([0-5]?\d):([0-5]?\d)(?:\.(\d{1,7}))?", flags=re.ASCII)


def text(limit: int) -> Read:
    """Return a reader of text that keeps at most `limit` characters."""

    def read(value: Any, field: str, owner: str) -> str:
        if type(value) is not str:
            raise wrong_type(field, owner, "string", value)
        return value[:limit]

    return read


def filled(limit: int) -> Read:
    """Return a reader of text that must not be empty and keeps at most `limit` characters."""

    def read(value: Any, field: str, owner: str) -> str:
        if type(value) is not str:
            raise wrong_type(field, owner, "string", value)
        if not value:
            raise missing(field, owner, "string", value)
        return value[:limit]

    return read


def duration(value: Any, field: str, owner: str) -> float:
    """Read `[d.]hh:mm:ss[.fffffff]`, less than 1000 days, as milliseconds."""
    if type(value) is not str:
        raise wrong_type(field, owner, "string", value)
    match = _DURATION.fullmatch(value)
    if match is None:
        raise invalid(field, owner, "time span", "[d.]hh:mm:ss[.fffffff]", value)
    days, hours, minutes, seconds, fraction = match.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    # One division at the end: 1.5 ms stay 1.5 and do not become 1.4999999999.
    return (whole * 10_000_000 + int((fraction or "").ljust(7, "0"))) / 10_000


def boolean(value: Any, field: str, owner: str) -> bool:
    """Read true or false, also as text."""
    if type(value) is bool:
        return value
    known = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise wrong_type(field, owner, "boolean", value)
    return known


def number(value: Any, field: str, owner: str) -> float:
    """Read a finite number."""
    if type(value) is not int and type(value) is not float:
        raise wrong_type(field, owner, "number", value)
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise out_of_range(field, owner, "finite number", value)
    return real


def integer(value: Any, field: str, owner: str) -> int:
    """Read a whole number of 64 bits; 3.0 is one."""
    real = number(value, field, owner)
    if not real.is_integer() or abs(int(value)) > LARGEST_INTEGER:
        raise out_of_range(field, owner, "integer of 64 bits", value)
    return int(value)


def severity(value: Any, field: str, owner: str) -> int:
    """Read a severity level as number or name."""
    level = _SEVERITY.get(value.lower()) if isinstance(value, str) else value
    if type(level) is int and 0 <= level < len(SEVERITIES):
        return level
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        raise out_of_range(field, owner, f"0-4 or one of {', '.join(SEVERITIES)}", value)
    raise wrong_type(field, owner, "number", value)
