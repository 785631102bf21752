"""The text of a journal's segments: what a line looks like, and what can be read back of a file that was damaged.

Each line is the CRC-32 of the rest in eight hex digits, a space, and one of

- `!azfunc-ext-appinsights journal 1`: the header, first in the file;
- `{...}`: an item as JSON, without the instrumentation key;
- `=40-1200,2100`: items that are settled, by the byte at which their lines begin, ranges with both ends included.

Items are known by where they begin and not by their number: a line that is damaged then changes nothing for the others.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

OVERHEAD = 10
"""Bytes of a record beside its line: the checksum, a space, the line break."""

_TITLE = b"!azfunc-ext-appinsights journal "
_VERSION = b"1"
_MOST_BEGINNINGS = 16
"""How many lines are looked for in one that is damaged; each costs a checksum of what follows."""

_BEGINNING = re.compile(rb"[0-9a-f]{8} [{=!]")


def record(line: bytes) -> bytes:
    """Return the record of a line that has no line break."""
    return b"%08x %b\n" % (crc32(line), line)


HEADER = record(_TITLE + _VERSION)


def settled(marks: Iterable[tuple[int, int]]) -> bytes:
    """Return the record that says that items are settled; `marks`: where each begins, and the length of its line."""
    ranges: list[list[int]] = []
    end = -1
    for offset, length in sorted(marks):
        if offset == end:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])
        end = offset + length + OVERHEAD
    return record(b"=" + ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges).encode())


@dataclass(slots=True)
class Contents:
    """What a segment holds: `items` that are not settled, as (offset, line), and how many lines cannot be used."""

    items: list[tuple[int, bytes]] = field(default_factory=list)
    corrupt: int = 0
    foreign: bool = False
    """Another version has written it, and nothing else is known of it."""


def read(data: bytes) -> Contents:
    """Return what is in the bytes of a segment, whatever they are; never raises."""
    found = Contents()
    ranges: list[tuple[int, int]] = []
    offset = 0
    for text in data.split(b"\n"):
        if text:
            _read(text, offset, found, ranges)
        offset += len(text) + 1
    if found.foreign:
        return Contents(foreign=True)
    offsets = [offset for offset, _ in found.items]
    for first, last in ranges:
        for index in range(bisect_left(offsets, first), bisect_right(offsets, last)):
            found.items[index] = (offsets[index], b"")
    found.items = [item for item in found.items if item[1]]
    return found


def _read(text: bytes, offset: int, found: Contents, ranges: list[tuple[int, int]]) -> None:
    """Read what lies between two line breaks: a line, or several if a break was what was damaged."""
    if _is_intact(text):
        _take(text[OVERHEAD - 1 :], offset, found, ranges)
        return
    for match in islice(_BEGINNING.finditer(text, 1), _MOST_BEGINNINGS):
        start = match.start()
        if _is_intact(text[start:]):
            _read(text[: start - 1], offset, found, ranges)
            _take(text[start + OVERHEAD - 1 :], offset + start, found, ranges)
            return
    if _is_intact(text[:-1]):  # the last line break of all
        _take(text[OVERHEAD - 1 : -1], offset, found, ranges)
    else:
        found.corrupt += 1


def _is_intact(text: bytes) -> bool:
    return text[: OVERHEAD - 1] == b"%08x " % crc32(text[OVERHEAD - 1 :])


def _take(line: bytes, offset: int, found: Contents, ranges: list[tuple[int, int]]) -> None:
    kind = line[:1]
    if kind == b"{":
        found.items.append((offset, line))
    elif kind == b"=":
        try:
            for text in line[1:].split(b","):
                first, _, last = text.partition(b"-")
                ranges.append((int(first), int(last or first)))
        except ValueError:
            found.corrupt += 1
    elif line != _TITLE + _VERSION:
        found.foreign = True
