"""The server in the process of a test or of the demo."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from azure.monitor.opentelemetry.exporter._connection_string_parser import ConnectionStringParser

from ext_devkit.errors import DevkitError
from ext_devkit.insights.server import InsightsServer
from tests.support.insights import ask, envelope, post, raw


def test_it_tells_what_it_is_and_what_it_has(server):
    post(server, [envelope(), envelope("EventData"), envelope("EventData")])

    status, answer = ask(server, "GET", "/api/about")

    assert status == 200
    assert answer["name"] == "azfunc-ext local Application Insights"
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer["version"])
    assert answer["items"] == {
        "requests": 1,
        "dependencies": 0,
        "traces": 0,
        "exceptions": 0,
        "customEvents": 2,
        "customMetrics": 0,
        "pageViews": 0,
        "availabilityResults": 0,
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "what"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("POST", "/v2/track/", 404, "Not Found"),
        ("GET", "/v2/track", 405, "Method Not Allowed"),
        ("DELETE", "/", 405, "Method Not Allowed"),
    ],
)
def test_a_wrong_path_or_method_is_explained_in_one_shape(shared, method, path, status, what):
    assert ask(shared, method, path) == (
        status,
        {
            "ok": False,
            "error": f"{what}. This server has / for a browser, /api/openapi.json for what can be asked, "
            "and takes telemetry at /v2/track, /v2.1/track, /v1/traces, /v1/logs, /v1/metrics.",
            "status": status,
        },
    )


def test_the_official_exporter_takes_the_connection_string(shared):
    """It insists on a lower-case UUID and rejects values that others accept."""
    parsed = ConnectionStringParser(shared.connection_string)

    assert parsed.endpoint == shared.url
    assert parsed.live_endpoint == shared.url


def test_only_this_machine_can_reach_it(shared):
    """The socket is bound to the loopback address alone."""
    assert shared._server.servers[0].sockets[0].getsockname()[0] == "127.0.0.1"


def test_waiting_ends_when_the_items_arrive(server):
    late = threading.Timer(0.2, post, (server, [envelope("EventData", name="a"), envelope("EventData", name="b")]))
    late.start()

    rows = server.wait_for("customEvents", 2, timeout=30)

    assert [row["name"] for row in rows] == ["a", "b"]
    late.join()


def test_waiting_in_vain_says_what_did_arrive(server):
    post(server, [envelope(), envelope("EventData")])

    with pytest.raises(TimeoutError) as caught:
        server.wait_for("traces", 3, timeout=0.05)

    assert str(caught.value) == "Waited 0.05 s for 3 in traces; stored are 1 in requests, 1 in customEvents."


def test_waiting_for_nothing_at_all_says_so(server):
    with pytest.raises(TimeoutError) as caught:
        server.wait_for("requests", timeout=0.05)

    assert str(caught.value) == "Waited 0.05 s for 1 in requests; stored are no items at all."


def test_a_misspelt_table_is_named(server):
    with pytest.raises(ValueError) as caught:
        server.store.rows("request")

    assert str(caught.value) == (
        "There is no table 'request'. Known: requests, dependencies, traces, exceptions, customEvents, "
        "customMetrics, pageViews, availabilityResults."
    )


def test_a_busy_port_is_named_with_its_cure(shared):
    with pytest.raises(DevkitError) as caught:
        InsightsServer(shared.port)

    assert str(caught.value) == (
        f"Port {shared.port} is in use by another program, perhaps another 'azfunc-ext insights'. "
        "End that one, or use --port with another number (0 picks a free one)."
    )


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_named(port):
    with pytest.raises(DevkitError) as caught:
        InsightsServer(port)

    assert str(caught.value) == f"Port {port} does not exist. Use --port with 1-65535, or 0 for any free port."


def test_a_failed_start_leaves_the_port_free(tmp_path):
    with InsightsServer() as first:
        port = first.port
    with pytest.raises(DevkitError):
        InsightsServer(port, tmp_path)

    with InsightsServer(port) as again:
        assert again.port == port


def test_the_end_leaves_no_port_no_thread_and_no_file():
    before = threading.active_count()
    with InsightsServer() as server:
        post(server, envelope())
        folder = server.store.path.parent

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
    assert threading.active_count() == before
    assert not folder.exists()


def test_a_named_file_stays(tmp_path):
    db = tmp_path / "deep" / "er" / "insights.db"
    with InsightsServer(db=db) as server:
        post(server, envelope())
    with InsightsServer(db=str(db)) as server:
        assert server.store.count("requests") == 1


def test_closing_twice_is_fine():
    server = InsightsServer()

    server.close()
    server.close()


def test_open_connections_do_not_hold_up_the_end(caplog):
    """One idle, one in the middle of its headers, one in the middle of its body."""
    with contextlib.ExitStack() as stack:
        server = InsightsServer()
        for sent in (b"", b"POST /v2/tr", b"POST /v2/track HTTP/1.1\r\nHost: HERE\r\nContent-Length: 9\r\n\r\n["):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            connection.sendall(raw(server, sent))
        post(server, envelope())
        started = time.monotonic()

        server.close()

    assert time.monotonic() - started < 5
    assert caplog.messages == []


def test_a_relative_file_is_meant_from_where_the_process_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with InsightsServer(db="here.db") as server:
        assert server.store.path == Path("here.db")
    assert (tmp_path / "here.db").exists()
