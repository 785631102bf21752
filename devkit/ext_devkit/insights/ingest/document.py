"""From the text of a body to its items: a JSON array, a single object, or one object per line."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

from ext_devkit.insights.ingest.rejection import RejectedError

BOM = b"\xef\xbb\xbf"
SPACE = b" \t\r\n"
MOST_VALUES = 2_000_000
"""Commas and opening brackets: each value costs up to 64 bytes in memory, far more than it takes on the wire."""

MOST_ITEMS = 50_000
"""Items of one request, a hundred usual batches: each that is refused adds its reason to the answer."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_ODD_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class Unreadable:
    """Stands for a line that is no JSON object; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def read_items(body: bytes | bytearray) -> list[Any]:
    """Return the items as decoded JSON; a line that cannot be read is an `Unreadable`.

    Raises RejectedError if there is nothing to tell items apart in: not UTF-8, no JSON, a scalar, nothing at all.
    """
    text = _text(body)
    items = _items(text)
    if len(items) > MOST_ITEMS:
        raise too_many()
    if _is_odd(body):
        items = [_clean(item) for item in items]
    return items


def read_document(body: bytes | bytearray, most_values: int = MOST_VALUES) -> Any:
    """Return a body that is one JSON value; raise RejectedError if it is not."""
    text = _text(body, most_values)
    try:
        document = _parse(text)
    except RejectedError as error:
        raise RejectedError(f"The body is not valid JSON: {error}", error.status) from error
    if _is_odd(body):
        document = _clean(document)
    if type(document) is Unreadable:
        raise RejectedError(document.reason)
    return document


def too_many() -> RejectedError:
    """Return the error for a body with more items than one answer can speak of."""
    return RejectedError(f"The body has more than {MOST_ITEMS} items. Send fewer items at once.", 413)


def _text(body: bytes | bytearray, most_values: int = MOST_VALUES) -> str:
    body = body.removeprefix(BOM).strip(SPACE)
    if not body:
        raise RejectedError("The body is empty. Send a JSON array, a JSON object, or one JSON object per line.")
    if len(body) > most_values < sum(map(body.count, (b",", b"[", b"{"))):
        raise RejectedError("The body has too many JSON values. Send fewer items at once.", 413)
    return _decode(body)


def _items(text: str) -> list[Any]:
    try:
        document = _parse(text)
    except RejectedError as error:
        lines = _lines(text) if text.startswith("{") and "\n" in text else []
        if not any(isinstance(line, dict) for line in lines):
            raise RejectedError(f"The body is not valid JSON: {error}", error.status) from error
        return lines
    if isinstance(document, dict):
        return [document]
    if not isinstance(document, list):
        raise RejectedError("The body is a single JSON value. Send a JSON array, an object, or one object per line.")
    if not document:
        raise RejectedError("The body has no items.")
    return document


def _lines(text: str) -> list[Any]:
    # Not str.splitlines: U+2028 and its like may stand unescaped inside a JSON string.
    filled = (line for line in text.split("\n", MOST_VALUES) if line.strip(" \t\r"))
    return [_line(line) for line in islice(filled, MOST_ITEMS + 1)]


def _line(line: str) -> Any:
    try:
        return _parse(line)
    except RejectedError as error:
        return Unreadable(f"The line is not valid JSON: {error}")


def _decode(body: bytes | bytearray) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise RejectedError(f"The body is not UTF-8: the byte at {error.start} is out of place.") from error


def _parse(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise RejectedError("it is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise RejectedError(f"{error.msg} (line {error.lineno}, column {error.colno}).") from error
    except ValueError as error:
        # CPython refuses to read integers of more than a few thousand digits.
        raise RejectedError("a number has too many digits.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RejectedError(f"the key {twice[:64]!r} stands twice in one object.")
    return found


# NaN and Infinity are read, though they are no JSON: Python's exporters send them, and one must not cost a whole batch.
_decoder = json.JSONDecoder(object_pairs_hook=_unique)


def _is_odd(body: bytes | bytearray) -> bool:
    """Whether there may be NUL or half a surrogate pair in a body."""
    return b"\\u" in body and _ODD_ESCAPE.search(body) is not None


def _clean(item: Any) -> Any:
    """Replace NUL by U+FFFD, as SQLite's text functions stop at NUL; turn an item with half a character into a reason.

    Goes down without recursion: what the C decoder could nest, Python calls perhaps cannot.
    """
    holder = [item]
    waiting: list[Any] = [holder]
    try:
        while waiting:
            container = waiting.pop()
            _clean_one(container)
            inside = container.values() if isinstance(container, dict) else container
            waiting.extend(value for value in inside if isinstance(value, (dict, list)))
    except UnicodeEncodeError:
        return Unreadable("The item has half of a surrogate pair (\\ud800-\\udfff), which is no character.")
    return holder[0]


def _clean_one(container: Any) -> None:
    if isinstance(container, list):
        container[:] = map(_tidy, container)
        return
    pairs = [(_tidy(key), _tidy(value)) for key, value in container.items()]
    container.clear()
    container.update(pairs)


def _tidy(value: Any) -> Any:
    if type(value) is not str:
        return value
    value.encode()
    return value.replace("\0", REPLACEMENT) if "\0" in value else value
