"""The time of an envelope: ISO 8601, and neither too old nor too far ahead."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ext_devkit.insights.ingest.rejection import RejectedError, invalid, missing, outside_window, wrong_type

OLDEST_MS = 172_800_000
"""48 hours: what is older is rejected (ENDPOINT-PROTOCOL.md)."""

NEWEST_MS = 7_200_000
"""2 hours: what lies further ahead is rejected (MS-bond Envelope.bond)."""

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,16}))?(?:[Zz]|([+-])(\d\d):?(\d\d))?", flags=re.ASCII
)


class Window:
    """What times are allowed, seen from `now` (UTC); one per request, so that a batch is judged as one."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = (now or datetime.now(timezone.utc)).replace(tzinfo=None)
        self._oldest = self._now - timedelta(milliseconds=OLDEST_MS)
        self._newest = self._now + timedelta(milliseconds=NEWEST_MS)

    def read(self, value: Any) -> str:
        """Return the time as UTC with six decimals and `Z`, so that text sorts as time; without an offset it is UTC."""
        if value is None or value == "":
            raise missing("time", "Envelope", "string", value)
        if type(value) is not str:
            raise wrong_type("time", "Envelope", "string", value)
        moment = _parse(value)
        if not self._oldest <= moment <= self._newest:
            raise self._outside(moment)
        return _printed(moment)

    def _outside(self, moment: datetime) -> Exception:
        older = moment < self._oldest
        distance = (self._now - moment) if older else (moment - self._now)
        return outside_window(older, OLDEST_MS if older else NEWEST_MS, distance // timedelta(milliseconds=1))


class AnyTime(Window):
    """Takes any time; what is none becomes now."""

    def read(self, value: Any) -> str:
        """Return the time as UTC, as `Window` does."""
        try:
            moment = _parse(value) if type(value) is str else self._now
        except RejectedError:
            moment = self._now
        return _printed(moment)


def _printed(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')}Z"


def _parse(value: str) -> datetime:
    match = _TIME.fullmatch(value)
    if match is None:
        raise invalid("time", "Envelope", "time", "date", value)
    *whole, fraction, sign, hours, minutes = match.groups()
    microseconds = int((fraction or "")[:6].ljust(6, "0"))
    try:
        year, month, day, hour, minute, second = map(int, whole)
        # UTC, but naive: quicker to compare and to print, a thousand times per request.
        moment = datetime(year, month, day, hour, minute, second, microseconds)  # noqa: DTZ001
        if sign is None:
            return moment
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError) as error:
        raise invalid("time", "Envelope", "time", "date", value) from error
