"""The text of a segment: what was written is read back, and damage touches nothing but what it hits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights.records import HEADER, OVERHEAD, read, record, settled

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
ITEMS = st.lists(TEXTS.map(lambda text: json.dumps({"n": text}, ensure_ascii=False).encode()), max_size=8)


def segment_of(lines: list[bytes]) -> tuple[bytes, list[int]]:
    """Return the bytes of a segment, and where each of its lines begins."""
    data, offsets = HEADER, []
    for line in lines:
        offsets.append(len(data))
        data += record(line)
    return data, offsets


def test_a_record_is_the_checksum_the_line_and_a_line_break():
    """So that a person can read a journal, and `zlib.crc32` can check it."""
    assert record(b'{"a":1}') == b'561bacaf {"a":1}\n'
    assert HEADER == b"cfb65fec !azfunc-ext-appinsights journal 1\n"
    assert len(record(b"{}")) == len(b"{}") + OVERHEAD


@given(ITEMS)
def test_what_was_written_is_read_back(lines: list[bytes]):
    """With the place of each line."""
    data, offsets = segment_of(lines)
    found = read(data)

    assert found.items == list(zip(offsets, lines, strict=True))
    assert (found.corrupt, found.foreign) == (0, False)


@given(ITEMS, st.data())
def test_what_is_settled_is_not_read_back(lines: list[bytes], data):
    """Whatever is settled together and in which order, and with the notes of it between the items."""
    text, offsets = segment_of(lines)
    open_items = dict(zip(offsets, lines, strict=True))
    while open_items and data.draw(st.booleans()):
        chosen = data.draw(st.lists(st.sampled_from(sorted(open_items)), unique=True, min_size=1))
        text += settled([(offset, len(open_items[offset])) for offset in chosen])
        for offset in chosen:
            del open_items[offset]
        if data.draw(st.booleans()):
            open_items[len(text)] = b'{"later":1}'
            text += record(b'{"later":1}')

    assert read(text).items == sorted(open_items.items())


def test_neighbours_are_settled_as_one_range():
    """A request's worth of items costs a few bytes."""
    lines = [b'{"a":1}', b'{"bb":1}', b'{"c":1}', b'{"d":1}']
    _, offsets = segment_of(lines)
    marks = [(offset, len(line)) for offset, line in zip(offsets, lines, strict=True)]

    assert offsets == [43, 60, 78, 95]
    assert settled(marks) == record(b"=43-95")
    assert settled([marks[0], marks[1], marks[3]]) == record(b"=43-60,95")
    assert settled(reversed(marks)) == settled(marks)


@given(ITEMS, st.data())
def test_a_truncated_segment_loses_what_was_cut_off(lines: list[bytes], data):
    """And the one line that is torn, which is counted."""
    text, offsets = segment_of(lines)
    length = data.draw(st.integers(0, len(text)))
    found = read(text[:length])

    whole = [pair for pair in zip(offsets, lines, strict=True) if pair[0] + len(pair[1]) + OVERHEAD - 1 <= length]
    ends = [
        0,
        len(HEADER) - 1,
        len(HEADER),
        *(o + len(line) + OVERHEAD - n for o, line in zip(offsets, lines, strict=True) for n in (0, 1)),
    ]
    assert found.items == whole
    assert found.corrupt == (length not in ends)


@given(ITEMS, st.data())
def test_a_flipped_byte_loses_at_most_the_line_that_it_is_in(lines: list[bytes], data):
    """Also where it is a line break that is gone, or a new one; what is lost is counted."""
    text, offsets = segment_of(lines)
    place = data.draw(st.integers(0, len(text) - 1))
    flipped = bytes([text[place] ^ data.draw(st.integers(1, 255))])
    found = read(text[:place] + flipped + text[place + 1 :])

    untouched = [
        pair
        for pair in zip(offsets, lines, strict=True)
        if not pair[0] <= place < pair[0] + len(pair[1]) + OVERHEAD - 1
    ]
    assert found.items == untouched
    assert found.corrupt >= (text[place : place + 1] != b"\n")


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes):
    """Whatever somebody has left there."""
    assert read(data).items == []


@pytest.mark.parametrize("note", [b"=", b"=x", b"=1-2-3", b"=1," + b"9" * 5000])
def test_a_note_that_says_nothing_is_counted(note: bytes):
    """Its checksum is right, so somebody has written it like that."""
    item = record(b'{"a":1}')

    found = read(item + record(note) + item)

    assert ([line for _, line in found.items], found.corrupt) == ([b'{"a":1}', b'{"a":1}'], 1)


def test_many_damaged_beginnings_take_no_time():
    """What follows each of them is not summed up again and again."""
    found = read(b"01234567 {" * 100_000)

    assert (found.items, found.corrupt) == ([], 1)


@pytest.mark.parametrize("kind", [b"!azfunc-ext-appinsights journal 2", b"#", b"\x00"])
def test_what_another_version_has_written_is_not_touched(kind: bytes):
    """It is not known what it means."""
    assert read(record(kind) + record(b'{"a":1}')).foreign
