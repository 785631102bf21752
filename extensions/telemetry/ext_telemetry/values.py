"""What functions pass, checked and brought into the form in which items carry it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from ext_telemetry import said
from ext_telemetry.logs.fields import plain

if TYPE_CHECKING:
    from typing import TypeAlias

    Properties: TypeAlias = Mapping[str, Any] | None
    Measurements: TypeAlias = Mapping[str, float] | None
    Seconds: TypeAlias = float | timedelta
    Moment: TypeAlias = float | datetime

_PLAIN = frozenset({str, int, float, bool})
_SECOND = 1_000_000_000
_LONGEST = 1000 * 86_400
"""Seconds of a duration: Application Insights takes less than 1,000 days (`Duration` of its schema)."""
_LATEST = 253_402_300_800
"""The year 10000 as seconds since the epoch: what is later was given in milliseconds."""

_TAKEN = frozenset({"exception.type", "exception.message", "exception.stacktrace", "exception.escaped"})
_TAKEN_PREFIX = "microsoft."
"""Names of properties that would make another item of it: they get underscores for dots."""


def name(value: object, what: str) -> str:
    """Return a name. RefusedError: it is no text, or an empty one."""
    if isinstance(value, str) and value.strip():
        return value
    raise said.RefusedError(f"name {type(value).__name__}", f"the name of {what} is {said.shown(value)}, not a text.")


def text(value: object, what: str) -> str:
    """Return a text, of numbers too; None is an empty one. RefusedError: it is something else."""
    if value is None:
        return ""
    if isinstance(value, (str, int, float)):
        return str(value)
    raise said.RefusedError(what, f"{what} is {said.shown(value)}, not a text.")


def properties(given: Any) -> dict[str, Any]:
    """Return properties as attributes, as they are now. RefusedError: they are no mapping."""
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise said.RefusedError("properties", f"properties are {said.shown(given)}, not a dict.")
    found: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        known = key if type(key) is str else str(key)
        if known in _TAKEN or known.startswith(_TAKEN_PREFIX):
            known = known.replace(".", "_")
        found[known] = value if type(value) in _PLAIN else plain(value)
    return found


def measurements(given: Any, call: str) -> dict[str, float]:
    """Return measurements; what is no finite number is left out, said once. RefusedError: they are no mapping."""
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise said.RefusedError("measurements", f"measurements are {said.shown(given)}, not a dict.")
    found = {}
    for key, value in given.items():
        try:
            found[str(key)] = number(value, f"measurement {key!r}")
        except said.RefusedError as error:
            text = "%s at %s left a measurement out, and keeps the item (said once): %s"
            said.once(call, "measurement", text, call, said.caller(), error)
    return found


def number(value: Any, what: str) -> float:
    """Return a finite number. RefusedError: it is none."""
    kind = type(value)
    try:
        if kind is int or kind is float:
            if isfinite(value):
                return value  # type: ignore[no-any-return]
        elif not isinstance(value, (str, bytes)) and isfinite(made := float(value)):  # Decimal, numpy's, True
            return made
    except Exception:  # noqa: S110  of the app's own object
        pass
    raise said.RefusedError("number", f"{what} is {said.shown(value)}, not a finite number.")


def nanoseconds(value: Any, what: str) -> int:
    """Return the nanoseconds of a duration in seconds. RefusedError: it is none, or negative."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else number(value, what)
    if seconds < 0:
        raise said.RefusedError("duration", f"{what} is {said.shown(value)}: it must not be negative.")
    if seconds >= _LONGEST:
        text = f"{what} is {said.shown(value)}: it is in seconds, and must be less than 1,000 days."
        raise said.RefusedError("long duration", text)
    return round(seconds * _SECOND)


def moment(value: Any, what: str) -> int:
    """Return the nanoseconds since the epoch of a time in seconds, or of a datetime. RefusedError: it is neither."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1_000_000) * 1000
    seconds = number(value, what)
    if not 0 <= seconds < _LATEST:
        text = f"{what} is {said.shown(value)}, not a datetime or seconds since the epoch, as of time.time()."
        raise said.RefusedError("moment", text)
    return round(seconds * _SECOND)


def time_span(duration: int) -> str:
    """Return nanoseconds as `[d.]hh:mm:ss.fffffff`."""
    seconds, rest = divmod(duration, _SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}.' if days else ''}{hours:02}:{minutes:02}:{seconds:02}.{rest // 100:07}"
