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
TEXT_LIMIT = 1024
"""Of names, types, targets, codes and sources."""
URL_LIMIT = 2048
DATA_LIMIT = 8192

LONG_VALUE_LIMIT = 256 * 1024
LONG_VALUES = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.evaluation.explanation",
    }
)
"""Properties of conversations with language models, which may be longer (azure-monitor-opentelemetry-exporter,
_constants.py, `_GEN_AI_ATTRIBUTES`)."""

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
_DIGITS = 19
_LONGEST = 1000 * 24 * 60 * 60 * 1000 - 1


def timestamp(time_ns: int) -> str:
    """Return nanoseconds since the epoch as UTC ISO 8601, to the microsecond: `2026-01-02T03:04:05.678901Z`."""
    digits = str(time_ns)
    if len(digits) == _DIGITS and digits.isdigit():  # of the years 2001 to 2286, for a third of what dividing costs
        return f"{_whole_seconds(digits[:-9])}.{digits[-9:-3]}Z"
    seconds, nanoseconds = divmod(time_ns, _SECOND)
    return f"{_whole_seconds(str(seconds))}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=32)
def _whole_seconds(seconds: str) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(int(seconds)))


def duration(nanoseconds: int) -> str:
    """Return a duration as `d.hh:mm:ss.fff`, rounded half up to the millisecond, at least 0 and below 1000 days."""
    return _milliseconds((nanoseconds + _MILLISECOND // 2) // _MILLISECOND)


@lru_cache(maxsize=1024)
def _milliseconds(milliseconds: int) -> str:
    seconds, milliseconds = divmod(min(max(milliseconds, 0), _LONGEST), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def required(text: object, limit: int) -> str:
    """Return a text that the service insists on: cut to `limit` characters, `n/a` when blank."""
    cut = str(text)[:limit]
    return cut if cut.strip() else "n/a"


def value_text(value: object) -> str:
    """Return a property's value as text: text as it is, bytes as UTF-8, anything else as JSON."""
    if isinstance(value, str):
        return str.__str__(value)  # of an enumeration its value, which its own way to print itself may hide
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if type(value) in (int, float) and is_finite(value):
        return repr(value)
    try:
        return _encode(value)
    except Exception:  # keys that are no text, a loop, an integer of more digits than Python prints
        return _printed(value)


def _printed(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # one value must not cost the item, nor those beside it
        return f"<{type(value).__name__}: {type(error).__name__} in __str__>"


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def value_limit(key: str) -> int:
    """Return the most characters that the property called `key` may have."""
    return LONG_VALUE_LIMIT if key in LONG_VALUES else VALUE_LIMIT


def properties(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return custom dimensions: keys and values cut to their limits, None and empty keys left out.

    Keys have 150 characters, values 8192, some of language models 256 Ki. No value is lost where keys are equal up to
    there: the second one ends in `~2`, the third in `~3`.
    """
    if not values:
        return {}
    return {
        key: (value if isinstance(value, str) else value_text(value))[: value_limit(key)]
        for key, value in _short_keys(values).items()
        if value is not None
    }


def measurements(values: Mapping[str, Any] | None) -> dict[str, float]:
    """Return custom measurements: keys as those of properties; what is not a finite number is left out."""
    if not values:
        return {}
    return {key: value for key, value in _short_keys(values).items() if is_finite(value)}


def _short_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    short = {str(key): value for key, value in values.items() if key}
    if all(len(key) <= KEY_LIMIT for key in short):
        return short
    long = {key: value for key, value in short.items() if len(key) > KEY_LIMIT}
    short = {key: value for key, value in short.items() if len(key) <= KEY_LIMIT}
    for key, value in long.items():
        name, number = key[:KEY_LIMIT], 1
        while name in short:
            number += 1
            ending = f"~{number}"
            name = key[: KEY_LIMIT - len(ending)] + ending
        short[name] = value
    return short


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
