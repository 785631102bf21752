"""Faults as they are asked for: `status=429,retry_after=2,rate=0.1`.

A fault has one kind, and options after it. What is not understood is said, with what would be.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SECONDS = 3600.0
MOST_TIMES = 1_000_000_000
ERRORS = (400, 599)
REDIRECTS = (307, 308)
EXAMPLE = "Write, for example, 'status=429,retry_after=2,rate=0.1'."


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong on purpose, with some of the requests that bring telemetry."""

    kind: str
    """`status`, `hang`, `reset`, `redirect`, `partial`, `slow` or `empty`."""
    text: str = ""
    """As it was asked for."""
    status: int = 0
    """Of the answer; of `partial`, of each item that is refused."""
    retry_after: float | None = None
    """Seconds of the header Retry-After; none without it."""
    rate: float = 1.0
    """Share of the requests that it happens to."""
    times: int | None = None
    """How many requests it happens to at most."""
    path: str = ""
    """The only path that it happens on; all that take telemetry without it."""
    seconds: float | None = None
    """Of `slow` and `hang`: how long the answer is held back; None for as long as the client waits."""
    share: float = 0.5
    """Of `partial`: the share of the items that are refused."""
    url: str = ""
    """Of `redirect`: where to."""


def parse_fault(text: str) -> Fault:
    """Return the fault that a text asks for; raise DevkitError that names what is wrong with it."""
    options = _options(text)
    kind = _kind(text, options)
    values: dict[str, object] = {}
    for name, given in options.items():
        if name == kind:
            values |= _value(text, kind, given)
        elif name not in _KINDS[kind] + _COMMON:
            raise _wrong(text, f"{kind} has no option {name!r}. It has {', '.join(_KINDS[kind] + _COMMON)}")
        else:
            values[name] = _READ[name](text, name, given or "")
    fault = Fault(kind, text, **{"status": _DEFAULT_STATUS.get(kind, 0), **values})  # type: ignore[arg-type]
    lowest, highest = REDIRECTS if kind == "redirect" else ERRORS
    if fault.status and not lowest <= fault.status <= highest:
        raise _wrong(text, f"status must be a number from {lowest} to {highest}, not {fault.status}")
    return fault


def _value(text: str, kind: str, given: str | None) -> dict[str, object]:
    """Return what stands after the kind itself."""
    if kind not in _VALUES:
        if given is not None:
            raise _wrong(text, f"{kind} takes no value")
        return {}
    field, read, required = _VALUES[kind]
    return {field: read(text, kind, given or "")} if required or given is not None else {}


def _options(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name:
            raise _wrong(text, "there is nothing before a comma or an equals sign")
        if name in found:
            raise _wrong(text, f"{name} stands there twice")
        found[name] = value if equals else None
    return found


def _kind(text: str, options: dict[str, str | None]) -> str:
    kinds = [name for name in options if name in _KINDS]
    if len(kinds) > 1 and "status" in kinds:  # an option of the others
        kinds.remove("status")
    if len(kinds) != 1:
        known = ", ".join(_KINDS)
        found = f"it names {' and '.join(kinds)}" if kinds else f"{next(iter(options))!r} is no kind of fault"
        raise _wrong(text, f"{found}. A fault is one of {known}")
    return kinds[0]


def _status(text: str, name: str, value: str) -> int:
    if not re.fullmatch(r"[1-5]\d\d", value, re.ASCII):
        raise _wrong(text, f"{name} must be a number from {ERRORS[0]} to {ERRORS[1]}, not {value!r}")
    return int(value)


def _seconds(text: str, name: str, value: str) -> float:
    seconds = _number(value)
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise _wrong(text, f"{name} must be seconds from 0 to {LONGEST_SECONDS:g}, not {value!r}")
    return seconds


def _share(text: str, name: str, value: str) -> float:
    share = _number(value)
    if not 0 < share <= 1:
        raise _wrong(text, f"{name} must be a share above 0 and up to 1, not {value!r}")
    return share


def _times(text: str, name: str, value: str) -> int:
    times = int(value) if re.fullmatch(r"\d{1,10}", value, re.ASCII) else 0
    if not 1 <= times <= MOST_TIMES:
        raise _wrong(text, f"{name} must be a whole number from 1 to {MOST_TIMES}, not {value!r}")
    return times


def _path(text: str, name: str, value: str) -> str:
    from ext_devkit.insights.ingest.routes import TRACK_PATHS
    from ext_devkit.insights.otlp.routes import OTLP_PATHS

    if value not in TRACK_PATHS + OTLP_PATHS:
        raise _wrong(text, f"{name} must be one of {', '.join(TRACK_PATHS + OTLP_PATHS)}, not {value!r}")
    return value


def _url(text: str, name: str, value: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", value, re.ASCII):
        raise _wrong(text, f"{name} must be a URL that begins with http:// or https://, not {value!r}")
    return value


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _wrong(text: str, why: str) -> DevkitError:
    return DevkitError(f"The fault {text[:200]!r} cannot be understood: {why[:300]}. {EXAMPLE}")


_COMMON = ("rate", "times", "path")
_KINDS: dict[str, tuple[str, ...]] = {
    "status": ("retry_after",),
    "hang": (),
    "reset": (),
    "redirect": ("status",),
    "partial": ("status",),
    "slow": (),
    "empty": (),
}
"""Kinds of faults, and the options that each has besides those that all have."""

_DEFAULT_STATUS = {"partial": 500, "redirect": REDIRECTS[0]}

_READ: dict[str, Callable[[str, str, str], object]] = {
    "status": _status,
    "retry_after": _seconds,
    "rate": _share,
    "times": _times,
    "path": _path,
}
"""Options -> how each is read."""

_VALUES: dict[str, tuple[str, Callable[[str, str, str], object], bool]] = {
    "status": ("status", _status, True),
    "hang": ("seconds", _seconds, False),
    "slow": ("seconds", _seconds, True),
    "partial": ("share", _share, False),
    "redirect": ("url", _url, True),
}
"""Kinds that take a value: where it is kept, how it is read, whether it is required."""
