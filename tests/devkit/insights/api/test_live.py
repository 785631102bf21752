"""What is stored is told as it is stored, to those who listen."""

from __future__ import annotations

import contextlib
import http.client
import json
import time

import pytest

from ext_devkit.insights.api import live
from ext_devkit.insights.server import InsightsServer
from tests.support.insights import ask, envelope, post


@contextlib.contextmanager
def listening(server, query=""):
    """Give a function that reads the next event of a kind."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", f"/api/live{query}")
        response = connection.getresponse()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.readline().startswith(b":")

        def following(kind):
            while True:
                lines = iter(response.readline, b"\n")
                event = dict(line.decode().rstrip("\n").split(": ", 1) for line in lines if line.strip())
                if event.get("event") == kind:
                    return json.loads(event["data"])

        yield following


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A second is short, and what is held is what was held."""
    monkeypatch.setattr(live, "SECOND", 0.05)


def test_items_and_their_numbers_are_told(server):
    with listening(server) as following:
        post(server, [envelope(name="a\nb", success=False), envelope("MessageData")])
        items = following("items")["items"]
        rate = following("rate")

    assert [(item["itemType"], item.get("name")) for item in items] == [("request", "a\nb"), ("trace", None)]
    assert items[0]["success"] is False
    assert (rate["requests"], rate["failed"], rate["traces"], rate["mean_ms"]) == (1, 1, 1, 125.0)


def test_one_listens_to_some_tables_only_and_the_numbers_are_of_all(server):
    with listening(server, "?table=traces") as following:
        post(server, [envelope(), envelope("MessageData")])
        items, rate = following("items")["items"], following("rate")

    assert [item["itemType"] for item in items] == ["trace"]
    assert rate["requests"] == 1


def test_who_gets_too_many_is_told_how_many_were_left_out(server):
    with listening(server) as following:
        post(server, [envelope() for _ in range(live.MOST_A_SECOND + 50)])
        told = following("items")
        while "dropped" not in told and len(told["items"]) < live.MOST_A_SECOND:
            told = following("items")

    assert len(told["items"]) == live.MOST_A_SECOND
    assert told["dropped"] == 50


def test_one_too_many_listeners_is_told_so(server):
    with contextlib.ExitStack() as stack:
        for _ in range(live.MOST_STREAMS):
            stack.enter_context(listening(server))
        status, answer = ask(server, "GET", "/api/live")

    assert (status, answer["error"]) == (503, "There are 16 live streams already. Close one of them.")


def test_nobody_listens_to_the_store_when_all_are_gone(server):
    with listening(server) as following:
        following("rate")
        assert server.store._listeners
    post(server, [envelope()])
    deadline = time.monotonic() + 10
    while server.store._listeners and time.monotonic() < deadline:
        time.sleep(0.01)

    assert server.store._listeners == ()


def test_the_server_ends_at_once_with_somebody_listening():
    server = InsightsServer()
    with listening(server) as following:
        following("rate")
        began = time.monotonic()
        server.close()

    assert time.monotonic() - began < 0.9


def test_who_does_not_read_holds_nobody_up_and_no_more_than_a_little(server):
    """The rest is counted: what waits for a stream has a bound."""
    stream = live.Stream([])
    for _ in range(50):
        stream.add([{"traces": [("row",)] * 1000}])

    assert len(stream.waiting) == live.MOST_A_SECOND
    assert stream.dropped == 50_000 - live.MOST_A_SECOND


def test_asking_only_for_the_headers_opens_no_stream(server):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("HEAD", "/api/live")
        response = connection.getresponse()

    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert server.store._listeners == ()
