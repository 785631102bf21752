"""What a client sees of a fault, and what is stored all the same."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.insights.server import InsightsServer
from tests.support.insights import ask, envelope, post, reason
from tests.support.otlp_http import send, traces


@pytest.fixture(scope="module")
def many():
    """A server that all these tests share."""
    with InsightsServer() as server:
        yield server


@pytest.fixture
def faulty(many):
    """The server, to which a test gives its faults."""
    yield many
    many.set_faults()


def raw(server):
    """Send one item on a connection of its own; return the open connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v2/track?a=b", json.dumps(envelope()))
    return connection


def test_a_status_comes_with_its_reason_and_the_header_that_was_asked_for(faulty):
    faulty.set_faults(["status=429,retry_after=2"])
    with contextlib.closing(raw(faulty)) as connection:
        response = connection.getresponse()
        body = json.loads(response.read())

    assert (response.status, response.headers["retry-after"]) == (429, "2")
    assert body == {
        "itemsReceived": 0,
        "itemsAccepted": 0,
        "errors": [
            {
                "index": 0,
                "statusCode": 429,
                "message": "This server was asked for the fault 'status=429,retry_after=2'. "
                "Nothing of this request was stored.",
            }
        ],
    }


def test_without_retry_after_there_is_no_such_header(faulty):
    faulty.set_faults(["status=503"])
    with contextlib.closing(raw(faulty)) as connection:
        response = connection.getresponse()

    assert (response.status, response.headers["retry-after"]) == (503, None)


def test_otlp_is_answered_in_its_own_shape(faulty):
    faulty.set_faults(["status=503,times=1", "status=500"])
    status, headers, content = send(faulty, "traces", b"")
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/x-protobuf", None)
    assert b"asked for the fault 'status=503" in content

    status, headers, content = send(faulty, "traces", b"{}", "application/json")
    assert (status, json.loads(content)["code"]) == (500, 13)


def test_a_redirect_keeps_the_path_unless_it_has_one(faulty):
    faulty.set_faults(["redirect=http://127.0.0.1:1,status=308,times=1", "redirect=http://127.0.0.1:1/v9"])
    seen = []
    for _ in range(2):
        with contextlib.closing(raw(faulty)) as connection:
            response = connection.getresponse()
            seen.append((response.status, response.headers["location"], response.read()))

    assert seen == [
        (308, "http://127.0.0.1:1/v2/track?a=b", b""),
        (307, "http://127.0.0.1:1/v9", b""),
    ]


def test_an_empty_answer_is_empty(faulty):
    faulty.set_faults(["empty"])
    with contextlib.closing(raw(faulty)) as connection:
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"")


def test_a_reset_is_one_on_the_wire(faulty):
    """Not an end of the stream, which a client may take for a server that closed an idle connection."""
    faulty.set_faults(["reset"])
    with contextlib.closing(raw(faulty)) as connection, pytest.raises(ConnectionResetError):
        connection.getresponse()


def test_nobody_is_answered_while_it_hangs(faulty):
    faulty.set_faults(["hang"])
    with contextlib.closing(raw(faulty)) as connection:
        connection.sock.settimeout(0.2)
        with pytest.raises(socket.timeout):
            connection.getresponse()
    assert ask(faulty, "GET", "/api/about")[0] == 200


def test_what_hangs_for_some_time_is_broken_off_then(faulty):
    faulty.set_faults(["hang=0.01"])
    with contextlib.closing(raw(faulty)) as connection, pytest.raises(ConnectionResetError):
        connection.getresponse()


def test_what_is_slow_is_stored_and_answered_late(faulty):
    faulty.set_faults(["slow=0.05"])
    before, started = faulty.store.count("requests"), time.monotonic()

    assert post(faulty, envelope(), "/v2/track")[0] == 200

    assert time.monotonic() - started >= 0.05
    assert faulty.store.count("requests") == before + 1


def test_all_items_may_be_refused(faulty):
    faulty.set_faults(["partial=1,status=439"])
    answer = post(faulty, envelope(), "/v2/track")

    assert answer[0] == 439
    assert reason(answer) == ("This server was asked for the fault 'partial=1,status=439'. This item was not stored.")


def test_some_items_are_refused_and_the_others_are_stored(faulty):
    faulty.set_faults(["partial"])
    before = faulty.store.count("customEvents")

    status, answer = post(faulty, [envelope("EventData")] * 40, "/v2/track")

    assert status == 206
    assert {error["statusCode"] for error in answer["errors"]} == {500}
    assert 5 < len(answer["errors"]) < 35
    assert faulty.store.count("customEvents") == before + answer["itemsAccepted"]


def test_some_spans_are_refused_and_the_others_are_stored(faulty):
    faulty.set_faults(["partial"])
    before = faulty.store.count("requests")

    status, _, content = send(faulty, "traces", traces(*[{}] * 40).SerializeToString())

    assert status == 200
    assert b"spans were refused" in content
    assert 5 < faulty.store.count("requests") - before < 35


def test_only_what_brings_telemetry_has_faults(faulty):
    faulty.set_faults(["status=500"])
    before = faulty.store.count("requests")

    assert ask(faulty, "GET", "/api/about")[0] == 200
    assert post(faulty, envelope(), "/v2/validate")[0] == 200
    assert post(faulty, envelope(), "//v2.1/track")[0] == 500
    assert faulty.store.count("requests") == before


def test_a_service_that_was_down_recovers(faulty):
    faulty.set_faults(["status=503"])
    assert post(faulty, envelope())[0] == 503

    faulty.set_faults()

    assert post(faulty, envelope())[0] == 200


def test_the_end_does_not_wait_for_what_hangs():
    with InsightsServer(faults=["hang"]) as server:
        connection = raw(server)
        started = time.monotonic()
    connection.close()

    assert time.monotonic() - started < 10


def test_a_fault_that_is_not_understood_starts_no_server():
    with pytest.raises(DevkitError, match="The fault 'boom' cannot be understood"):
        InsightsServer(faults=["boom"])
