"""Items on their way: what callers hand over becomes lines of JSON, and lines become parcels of limited size."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    Made: TypeAlias = "Mapping[str, Any] | bytes"
    Item: TypeAlias = "Made | Callable[[], Iterable[Made]]"

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode

_GZIP = 31
"""zlib's window bits for a gzip header and trailer."""

LEVEL = 1
"""A span costs 4 microseconds and 165 bytes at level 1, 9 microseconds and 137 bytes at level 6."""


def beginning_of(key: str) -> bytes:
    """Return the beginning of each line: the brace and the instrumentation key."""
    return _encode({"iKey": key})[:-1].encode("utf-8", "replace") + b","


class Parcel:
    """Lines that are posted together, oldest first."""

    __slots__ = ("attempts", "lines")

    def __init__(self, lines: list[bytes], attempts: int = 0) -> None:
        self.lines = lines
        self.attempts = attempts

    def body(self, beginning: bytes) -> bytes:
        """Return the lines as a gzip body; each starts with `beginning` (see `beginning_of`) in place of its brace."""
        compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        text = b"\n".join([beginning + line[1:] for line in self.lines])
        return compressor.compress(text) + compressor.flush()

    def halves(self) -> tuple[Parcel, Parcel]:
        """Return two parcels with the first and the second half of the lines."""
        middle = len(self.lines) // 2
        return Parcel(self.lines[:middle]), Parcel(self.lines[middle:])


def lines_of(item: Item) -> tuple[list[bytes], Exception | None]:
    """Return the lines of one item, without the instrumentation key, and what was wrong with the others."""
    lines: list[bytes] = []
    failure: Exception | None = None
    try:
        for given in item() if callable(item) else (item,):
            try:
                lines.append(_checked(given) if isinstance(given, bytes) else _written(given))
            except Exception as error:
                failure = error
    except Exception as error:
        failure = error
    return lines, failure


def _checked(line: bytes) -> bytes:
    if line[:1] == b"{" and line[-1:] == b"}" and len(line) > len(b"{}") and b"\n" not in line:
        return line
    raise ValueError("an item as bytes must be one JSON object with content, without line breaks around or in it")


def _written(envelope: Mapping[str, Any]) -> bytes:
    if "iKey" in envelope:
        envelope = {name: value for name, value in envelope.items() if name != "iKey"}
    # Text that is no Unicode (a lone surrogate) is replaced: a receiver could refuse the whole request.
    return _checked(_encode(envelope).encode("utf-8", "replace"))


def parcels_of(lines: list[bytes], most: int, most_bytes: int) -> list[Parcel]:
    """Return the lines in parcels of at most `most` lines and, unless one line alone has more, `most_bytes` bytes."""
    parcels: list[Parcel] = []
    current: list[bytes] = []
    size = 0
    for line in lines:
        if current and (len(current) >= most or size + len(line) > most_bytes):
            parcels.append(Parcel(current))
            current, size = [], 0
        current.append(line)
        size += len(line) + 1
    if current:
        parcels.append(Parcel(current))
    return parcels
