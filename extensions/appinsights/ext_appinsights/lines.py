"""Requests, dependencies, exceptions as lines of JSON, without a dict in between: as nearly all of a traced app is.

`request` and `dependency` write what JSON makes of the envelopes of the same name in `ext_appinsights.envelope`, with
the same limits, at a quarter of the cost; a test holds both beside each other. What several items have in common (the
tags of a resource, the name of a property) is written once by the caller, who passes **members**: the inside of a JSON
object, without braces.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ext_appinsights.fields import (
    DATA_LIMIT,
    ID_LIMIT,
    TEXT_LIMIT,
    URL_LIMIT,
    duration,
    required,
    timestamp,
)
from ext_appinsights.fields import measurements as limited_measurements
from ext_appinsights.fields import properties as limited_properties
from ext_appinsights.fields import tags as limited_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode

quoted: Callable[[str], str] = json.encoder.encode_basestring  # type: ignore[attr-defined,unused-ignore]
"""A text as JSON, quotes included: the C function where there is one (json/encoder.py)."""


def line(envelope: Mapping[str, Any]) -> bytes:
    """Return any envelope as a line; text that is no Unicode (a lone surrogate) becomes a question mark."""
    return _bytes(_encode(envelope))


def properties(values: Mapping[str, Any] | None) -> str:
    """Return custom dimensions as members."""
    return members(limited_properties(values))


def measurements(values: Mapping[str, Any] | None) -> str:
    """Return custom measurements as members."""
    return _encode(limited_measurements(values))[1:-1]


def tags(values: Mapping[str, Any] | None) -> str:
    """Return context tags as members."""
    return members(limited_tags(values))


def members(values: Mapping[str, str]) -> str:
    """Return texts, already within their limits, as members."""
    return ",".join([f"{quoted(key)}:{quoted(value)}" for key, value in values.items()])


def request(
    *,
    time_ns: int,
    id: str,  # noqa: A002  the field's name on the wire
    name: str,
    duration_ns: int,
    success: bool,
    response_code: str = "0",
    url: str | None = None,
    source: str | None = None,
    properties: str = "",
    measurements: str = "",
    tags: str = "",
    sample_rate: float = 100.0,
) -> bytes:
    """Return a request as a line, see `envelope.request`."""
    more = f',"url":{quoted(url[:URL_LIMIT])}' if url else ""
    if source:
        more += f',"source":{quoted(source[:TEXT_LIMIT])}'
    return request_line(
        timestamp(time_ns),
        _required(id, ID_LIMIT),
        _required(name, TEXT_LIMIT),
        duration(duration_ns),
        _required(response_code, TEXT_LIMIT),
        success,
        more,
        _ending(properties, measurements),
        tags,
        sample_rate,
    )


def request_line(
    time: str,
    id: str,  # noqa: A002  as above
    name: str,
    duration: str,
    code: str,
    success: bool,
    more: str,
    ending: str,
    tags: str,
    rate: float,
) -> bytes:
    """Return a request from texts that are within their limits; `id`, `name` and `code` with their quotes.

    `more` and `ending` are members with a comma before each: further fields; properties and measurements.
    """
    text = (
        f'{{"name":"Microsoft.ApplicationInsights.Request","time":"{time}","sampleRate":{rate},'
        f'"tags":{{{tags}}},"data":{{"baseType":"RequestData","baseData":{{"ver":2,'
        f'"id":{id},"name":{name},"duration":"{duration}","responseCode":{code},'
        f'"success":{"true" if success else "false"}{more}{ending}}}}}}}'
    )
    return text.encode() if text.isascii() else _bytes(text)


def dependency(
    *,
    time_ns: int,
    name: str,
    duration_ns: int,
    success: bool = True,
    id: str | None = None,  # noqa: A002  the field's name on the wire
    result_code: str | None = None,
    type: str | None = None,  # noqa: A002  the field's name on the wire
    target: str | None = None,
    data: str | None = None,
    properties: str = "",
    measurements: str = "",
    tags: str = "",
    sample_rate: float = 100.0,
) -> bytes:
    """Return a dependency as a line, see `envelope.dependency`."""
    more = f',"id":{quoted(id[:ID_LIMIT])}' if id else ""
    if result_code:
        more += f',"resultCode":{quoted(result_code[:TEXT_LIMIT])}'
    if type:
        more += f',"type":{quoted(type[:TEXT_LIMIT])}'
    if target:
        more += f',"target":{quoted(target[:TEXT_LIMIT])}'
    if data:
        more += f',"data":{quoted(data[:DATA_LIMIT])}'
    return dependency_line(
        timestamp(time_ns), _required(name, TEXT_LIMIT), duration(duration_ns), success,
        more, _ending(properties, measurements), tags, sample_rate,
    )  # fmt: skip


def dependency_line(
    time: str, name: str, duration: str, success: bool, more: str, ending: str, tags: str, rate: float
) -> bytes:
    """Return a dependency from texts that are within their limits, as `request_line` does."""
    text = (
        f'{{"name":"Microsoft.ApplicationInsights.RemoteDependency","time":"{time}","sampleRate":{rate},'
        f'"tags":{{{tags}}},"data":{{"baseType":"RemoteDependencyData","baseData":{{"ver":2,'
        f'"name":{name},"duration":"{duration}","success":{"true" if success else "false"}{more}{ending}}}}}}}'
    )
    return text.encode() if text.isascii() else _bytes(text)


def exception_line(time: str, exceptions: str, ending: str, tags: str, rate: float) -> bytes:
    """Return an exception item from texts that are within their limits; `exceptions`: a JSON array, see `stacks`."""
    text = (
        f'{{"name":"Microsoft.ApplicationInsights.Exception","time":"{time}","sampleRate":{rate},'
        f'"tags":{{{tags}}},"data":{{"baseType":"ExceptionData","baseData":{{"ver":2,'
        f'"exceptions":{exceptions}{ending}}}}}}}'
    )
    return text.encode() if text.isascii() else _bytes(text)


def _required(text: str, limit: int) -> str:
    return quoted(text) if len(text) <= limit and text and not text.isspace() else quoted(required(text, limit))


def _ending(properties: str, measurements: str) -> str:
    ending = f',"properties":{{{properties}}}' if properties else ""
    return f'{ending},"measurements":{{{measurements}}}' if measurements else ending


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
