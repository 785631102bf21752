"""What is not telemetry gets a 4xx with a reason, and the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import socket
import tracemalloc
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ext_devkit.insights.ingest import receiving
from ext_devkit.insights.ingest.body import MOST_BYTES, Body
from ext_devkit.insights.ingest.document import MOST_ITEMS, MOST_VALUES, read_items
from ext_devkit.insights.ingest.receiving import read_body
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.ingest.track import Answer, track
from tests.support.insights import TABLE_OF, envelope, post, raw, reason

VALID = json.dumps([envelope()]).encode()

BODIES = {
    "empty": (b"", "The body is empty. Send a JSON array, a JSON object, or one JSON object per line."),
    "blank": (b"\xef\xbb\xbf \r\n", "The body is empty. Send a JSON array, a JSON object, or one JSON object per line."),
    "no items": (b"[]", "The body has no items."),
    "text": (b"hello", "The body is not valid JSON: Expecting value (line 1, column 1)."),
    "number": (b"1", "The body is a single JSON value. Send a JSON array, an object, or one object per line."),
    "null": (b"null", "The body is a single JSON value. Send a JSON array, an object, or one object per line."),
    "cut off": (VALID[:-1], f"The body is not valid JSON: Expecting ',' delimiter (line 1, column {len(VALID)})."),
    "NaN": (b"NaN", "The body is a single JSON value. Send a JSON array, an object, or one object per line."),
    "key twice": (b'[{"a": 1, "a": 2}]', "The body is not valid JSON: the key 'a' stands twice in one object."),
    "huge integer": (b"[" + b"9" * 5000 + b"]", "The body is not valid JSON: a number has too many digits."),
    "deep array": (b"[" * 100_000, "The body is not valid JSON: it is nested too deeply."),
    "deep object": (b'{"a":' * 100_000, "The body is not valid JSON: it is nested too deeply."),
    "raw NUL": (b'[{"a": "\0"}]', "The body is not valid JSON: Invalid control character at (line 1, column 9)."),
    "only NUL": (bytes(1000), "The body is not valid JSON: Expecting value (line 1, column 1)."),
    "UTF-16": ('[{"a": 1}]'.encode("utf-16"), "The body is not UTF-8: the byte at 0 is out of place."),
    "half a character in bytes": (b'["\xed\xa0\x80"]', "The body is not UTF-8: the byte at 2 is out of place."),
    "half a character as escape": (
        b'[{"a": "\\ud800"}]',
        "The item has half of a surrogate pair (\\ud800-\\udfff), which is no character.",
    ),
    "gzip of nothing": (gzip.compress(b""), "The body is empty. Send a JSON array, a JSON object, or one JSON object per line."),
    "gzip cut off": (gzip.compress(VALID)[:-20], "The gzip body ends too early: it was cut off on the way."),
    "gzip with a false sum": (
        gzip.compress(VALID)[:-8] + bytes(8),
        "The gzip body cannot be unpacked: Error -3 while decompressing data: incorrect data check.",
    ),
    "gzip header, then rubbish": (
        gzip.compress(b"")[:10] + b"\xff" * 50,
        "The gzip body cannot be unpacked: Error -3 while decompressing data: invalid block type.",
    ),
    "rubbish after gzip": (
        gzip.compress(VALID) + b"rubbish",
        "The gzip body cannot be unpacked: Error -3 while decompressing data: incorrect header check.",
    ),
    "one magic byte": (b"\x1f", "The body is not valid JSON: Expecting value (line 1, column 1)."),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_gets_a_reason(shared, name):
    body, expected = BODIES[name]

    answer = post(shared, body)

    assert answer[0] == 400
    assert answer[1]["itemsAccepted"] == 0
    assert reason(answer) == expected
    assert post(shared, VALID)[0] == 200


def test_a_body_that_only_claims_to_be_gzip_is_refused(shared):
    answer = post(shared, VALID, content_encoding="gzip")

    assert reason(answer) == "The body is not gzip, though Content-Encoding says so."


def test_a_bad_line_is_refused_alone(shared):
    """Its neighbours are stored."""
    line = json.dumps(envelope()).encode()

    status, answer = post(shared, b"\n".join([line, b'{"name": ', line, b"[1]"]))

    assert (status, answer["itemsReceived"], answer["itemsAccepted"]) == (206, 4, 2)
    assert [(error["index"], error["statusCode"], error["message"]) for error in answer["errors"]] == [
        (1, 400, "The line is not valid JSON: Expecting value (line 1, column 10)."),
        (3, 400, "106: Field 'item' on type 'Body' is of incorrect type. Expected: object, Actual: array"),
    ]


def test_a_number_that_is_none_costs_its_own_item_and_no_other(server):
    """Python's json writes NaN and Infinity, and so do exporters, for a gauge that failed or a value that was logged."""
    spoiled = [
        envelope("MetricData", metrics=[{"name": "m", "value": float("nan")}]),
        envelope("EventData", measurements={"a": float("-inf")}),
    ]

    status, answer = post(server, [envelope(), *spoiled, envelope("MessageData", properties={"a": float("nan")})])

    assert status == 206
    assert [(error["index"], error["message"]) for error in answer["errors"]] == [
        (1, "Field 'value' on type 'DataPoint' is out of range. Expected: finite number, Actual: nan"),
        (2, "Field 'a' on type 'measurements' is out of range. Expected: finite number, Actual: -inf"),
    ]
    assert server.wait_for("traces")[0]["customDimensions"] == {"a": "NaN"}


def test_an_item_with_half_a_character_is_refused_alone(shared):
    bad = envelope("MessageData", message="\udc00")

    status, answer = post(shared, [envelope(), bad])

    assert (status, [error["index"] for error in answer["errors"]]) == (206, [1])


def test_an_escaped_nul_is_stored_as_a_replacement_character(server):
    """SQLite's text functions end at NUL, and an application's message must not be lost for it."""
    post(server, [envelope("MessageData", message="a\0b", properties={"k\0": "\0v"})])

    (stored,) = server.wait_for("traces")
    assert (stored["message"], stored["customDimensions"]) == ("a\ufffdb", {"k\ufffd": "\ufffdv"})


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_100_megabytes_are_refused_and_the_reason_can_be_read(shared, pack):
    """The rest is read and dropped: a client that still writes would see a broken pipe instead of the reason."""
    answer = post(shared, pack(bytes(100_000_000)))

    assert answer[0] == 413
    assert reason(answer) == f"The body is larger than {MOST_BYTES} bytes unpacked. Send fewer items at once."


def zip_bomb():
    """Return 256 KB that unpack to 256 MB."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(1 << 8)) + packer.flush()


def test_a_zip_bomb_is_refused_before_it_fills_the_memory():
    bomb = zip_bomb()
    body = Body("gzip")
    tracemalloc.start()
    try:
        with pytest.raises(RejectedError, match="larger than"):
            body.feed(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * MOST_BYTES


def test_a_refused_body_is_let_go_while_its_rest_is_read():
    """Otherwise many zip bombs at once fill the memory one alone cannot."""
    kept = []

    async def stream():
        yield zip_bomb()
        kept.append(tracemalloc.get_traced_memory()[0])
        yield b"more"

    held = {}
    tracemalloc.start()
    try:
        with pytest.raises(RejectedError, match="larger than"):
            asyncio.run(read_body(SimpleNamespace(headers={}, stream=stream), held))
    finally:
        tracemalloc.stop()

    assert kept[0] < MOST_BYTES / 4
    assert held == {}


def test_bodies_that_together_are_too_much_are_to_be_sent_again(shared, monkeypatch):
    """Each alone is within its limit."""
    monkeypatch.setattr(receiving, "MOST_HELD", len(VALID))
    half = b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: 1000\r\n\r\n[["
    with contextlib.closing(socket.create_connection(("127.0.0.1", shared.port), timeout=30)) as slow:
        slow.sendall(raw(shared, half))
        while (answer := post(shared, VALID))[0] == 200:
            pass

    assert answer[0] == 429
    assert (
        reason(answer) == f"The server already holds {len(VALID)} bytes of other requests. Send the items again later."
    )
    while post(shared, VALID)[0] == 429:
        pass


def test_a_body_that_does_not_arrive_is_given_up_with_a_reason(shared, monkeypatch):
    monkeypatch.setattr(receiving, "BODY_SECONDS", 0.05)
    with contextlib.closing(socket.create_connection(("127.0.0.1", shared.port), timeout=30)) as slow:
        slow.sendall(raw(shared, b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: 9\r\n\r\n["))
        response = http.client.HTTPResponse(slow)
        response.begin()
        answer = response.status, json.loads(response.read())

    assert answer[0] == 408
    assert reason(answer) == "The body did not arrive within 0.05 s."


def test_a_body_of_very_many_tiny_values_is_refused(shared):
    """Each would cost far more in memory than on the wire."""
    answer = post(shared, b"[" + b"[]," * (MOST_VALUES // 2 + 10) + b"[]]")

    assert answer[0] == 413
    assert reason(answer) == "The body has too many JSON values. Send fewer items at once."


@pytest.mark.parametrize("body", [b"[" + b"0," * MOST_ITEMS + b"0]", b"{}\n" + b"x\n" * MOST_ITEMS])
def test_a_body_of_very_many_items_is_refused(shared, body):
    """Each would add its reason to the answer."""
    answer = post(shared, body)

    assert answer[0] == 413
    assert reason(answer) == f"The body has more than {MOST_ITEMS} items. Send fewer items at once."


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: 1000\r\n\r\n[",
        b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[",
        b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: nonsense\r\n\r\n[]",
        b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"POST /v2/tr",
    ],
    ids=["length too large", "chunk cut off", "length no number", "chunk size no number", "no HTTP", "half a header"],
)
def test_a_client_that_breaks_off_or_breaks_http_harms_nobody(shared, sent):
    with contextlib.closing(socket.create_connection(("127.0.0.1", shared.port), timeout=30)) as connection:
        connection.sendall(raw(shared, sent))

    assert post(shared, VALID)[0] == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=20), inside, max_size=4),
    max_leaves=20,
)


@st.composite
def spoiled_envelopes(draw):
    """An envelope in which some value, anywhere, is replaced by any other."""
    item = envelope(draw(st.sampled_from(sorted(TABLE_OF))), properties={"a": "b"}, measurements={"c": 1})
    for _ in range(draw(st.integers(1, 3))):
        container = item
        while True:
            key = draw(st.sampled_from(sorted(container))) if isinstance(container, dict) else 0
            inner = container[key]
            if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
                break
            container = inner
        container[key] = draw(json_values)
    return item


def assert_sensible(answer: Answer):
    assert answer.status in (200, 206, 400, 413)
    body = answer.body
    assert body["itemsAccepted"] == max(body["itemsReceived"] - len(body["errors"]), 0)
    assert all(error["statusCode"] in (400, 413) and error["message"] for error in body["errors"])


@given(items=st.lists(spoiled_envelopes(), min_size=1, max_size=3))
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_spoiled_envelope_is_stored_or_refused_with_a_reason(shared, items):
    assert_sensible(track(json.dumps(items).encode(), shared.store))


@given(content=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_get_an_answer(shared, content):
    assert_sensible(track(content, shared.store))


@given(content=st.binary(max_size=300), encoding=st.sampled_from(["", "gzip", "br", "\u00e9"]))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_request_gets_a_client_error_or_is_stored(shared, content, encoding):
    status, answer = post(shared, gzip.compress(VALID)[:10] + content, content_encoding=encoding)

    assert status in (200, 206, 400, 413, 415)
    assert {"itemsReceived", "itemsAccepted", "errors"} == answer.keys()


@given(value=st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.booleans(), min_size=1), min_size=1))
@settings(deadline=None)
def test_valid_json_is_read_as_it_is(value):
    """Whatever the characters, apart from NUL and half surrogates."""
    wanted = json.loads(json.dumps(value).replace("\\u0000", "\\ufffd"))

    if all(len(old) == len(new) for old, new in zip(value, wanted, strict=True)):
        assert read_items(json.dumps(value).encode()) == wanted
