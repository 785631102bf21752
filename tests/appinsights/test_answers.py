"""Every answer of the service is understood, item by item."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights.answers import Verdict, judge, pause_of

NOW = 1_767_323_045.0


def body(received: int, accepted: int, *errors: tuple) -> bytes:
    listed = [{"index": index, "statusCode": status, "message": message} for index, status, message in errors]
    return json.dumps({"itemsReceived": received, "itemsAccepted": accepted, "errors": listed}).encode()


def outcome(verdict: Verdict) -> tuple[int, list[int], int, bool]:
    return verdict.accepted, verdict.again, verdict.refused, verdict.split


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, body(3, 3), (3, [], 0, False)),
        (200, b"{}", (3, [], 0, False)),
        (200, b"", (3, [], 0, False)),
        (204, b"", (3, [], 0, False)),
        (200, b"<html>Please log in</html>", (0, [0, 1, 2], 0, False)),
        (200, b"[1]", (0, [0, 1, 2], 0, False)),
        (206, body(3, 1, (0, 400, "bad"), (2, 500, "busy")), (1, [2], 1, False)),
        (206, body(3, 0, (0, 206, ""), (1, 200, ""), (2, 400, "Telemetry Sampled OUT.")), (3, [], 0, False)),
        (206, body(3, 3, (7, 500, ""), (None, 500, ""), (-1, 500, ""), (True, 500, "")), (3, [], 0, False)),
        (206, b'{"errors": [1, null, {"index": "1", "statusCode": 400}, {}]}', (3, [], 0, False)),
        (206, b'{"errors": [{"index": 0}, {"index": 1, "message": "telemetry sampled out."}]}', (2, [], 1, False)),
        (206, body(3, 2, (0, "500", ""), (0, 500, ""), (0, 500, "")), (2, [0], 0, False)),
        (206, body(3, 2, (0, 7, "")), (2, [], 1, False)),
        (200, body(3, 1), (1, [], 2, False)),
        (206, body(3, 1, (0, 400, "")), (1, [], 2, False)),
        (200, body(1, 1), (3, [], 0, False)),
        (200, body(3, 7), (3, [], 0, False)),
        (202, b"", (3, [], 0, False)),
        (206, b'{"errors": "none"}', (3, [], 0, False)),
        (400, b"", (0, [], 3, False)),
        (400, body(3, 0, (0, 400, ""), (1, 429, ""), (2, 400, "")), (0, [1], 2, False)),
        (500, body(3, 2, (0, 500, "")), (2, [0], 0, False)),
        (500, b'{"errors": [{"index": 0, "statusCode": 400}]}', (0, [1, 2], 1, False)),
        (500, body(3, 1, (0, 500, "")), (0, [0, 1, 2], 0, False)),
        (402, b"", (0, [], 3, False)),
        (439, b"", (0, [], 3, False)),
        (404, b"", (0, [], 3, False)),
        (405, b"", (0, [], 3, False)),
        (302, b"<html>Please log in</html>", (0, [0, 1, 2], 0, False)),
        (407, b"", (0, [0, 1, 2], 0, False)),
        (511, b"", (0, [0, 1, 2], 0, False)),
        (401, b"", (0, [0, 1, 2], 0, False)),
        (403, b"", (0, [0, 1, 2], 0, False)),
        (408, b"", (0, [0, 1, 2], 0, False)),
        (429, b"", (0, [0, 1, 2], 0, False)),
        (500, b"", (0, [0, 1, 2], 0, False)),
        (502, b"", (0, [0, 1, 2], 0, False)),
        (503, b"", (0, [0, 1, 2], 0, False)),
        (504, b"", (0, [0, 1, 2], 0, False)),
        (413, b"", (0, [], 0, True)),
        (413, body(3, 0, (0, 413, ""), (1, 500, ""), (2, 400, "")), (0, [1], 2, False)),
        (413, body(3, 2, (0, 413, "")), (2, [], 1, False)),
        (413, body(9, 9, (0, 413, ""), (1, 413, ""), (2, 200, "")), (1, [], 2, False)),
        (413, body(3, 0, (0, 413, "")), (0, [], 0, True)),
    ],
)
def test_three_items_fare_so(status: int, content: bytes, expected: tuple):
    """Accepted, to be sent again, refused for good, to be split."""
    assert outcome(judge(status, {}, content, 3, NOW)) == expected


def test_one_item_that_is_too_large_is_refused():
    """It cannot be split any further."""
    assert outcome(judge(413, {}, b"", 1, NOW)) == (0, [], 1, False)


def test_what_is_lost_is_told_by_status():
    """0 stands for an item that was refused without a status; what a success does not name, for the success."""
    content = body(6, 0, (0, 400, ""), (1, 404, ""), (2, 400, ""), (3, None, ""), (4, 503, ""))

    assert judge(206, {}, content, 6, NOW).rejected == {400: 2, 404: 1, 0: 1, 206: 1}


@pytest.mark.parametrize("status", [402, 429, 439, 503, 206])
def test_the_services_pause_is_kept(status: int):
    """Also for a quota, where the items themselves are lost; and for single items."""
    verdict = judge(status, {"retry-after": "7"}, body(3, 2, (0, 429, "")), 3, NOW)

    assert verdict.pause == 7.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", None),
        ("1", 1.0),
        (" 120 ", 120.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", None),
        ("99999999", 48 * 3600.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5e3", None),
        ("²", None),
        ("9" * 400, None),
        ("Fri, 99 Foo 2026 03:04:35 GMT", None),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("00:05:00", 300.0),
        ("1.02:03:04.5", 93784.5),
        ("0:0:1", 1.0),
        ("00:00:00.001", None),
        ("5:00", None),
        ("-00:05:00", None),
        ("99999999.00:00:00", 48 * 3600.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_a_span(text: str, seconds: float | None):
    """Anything else counts as absent, and never raises; so does less than a second, which would be a request at once."""
    assert pause_of({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 2026 00:00:00 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:04:05 GMT", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_is_measured_against_the_clock_of_the_answer(date: str, seconds: float | None):
    """Where the clock here is wrong, both dates are off by the same; without a usable Date, the clock here counts."""
    headers = {"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", "date": date}

    assert pause_of(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "content", "text"),
    [
        (
            400,
            body(1, 0, (0, 400, "109: Field 'name' is required")),
            "the service answered 400: it refused items as invalid; such items are dropped. "
            "It says: \"109: Field 'name' is required\".",
        ),
        (
            206,
            body(2, 1, (1, 500, "")),
            "the service answered 206, and 500 for items: it cannot take items now; such items are kept.",
        ),
        (402, b"", "the service answered 402: the daily quota of the resource is used up; such items are dropped."),
        (
            403,
            b"",
            "the service answered 403: it does not accept this client: if the resource takes Entra ID only, "
            "pass a credential or set APPLICATIONINSIGHTS_AUTHENTICATION_STRING, "
            "and give that identity the role Monitoring Metrics Publisher on it; such items are kept.",
        ),
        (
            407,
            b"",
            "the service answered 407: a proxy on the way wants credentials: "
            "put them into the variable that names it, http://user:password@host:port; such items are kept.",
        ),
        (
            206,
            body(2, 0, (0, 500, "busy"), (1, 400, "no\n\tgood")),
            "the service answered 206, and 400 for items: it refused items as invalid; such items are dropped. "
            'It says: "no good".',
        ),
        (
            206,
            body(2, 1, (0, None, "")),
            "the service answered 206, and no status for items: it refused the items; such items are dropped.",
        ),
        (
            206,
            body(2, 1),
            "the service answered 206, counts 1 of 2 items as accepted and does not name the others; "
            "they count as lost.",
        ),
        (
            404,
            b"",
            "the service answered 404: there is no ingestion under that address: "
            "check IngestionEndpoint in the connection string; such items are dropped.",
        ),
        (418, b"", "the service answered 418: it refused the items; such items are dropped."),
        (
            200,
            b"hello",
            "what answers there is not Application Insights; the items are kept. "
            "Check IngestionEndpoint in the connection string, and proxies on the way.",
        ),
    ],
)
def test_trouble_is_put_into_words(status: int, content: bytes, text: str):
    """What happened, what becomes of the items, what to check."""
    verdict = judge(status, {}, content, 2 if status == 206 else 1, NOW)

    assert verdict.trouble is not None
    assert verdict.trouble[1] == text


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "index", "statusCode", "message", "itemsReceived", "itemsAccepted"]), inner
        )
    ),
    max_leaves=12,
)


NUMBERS = (
    st.integers(-1, 6) | st.integers(99, 600) | st.integers() | st.floats() | st.booleans() | st.none() | st.text()
)
ERRORS = st.lists(
    st.fixed_dictionaries({}, optional={"index": NUMBERS, "statusCode": NUMBERS, "message": ANY_JSON | st.text()}),
    max_size=8,
)
BODIES = st.fixed_dictionaries(
    {"errors": ERRORS | ANY_JSON}, optional={"itemsReceived": NUMBERS, "itemsAccepted": NUMBERS}
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "content-type"]),
    st.text(max_size=20)
    | st.datetimes().map("{:%a, %d %b %Y %H:%M:%S GMT}".format)
    | st.from_regex(r"\d{0,3}\.?\d{1,2}:\d\d:\d\d", fullmatch=True)
    | st.integers().map(str),
)


@given(
    st.integers(100, 999),
    HEADERS,
    (BODIES | ANY_JSON).map(json.dumps).map(str.encode) | st.binary(max_size=30),
    st.integers(1, 5),
    st.floats(0, 1e11),
)
def test_each_item_has_exactly_one_fate(status: int, headers: dict, content: bytes, count: int, now: float):
    """Whatever comes back, nothing raises and nothing is counted twice."""
    verdict = judge(status, headers, content, count, now)

    if verdict.split:
        assert count > 1
        assert (verdict.accepted, verdict.again, verdict.rejected, verdict.trouble) == (0, [], {}, None)
    else:
        assert min(verdict.accepted, *verdict.rejected.values(), count) >= 0
        assert verdict.accepted + len(verdict.again) + verdict.refused == count
        assert (verdict.trouble is None) == (verdict.accepted == count)
    assert verdict.again == sorted(set(verdict.again))
    assert set(verdict.again) <= set(range(count))
    assert verdict.pause is None or 0 <= verdict.pause <= 48 * 3600


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"errors":' * 100_000, b"9" * 100_000, b'{"itemsReceived": NaN}']
)
def test_a_body_that_is_made_to_hurt_does_not(content: bytes):
    """Deeper or longer than the parser goes."""
    assert outcome(judge(500, {}, content, 3, NOW)) == (0, [0, 1, 2], 0, False)
