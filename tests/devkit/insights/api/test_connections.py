"""Nobody holds the server up by being slow, by not reading, by having many connections, or by going away."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest

from ext_devkit.insights import connections
from ext_devkit.insights.api import serving
from ext_devkit.insights.server import InsightsServer
from tests.support.insights import ask, envelope, post, raw

ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"
SQL = {"content_type": "application/json"}


@contextlib.contextmanager
def connected(server, sent=b""):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(raw(server, sent))
        yield connection


def rest(connection):
    """Return what comes until the end; a reset is one."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            found += chunk
    return found


def until(connection, text):
    """Read as far as a text."""
    found = b""
    while text not in found:
        chunk = connection.recv(65536)
        assert chunk, found
        found += chunk


def question(sql, **more):
    body = json.dumps({"sql": sql} | more).encode()
    return (
        b"POST /api/query HTTP/1.1\r\nHost: HERE\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + (body)
    )


@pytest.fixture
def hasty(monkeypatch):
    """A server that has little patience."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    with InsightsServer() as server:
        yield server


def test_headers_that_do_not_come_are_not_waited_for(hasty):
    with connected(hasty, b"GET /api/about HTTP/1.1\r\nHo") as connection:
        answer = rest(connection)

    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"The headers of a request did not arrive within 0.2 s." in answer


def test_headers_that_come_drop_by_drop_are_not_waited_for(hasty):
    with connected(hasty, b"GET / HTTP/1.1\r\n") as connection, contextlib.suppress(OSError):
        for _ in range(1000):
            connection.sendall(b"X: y\r\n")
            time.sleep(0.01)
        pytest.fail("It was waited for.")


def test_a_second_request_has_the_same_limit(hasty):
    with connected(hasty, b"GET /ui/icon.svg HTTP/1.1\r\nHost: HERE\r\n\r\n") as connection:
        until(connection, b"</svg>")
        connection.sendall(b"GET /api/")
        answer = rest(connection)

    assert b"HTTP/1.1 408" in answer


def test_a_second_request_that_begins_too_early_has_it_too(hasty):
    with connected(hasty, b"GET /ui/icon.svg HTTP/1.1\r\nHost: HERE\r\n\r\nGET /api/") as connection:
        assert b"HTTP/1.1 408" in rest(connection)


def test_a_connection_without_a_word_is_closed(hasty):
    with connected(hasty) as connection:
        assert rest(connection) == b""


def test_an_answer_may_take_longer_than_headers(hasty):
    with connected(hasty, question(ENDLESS, timeout=0.5)) as connection:
        until(connection, b"The query took longer than 0.5 s")


def test_what_is_not_http_is_refused_in_the_one_shape(shared):
    with connected(shared, b"HELO there\r\n\r\n") as connection:
        head, _, body = rest(connection).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"].startswith("Invalid HTTP request received. Its headers may have 64 KiB at most")


def test_the_one_that_was_idle_for_longest_makes_room(monkeypatch):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    with InsightsServer() as server, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(server, b"GET / HT")) for _ in range(3)]

        assert ask(server, "GET", "/api/about")[0] == 200
        assert rest(slow[0]) == b""


def test_there_is_no_room_if_all_are_in_use(monkeypatch):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    with InsightsServer() as server, contextlib.ExitStack() as stack:
        for _ in range(2):
            stream = stack.enter_context(connected(server, b"GET /api/live HTTP/1.1\r\nHost: HERE\r\n\r\n"))
            stream.recv(1)

        status, answer = ask(server, "GET", "/api/about")

    assert status == 503
    assert answer["error"] == "There are 2 connections already, all in use. Close some of them."


def test_who_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)
    with InsightsServer() as server:
        post(server, [envelope("MessageData", message="a" * 30000, properties={"b": "b" * 8000}) for _ in range(150)])
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(raw(server, b"GET /api/search?limit=500 HTTP/1.1\r\nHost: HERE\r\n\r\n"))
            held = server._server.server_state.connections
            connection.recv(1)
            deadline = time.monotonic() + 20
            while held and time.monotonic() < deadline:
                time.sleep(0.01)

            assert not held


def test_who_goes_away_takes_the_statement_along(server):
    """Else a page that is left would keep others waiting."""
    with connected(server, question(ENDLESS, timeout=30)):
        time.sleep(0.2)
    began = time.monotonic()
    for _ in range(serving.STATEMENTS_AT_ONCE):
        status, _ = ask(server, "POST", "/api/query", b'{"sql": "select 1"}', SQL)
        assert status == 200

    assert time.monotonic() - began < 20


def test_a_statement_does_not_hold_up_the_end():
    server = InsightsServer()
    with connected(server, question(ENDLESS, timeout=30)):
        time.sleep(0.1)
        began = time.monotonic()
        server.close()

    assert time.monotonic() - began < 10


def test_statements_hold_up_neither_pages_nor_telemetry(server):
    with contextlib.ExitStack() as stack:
        for _ in range(3 * serving.STATEMENTS_AT_ONCE):
            stack.enter_context(connected(server, question(ENDLESS, timeout=30)))
        began = time.monotonic()

        assert post(server, [envelope()])[0] == 200
        assert ask(server, "GET", "/api/performance")[0] == 200
        assert time.monotonic() - began < 20


def test_who_leaves_in_the_middle_of_a_question_leaves_no_trace(caplog):
    before = threading.active_count()
    with InsightsServer() as server:
        with connected(server, question("select 1")[:-3]):
            time.sleep(0.05)
        assert ask(server, "GET", "/api/about")[0] == 200

    assert caplog.messages == []
    assert threading.active_count() == before


def test_a_question_that_does_not_come_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.1)
    with connected(server, question("select 1")[:-3]) as connection:
        until(connection, b"The body did not arrive within 0.1 s.")
