"""Every form in which SDKs send items."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from ext_devkit.insights.ingest.body import Body
from ext_devkit.insights.ingest.document import read_items
from tests.support.insights import envelope, post


def array(items):
    return json.dumps(items).encode()


def lines(items):
    return b"\n".join(json.dumps(item).encode() for item in items)


def pretty_array(items):
    return json.dumps(items, indent=2).encode()


FORMS = {
    "array": array,
    "array over many lines": pretty_array,
    "lines": lines,
    "lines with CRLF": lambda items: lines(items).replace(b"\n", b"\r\n"),
    "lines with blank ones": lambda items: b"\n \n" + lines(items).replace(b"\n", b"\n\n\t\n") + b"\n\n",
    "array after a BOM": lambda items: b"\xef\xbb\xbf" + array(items),
    "lines after a BOM": lambda items: b"\xef\xbb\xbf" + lines(items),
}
PACKINGS = {
    "plain": (lambda body: body, {}),
    "gzip": (gzip.compress, {"content_encoding": "gzip"}),
    "GZIP": (gzip.compress, {"content_encoding": "GZIP"}),
    "gzip that nobody names": (gzip.compress, {}),
    "gzip in two members": (lambda body: gzip.compress(body[:100]) + gzip.compress(body[100:]), {}),
    "gzip padded with zeros": (lambda body: gzip.compress(body) + bytes(100), {}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_two_items_arrive_in_every_form_and_packing(shared, form, packing):
    pack, headers = PACKINGS[packing]

    answer = post(shared, pack(FORMS[form]([envelope(), envelope()])), **headers)

    assert answer == (200, {"itemsReceived": 2, "itemsAccepted": 2, "errors": []})


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_object_is_one_item(shared, indent):
    assert post(shared, json.dumps(envelope(), indent=indent).encode())[1]["itemsAccepted"] == 1


@pytest.mark.parametrize("path", ["/v2/track", "/v2.1/track", "//v2/track", "//v2.1/track"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-json-stream", "text/plain", "?", ""])
def test_the_content_type_does_not_matter(shared, path, content_type):
    assert post(shared, [envelope()], path, content_type=content_type)[0] == 200


def test_a_chunked_body_is_a_body(shared):
    """Without Content-Length: http.client sends a generator in chunks."""
    content = json.dumps(envelope()).encode()

    status, _ = post_chunks(shared, [content[:10], content[10:]])

    assert status == 200


def post_chunks(server, chunks):
    from tests.support.insights import ask

    return ask(server, "POST", "/v2/track", iter(chunks))


def test_a_line_separator_inside_a_string_does_not_end_the_line():
    """U+2028 may stand unescaped in JSON, and str.splitlines would cut there."""
    line = json.dumps({"message": "one\u2028two"}, ensure_ascii=False)

    assert read_items(f"{line}\n{line}".encode()) == [{"message": "one\u2028two"}] * 2


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda body: gzip.compress(body) * 3])
def test_how_the_bytes_are_cut_into_chunks_does_not_matter(size, pack):
    content = json.dumps([envelope()] * 2).encode()
    packed = pack(content)
    body = Body()

    for start in range(0, len(packed), size):
        body.feed(packed[start : start + size])

    assert body.finish() in (content, content * 3)


def test_a_zlib_stream_is_not_taken_for_gzip(shared):
    status, answer = post(shared, zlib.compress(b"[]"), content_encoding="deflate")

    assert status == 415
    assert answer["errors"][0]["message"] == (
        "Content-Encoding 'deflate' is not supported. Send gzip, or leave the body as it is."
    )
