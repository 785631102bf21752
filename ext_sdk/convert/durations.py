"""The two ways to write a duration: with units (`1h30m`), and as host.json writes a time span (`d.hh:mm:ss.fff`).

The second is .NET's constant format of a TimeSpan, https://learn.microsoft.com/dotnet/standard/base-types/standard-timespan-format-strings
"""

from __future__ import annotations

import re
from datetime import timedelta

NEGATIVE = "It cannot be negative."
NO_UNIT = "The unit is missing: ms, s, m, h or d."

_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_UNITS = "".join(rf"(?:{_NUMBER} ?{unit} ?)?" for unit in _MICROSECONDS)
_SPAN = r"(?:([0-9]{1,9})\.)?([01]?[0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,7})?)"


def parse(text: str) -> timedelta:
    """Return the duration. ValueError: what is wrong, or "" if it is none at all; OverflowError: it is too long."""
    if text.startswith("-"):
        raise ValueError(NEGATIVE)
    if re.fullmatch(_NUMBER, text):
        if float(text) == 0:
            return timedelta(0)
        raise ValueError(NO_UNIT)
    if found := re.fullmatch(_SPAN, text):
        parts = zip(found.groups(), ("d", "h", "m", "s"), strict=True)
    elif text and (found := re.fullmatch(_UNITS, text, re.IGNORECASE)):
        parts = zip(found.groups(), _MICROSECONDS, strict=True)
    else:
        raise ValueError
    return timedelta(microseconds=sum(_microseconds(number, unit) for number, unit in parts if number))


def _microseconds(number: str, unit: str) -> int:
    """In whole numbers, since a float has too few digits for days in microseconds."""
    whole, _, part = number.partition(".")
    scale = int(f"1{'0' * len(part)}")
    return int(whole) * _MICROSECONDS[unit] + (int(part or 0) * _MICROSECONDS[unit] + scale // 2) // scale
