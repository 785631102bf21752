"""The time that a question is about, and how it is cut into steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ext_devkit.insights.store.reader import Reader

MOST_STEPS = 60
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Lengths of a step in seconds; longer ones are whole days."""

DAY = 86400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}
_LAST = re.compile(r"([1-9]\d{0,5})([smhd])", re.ASCII)


@dataclass(frozen=True)
class Window:
    """From `since` to `until`, which itself is left out: UTC text as stored, None where it is open."""

    since: str | None = None
    until: str | None = None

    @classmethod
    def parse(cls, from_: str | None = None, to: str | None = None, last: str | None = None) -> Window:
        """Read what a user gives: times in ISO 8601 with `Z` or an offset, or how far back as in `15m`, `24h`, `7d`.

        Raises DevkitError that says what was expected.
        """
        if last is None:
            window = cls(_stored("from", from_), _stored("to", to))
            if window.since and window.until and window.since >= window.until:
                raise DevkitError("'from' has to be before 'to'.")
            return window
        if from_ is not None or to is not None:
            raise DevkitError("'last' cannot be given together with 'from' or 'to'.")
        match = _LAST.fullmatch(last)
        if match is None:
            raise DevkitError(f"'last' is '{last[:40]}'. Expected a number and s, m, h or d, as in 15m, 24h or 7d.")
        try:
            since = datetime.now(timezone.utc) - timedelta(seconds=int(match[1]) * UNITS[match[2]])
        except OverflowError:
            return cls()
        return cls(stored(since))

    def where(self, column: str = "timestamp") -> tuple[str, list[str]]:
        """Return the condition in SQL, with `?` for each value, and the values."""
        parts = [(f"{column} >= ?", self.since), (f"{column} < ?", self.until)]
        given = [(sql, value) for sql, value in parts if value is not None]
        return " AND ".join(sql for sql, _ in given) or "1", [value for _, value in given]


@dataclass(frozen=True)
class Steps:
    """A window as steps of equal length: `edges` are the times where they begin, and the end of the last."""

    seconds: int
    edges: list[str]

    @classmethod
    def of(cls, reader: Reader, window: Window, tables: Sequence[str], seconds: int | None = None) -> Steps:
        """Return the steps of what some tables have in a window, `MOST_STEPS` at most unless `seconds` is given.

        They begin at multiples of their length, counted from 1970. There are none if there is nothing.
        """
        ends = _ends(reader, window, tables)
        if ends is None:
            return cls(seconds or STEPS[0], [])
        first, final = ends
        length = (final - first).total_seconds()
        if seconds is None:
            seconds = next((step for step in STEPS if length / step < MOST_STEPS - 1), None)
            seconds = seconds or -(-int(length) // (DAY * (MOST_STEPS - 1))) * DAY
        start = int(first.timestamp()) // seconds * seconds
        count = (int(final.timestamp()) - start) // seconds + 1
        if count > 10 * MOST_STEPS:
            raise DevkitError(
                f"Steps of {seconds} s are too short for that time: it would be {count} of them, "
                f"{10 * MOST_STEPS} are allowed."
            )
        moments = (datetime.fromtimestamp(start + n * seconds, timezone.utc) for n in range(count + 1))
        return cls(seconds, [stored(moment) for moment in moments])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Go through the steps: begin and end of each."""
        return zip(self.edges, self.edges[1:], strict=False)


def minutes(reader: Reader, window: Window, tables: Sequence[str]) -> float:
    """Return how long a window is, 1 at least; where it is open it ends with what some tables have in it."""
    found = _ends(reader, window, tables)
    if found is None:
        return 1.0
    first, last = (
        moment if given is None else datetime.fromisoformat(given.replace("Z", "+00:00"))
        for moment, given in zip(found, (window.since, window.until), strict=True)
    )
    return max((last - first).total_seconds() / 60, 1.0)


def _ends(reader: Reader, window: Window, tables: Sequence[str]) -> tuple[datetime, datetime] | None:
    where, values = window.where()
    found = [
        reader.query(f"SELECT {which}(timestamp) AS t FROM {table} WHERE {where}", values)[0]["t"]  # noqa: S608
        for table in tables
        for which in ("min", "max")
    ]
    times = [datetime.fromisoformat(time.replace("Z", "+00:00")) for time in found if time]
    return (min(times), max(times)) if times else None


def stored(moment: datetime) -> str:
    """Return a time as it is stored: UTC with microseconds and `Z`."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _stored(field: str, value: str | None) -> str | None:
    if value is None:
        return None
    # A plus in a query is a space; Python 3.10 reads no Z, and fractions of three or six digits only.
    text = value.strip().replace(" ", "+") if "T" in value else value.strip()
    text = re.sub(r"\.(\d+)", lambda match: f".{match[1][:6].ljust(6, '0')}", re.sub("[zZ]$", "+00:00", text))
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return stored(moment)
    except (ValueError, OverflowError):
        raise DevkitError(
            f"'{field}' is '{value[:40]}'. Expected a time with Z or an offset, as in 2026-01-02T03:04:05Z."
        ) from None
