"""The fields of telemetry items: texts cut to their limits, times, durations, properties, measurements, tags.

Limits are those of Microsoft's Bond schemas (Envelope.bond, ContextTagKeys.bond and one file per item type); where
the .NET SDK's table has a smaller number, the smaller one is used.
"""

from __future__ import annotations

import json
from functools import lru_cache
from math import isfinite
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LIMIT = 150
VALUE_LIMIT = 8192
ID_LIMIT = 128

TAG_LIMITS = {
    "ai.application.ver": 1024,
    "ai.cloud.location": 256,
    "ai.cloud.role": 256,
    "ai.cloud.roleInstance": 256,
    "ai.cloud.roleVer": 256,
    "ai.device.id": 1024,
    "ai.device.locale": 64,
    "ai.device.model": 256,
    "ai.device.oemName": 256,
    "ai.device.osVersion": 256,
    "ai.device.type": 64,
    "ai.internal.agentVersion": 64,
    "ai.internal.nodeName": 256,
    "ai.internal.sdkVersion": 64,
    "ai.location.city": 256,
    "ai.location.country": 256,
    "ai.location.ip": 45,
    "ai.location.province": 256,
    "ai.operation.correlationVector": 64,
    "ai.operation.id": 128,
    "ai.operation.name": 1024,
    "ai.operation.parentId": 128,
    "ai.operation.syntheticSource": 1024,
    "ai.session.id": 64,
    "ai.session.isFirst": 5,
    "ai.user.accountId": 1024,
    "ai.user.authUserId": 1024,
    "ai.user.id": 128,
    "ai.user.userAgent": 2048,
}

_MILLISECOND = 1_000_000
_SECOND = 1_000_000_000
_LONGEST = 1000 * 24 * 60 * 60 * 1000 - 1


def timestamp(time_ns: int) -> str:
    """Return nanoseconds since the epoch as UTC ISO 8601, to the microsecond: `2026-01-02T03:04:05.678901Z`."""
    seconds, nanoseconds = divmod(time_ns, _SECOND)
    return f"{_whole_seconds(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=32)
def _whole_seconds(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def duration(nanoseconds: int) -> str:
    """Return a duration as `d.hh:mm:ss.fff`, rounded half up to the millisecond, at least 0 and below 1000 days."""
    milliseconds = min(max((nanoseconds + _MILLISECOND // 2) // _MILLISECOND, 0), _LONGEST)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def required(text: object, limit: int) -> str:
    """Return a text that the service insists on: cut to `limit` characters, `n/a` when blank."""
    cut = str(text)[:limit]
    return cut if cut.strip() else "n/a"


def value_text(value: object) -> str:
    """Return a property's value as text: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def properties(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return custom dimensions: keys cut to 150 characters, values to 8192, None and empty keys left out."""
    if not values:
        return {}
    return {
        str(key)[:KEY_LIMIT]: (value if isinstance(value, str) else value_text(value))[:VALUE_LIMIT]
        for key, value in values.items()
        if key and value is not None
    }


def measurements(values: Mapping[str, Any] | None) -> dict[str, float]:
    """Return custom measurements: keys cut to 150 characters; what is not a finite number is left out."""
    if not values:
        return {}
    return {str(key)[:KEY_LIMIT]: value for key, value in values.items() if key and is_finite(value)}


def is_finite(value: object) -> bool:
    """Whether `value` is a number that JSON and the service can hold; True and False are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False


def tags(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return context tags cut to their limits, without the empty ones."""
    if not values:
        return {}
    cut = {}
    for key, value in values.items():
        if value:
            text = value if isinstance(value, str) else str(value)
            cut[key] = text[: TAG_LIMITS.get(key, 1024)]
    return cut
