"""What of a `logging.LogRecord` becomes which field of a telemetry record."""

from __future__ import annotations

import json
import logging
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACE = 1
_STEPS = ((logging.CRITICAL, 21), (logging.ERROR, 17), (logging.WARNING, 13), (logging.INFO, 9), (logging.DEBUG, 5))

CUSTOM_DIMENSIONS = "custom_dimensions"
"""The key of `extra` with which OpenCensus's handler took custom dimensions."""

_BARE = list(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
_OWN = frozenset(_BARE) | {"message", "asctime", "taskName"}
"""What a record has without `extra` and without a record factory of the app's, and what formatters add to it."""

_USUAL = len(_BARE)
_LAST = _BARE[-1]
_PLAIN = frozenset({str, int, float, bool})


def severity_number(level: int) -> int:
    """Return OpenTelemetry's severity of a level (logs data model, "Mapping of SeverityNumber")."""
    for start, number in _STEPS:
        if level >= start:
            return number + min(level - start, 3)
    return _TRACE


def body_of(record: logging.LogRecord) -> str:
    """Return the message with its arguments; without them, where they do not fit."""
    message = record.msg
    if not record.args and type(message) is str:
        return message
    try:
        return record.getMessage()
    except Exception:
        return _text(message)


def attributes_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what `extra` brought, its custom dimensions as such, and where the record was made."""
    found = vars(record)
    attributes: dict[str, Any] = {
        "code.file.path": record.pathname,
        "code.line.number": record.lineno,
        "code.function.name": record.funcName,
        "thread.name": record.threadName,
        "thread.id": record.thread,
    }
    if record.stack_info:
        attributes["code.stacktrace"] = record.stack_info
    if len(found) > _USUAL:
        _add_extra(attributes, found)
    return attributes


def _add_extra(attributes: dict[str, Any], found: dict[str, Any]) -> None:
    items: Iterator[tuple[str, Any]]
    given = found.get(CUSTOM_DIMENSIONS)
    items = islice(found.items(), _USUAL - 1, None)
    if next(items)[0] != _LAST:  # a filter of the app took a field away
        items = iter(list(found.items()))
    for key, value in items:
        if key not in _OWN and (key != CUSTOM_DIMENSIONS or not isinstance(given, dict)):
            _add(attributes, key, value)
    if isinstance(given, dict):
        for key, value in dict.items(given):  # a subclass may have ways of its own
            _add(attributes, key, value)


def _add(attributes: dict[str, Any], key: object, value: object) -> None:
    if type(key) is not str:
        key = _text(key)
    if type(value) in _PLAIN:
        attributes[key] = value
    elif value is not None:  # what has no value is no dimension
        attributes[key] = plain(value)


def plain(value: object) -> Any:
    """Return a value as it is now, as what can be kept: it may change once the function goes on."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (dict, list, tuple)):
        try:
            return json.dumps(value, ensure_ascii=False, default=_text)
        except Exception:  # noqa: S110  keys that are no text, a loop, a subclass with ways of its own
            pass
    return _text(value)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # of the app's own object
        return f"<{type(value).__name__}: {type(error).__name__} in __str__>"


def exception_of(record: logging.LogRecord) -> BaseException | None:
    """Return the exception of a record, if it has one."""
    given: Any = record.exc_info
    if not given:
        return None
    error = given[1] if isinstance(given, tuple) and len(given) > 1 else given
    return error if isinstance(error, BaseException) else None
