"""The outer layers of a protobuf message, taken apart without holding more of it than one layer.

Protobuf's own parser would make an object of each part of a body at once: 32 MiB of empty spans, which take two bytes
each, become gigabytes. Encoding: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_devkit.insights.ingest.rejection import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LARGEST_NUMBER = 2**29 - 1
"""Of a field."""

_SIZES = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10


def parts(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each field that has a length; raise RejectedError if it is no protobuf."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if not 0 < number <= LARGEST_NUMBER:
            raise broken()
        if kind == LENGTH:
            size, at = _varint(message, at)
            if size > end - at:
                raise broken()
            yield number, message[at : at + size]
            at += size
        elif kind == VARINT:
            _, at = _varint(message, at)
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise broken()
    if at != end:
        raise broken()


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    value = 0
    for place, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004  the bit that says that more follow
            return value, at + place + 1
    raise broken()


def broken() -> RejectedError:
    """Return the error for bytes that are no protobuf message, or none of the right kind."""
    return RejectedError("The body is not the protobuf message of this path. Send an export request of OTLP.")
