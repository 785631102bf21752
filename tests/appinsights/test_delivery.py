"""The service may be down, slow, busy or mad: items are kept, tried again, or given up and counted."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import sys
import threading
from time import monotonic, time

import pytest

from ext_appinsights import Channel, ConnectionString, transport, trouble
from tests.support.ingestion import HANG, KEY, RESET, Answer, IngestionServer


def names(items: list[dict]) -> list[str]:
    return [item["data"]["baseData"]["name"] for item in items]


def warnings_of(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "ext_appinsights" and r.levelno == logging.WARNING]


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(500),
        Answer(503),
        Answer(502),
        Answer(408),
        Answer(401),
        RESET,
        Answer(raw=b""),
        Answer(raw=b"SSH-2.0-OpenSSH_9.9\r\n"),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        Answer(200, body=b"<html>Please log in</html>"),
        Answer(200, body=b"\x00\xff", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["500", "503", "502", "408", "401", "reset", "closed", "no http", "cut short", "login page", "bad gzip"],
)
def test_items_survive(channel_to, events, caplog, trouble: Answer):
    """They are sent again, whole and in order; it is said once, and once more when it is over."""
    caplog.set_level(logging.INFO, logger="ext_appinsights")
    with IngestionServer(trouble, trouble) as server:
        channel = channel_to(server)
        channel.send(events("a", "b"))

        assert channel.flush(20.0)
        assert [names(request.items) for request in server.requests] == [["a", "b"]] * 3
        assert channel.stats()["accepted"] == 2
        assert channel.stats()["retried"] == 4

    warning, recovery = [r.getMessage() for r in caplog.records if r.name == "ext_appinsights"]
    assert warning.startswith(f"Telemetry to 127.0.0.1:{server.port}: ")
    assert "kept" in warning
    assert recovery == f"Telemetry to 127.0.0.1:{server.port} is accepted again; 0 items are still waiting."
    assert KEY not in caplog.text


def test_a_service_that_is_down_costs_one_warning(events, caplog):
    """However long it stays away; the message says what to check."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    channel = Channel(
        f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{port}", interval=0.01, backoff=(0.01, 0.02)
    )
    channel.send(events("a"))
    while channel.stats()["requests"] < 5:
        assert not channel.flush(0.05)
    channel.close(0.1)

    (warning,) = warnings_of(caplog)
    assert warning == (
        f"Telemetry to 127.0.0.1:{port}: the service cannot be reached "
        "(ConnectionRefusedError: [Errno 111] Connection refused); the items are kept and sent later. "
        "Check IngestionEndpoint in the connection string, and the network."
    )


@pytest.mark.parametrize(
    "slowness", [HANG, Answer(trickle=0.05), Answer(delay=5.0)], ids=["never answers", "trickles", "answers late"]
)
def test_one_deadline_covers_the_whole_request(channel_to, events, caplog, slowness: Answer):
    """Also when each byte of the answer comes in time."""
    with IngestionServer(slowness) as server:
        channel = channel_to(server, request_timeout=0.3)
        channel.send(events("a"))
        started = monotonic()

        assert channel.flush(20.0)
        assert monotonic() - started < 4.0
        assert len(server.requests) == 2
    (warning,) = warnings_of(caplog)
    assert "the service did not answer within 0.3 s; the items are kept and sent later." in warning


def test_a_body_that_nobody_reads_meets_the_same_deadline(events):
    """Writing blocks too, once the buffers of the network are full."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        sending = transport.Transport(ConnectionString(KEY, f"http://127.0.0.1:{port}"), 0.3)
        started = monotonic()

        with pytest.raises(Exception, match=r"^the service did not answer within 0\.3 s; "):
            sending.post(b"x" * 50_000_000)
        assert monotonic() - started < 5.0
        sending.close()


@pytest.mark.parametrize("status", [400, 404, 402, 439, 418])
def test_what_is_refused_for_good_is_dropped_and_counted(channel_to, events, caplog, status: int):
    """The next items have their own chance."""
    with IngestionServer(Answer(status, headers={"X": KEY})) as server:
        channel = channel_to(server)
        channel.send(events("a", "b"))
        assert not channel.flush(20.0)
        channel.send(events("c"))
        assert channel.flush(20.0)

        assert [names(request.items) for request in server.requests] == [["a", "b"], ["c"]]
        assert (channel.stats()["rejected"], channel.stats()["accepted"]) == ({status: 2}, 1)
    (warning,) = warnings_of(caplog)
    assert f"the service answered {status}: " in warning
    assert "dropped" in warning


def test_the_key_is_cut_out_of_what_the_service_says(channel_to, events, caplog):
    """Services repeat what they do not like."""
    error = {"index": 0, "statusCode": 400, "message": f"Invalid instrumentation key {KEY.upper()}"}
    with IngestionServer(Answer(400, body={"itemsReceived": 1, "itemsAccepted": 0, "errors": [error]})) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        assert not channel.flush(20.0)

    (warning,) = warnings_of(caplog)
    assert warning.endswith('It says: "Invalid instrumentation key <instrumentation key>".')


def test_of_a_partly_accepted_request_only_the_rest_is_sent_again(channel_to, events):
    """Item by item: accepted, refused for good, not now."""
    errors = [
        {"index": 1, "statusCode": 400, "message": "invalid"},
        {"index": 2, "statusCode": 503, "message": "busy"},
        {"index": 3, "statusCode": 206, "message": "Telemetry sampled out."},
    ]
    with IngestionServer(Answer(206, body={"itemsReceived": 4, "itemsAccepted": 1, "errors": errors})) as server:
        channel = channel_to(server)
        channel.send(events("a", "b", "c", "d"))

        assert not channel.flush(20.0)
        assert [names(request.items) for request in server.requests] == [["a", "b", "c", "d"], ["c"]]
        assert (channel.stats()["accepted"], channel.stats()["rejected"]) == (3, {400: 1})


def test_a_request_that_is_too_large_is_split_until_it_fits(channel_to, events):
    """Nothing is lost, and the order stays; an item that is too large alone is dropped."""
    with IngestionServer(Answer(413), Answer(413), Answer(413), Answer(200), Answer(200), Answer(200)) as server:
        channel = channel_to(server)
        channel.send(events("a", "b", "c", "d"))

        assert not channel.flush(20.0)
        assert [names(request.items) for request in server.requests] == [
            ["a", "b", "c", "d"], ["a", "b"], ["a"], ["b"], ["c", "d"],
        ]  # fmt: skip
        assert (channel.stats()["accepted"], channel.stats()["rejected"]) == (3, {413: 1})


def test_retry_after_is_waited_for_by_the_thread_alone(channel_to, events):
    """The caller goes on at once, nothing is sent before the time, and all of it after."""
    with IngestionServer(Answer(429, headers={"Retry-After": "2"})) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        server.wait_for_requests(1)
        refused_at = monotonic()

        channel.send(events("b"))
        assert monotonic() - refused_at < 1.0
        server.wait_for_items(3)

        assert monotonic() - refused_at > 1.5
        assert [sorted(names(request.items)) for request in server.requests] == [["a"], ["a", "b"]]


def test_a_pause_after_a_quota_holds_back_what_comes_next(channel_to, events):
    """The items of that request are lost, later ones wait."""
    with IngestionServer(Answer(402, headers={"Retry-After": "1"})) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        assert not channel.flush(20.0)
        refused_at = monotonic()
        channel.send(events("b"))

        assert names(server.wait_for_items(2)) == ["a", "b"]
        assert monotonic() - refused_at > 0.5


def test_the_pauses_grow(channel_to, events):
    """Exponential back-off with jitter: at most the delay, at least half of it."""
    with IngestionServer(*[Answer(500)] * 4) as server:
        channel = channel_to(server, interval=0.0, backoff=(0.2, 0.8))
        started = time()
        channel.send(events("a"))
        server.wait_for_requests(5)

        assert time() - started >= (0.2 + 0.4 + 0.8 + 0.8) / 2


def test_an_allowed_redirect_is_followed_and_remembered(channel_to, events):
    """Same host, other port: the items go there, also the next ones."""
    with IngestionServer() as new:
        moved = Answer(308, headers={"Location": f"{new.url}/v2.1/track"})
        with IngestionServer(default=moved) as old:
            channel = channel_to(old)
            for name in "ab":
                channel.send(events(name))
                assert channel.flush(20.0)

            assert names(new.items) == ["a", "b"]
            assert len(old.requests) == 1


def test_a_redirect_to_a_foreign_host_is_refused(channel_to, events, caplog):
    """It would hand the items to whoever it names."""
    foreign = Answer(307, headers={"Location": "https://collector.example.com/v2.1/track"})
    with IngestionServer(foreign) as server:
        channel = channel_to(server)
        channel.send(events("a"))

        assert channel.flush(20.0)
        assert len(server.requests) == 2
    (warning,) = warnings_of(caplog)
    assert warning == (
        f"Telemetry to 127.0.0.1:{server.port}: it redirects to collector.example.com, which is not allowed; "
        "the items are kept and sent later. "
        "Check IngestionEndpoint in the connection string, and proxies on the way."
    )


def test_a_ring_of_redirects_ends(channel_to, events):
    """After five hops."""
    with IngestionServer() as server:
        server.default = Answer(307, headers={"Location": server.url})
        channel = channel_to(server, backoff=(30.0, 60.0))
        channel.send(events("a"))

        assert not channel.flush(10.0)
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("current", "location", "target"),
    [
        ("https://dc.services.visualstudio.com", "https://we.services.visualstudio.com/v2.1/track", "https://we.services.visualstudio.com"),
        ("https://a.in.applicationinsights.azure.com", "https://b.in.applicationinsights.azure.com/v2.1/track", "https://b.in.applicationinsights.azure.com"),
        ("https://a.example.com", "https://a.example.com:8443/v2.1/track", "https://a.example.com:8443"),
        ("https://a.example.com", "/elsewhere/v2.1/track", "https://a.example.com/elsewhere"),
        ("http://a.example.com", "https://a.example.com/", "https://a.example.com"),
        ("https://a.example.com", "http://a.example.com/v2.1/track", None),
        ("https://dc.services.visualstudio.com", "https://services.visualstudio.com.evil.org", None),
        ("https://dc.services.visualstudio.com", "https://evilservices.visualstudio.com", None),
        ("https://a.monitor.azure.com", "https://a.monitor.azure.cn", None),
        ("https://a.example.com", "https://b.example.com", None),
        ("https://a.example.com", "", None),
        ("https://a.example.com", "ftp://a.example.com", None),
        ("https://a.example.com", "https://a.example.com:99999", None),
        ("https://a.example.com", "https://user@a.example.com/v2.1/track", "https://a.example.com"),
        ("http://[::1]:80", "http://[::1]:8080/v2.1/track", "http://[::1]:8080"),
        ("https://a.monitor.azure.com", "https://evil.org\\.monitor.azure.com/v2.1/track", None),
        ("https://a.monitor.azure.com", "https://evil.org%2F.monitor.azure.com/v2.1/track", None),
        ("https://a.monitor.azure.com", "https://a.monitor.azure.com@evil.org/v2.1/track", None),
        ("https://a.monitor.azure.com", "https://[::1", None),
    ],
)  # fmt: skip
def test_redirects_stay_within_the_allow_list(current: str, location: str, target: str | None):
    """Same host, or both under one of Microsoft's suffixes; never from https to http."""
    assert transport.redirect_target(current, location) == target


def test_an_exit_with_a_hanging_service_does_not_hang(tmp_path):
    """The interpreter ends within the exit's own limit, whatever was pending."""
    script = tmp_path / "app.py"
    script.write_text(
        "import sys, time\n"
        "from ext_appinsights import Channel, envelope\n"
        "channel = Channel(sys.argv[1], exit_timeout=0.5)\n"
        "channel.send([envelope.event(time_ns=time.time_ns(), name='a')])\n"
    )
    with IngestionServer(default=HANG) as server:
        started = monotonic()
        done = subprocess.run(
            [sys.executable, str(script), server.connection_string],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert monotonic() - started < 10.0
        assert len(server.requests) == 1


def test_an_exit_delivers_what_is_pending(tmp_path):
    """A script that ends right after its last item loses nothing."""
    script = tmp_path / "app.py"
    script.write_text(
        "import sys, time\n"
        "from ext_appinsights import Channel, envelope\n"
        "channel = Channel(sys.argv[1], interval=600, exit_timeout=20)\n"
        "channel.send([envelope.event(time_ns=time.time_ns(), name='a')])\n"
    )
    with IngestionServer() as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script), server.connection_string],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert names(server.items) == ["a"]


LATE = """
import atexit, sys, time
from ext_appinsights import Channel, envelope
channel = Channel(sys.argv[1], exit_timeout=float(sys.argv[2]))
atexit.register(lambda: channel.send([envelope.event(time_ns=time.time_ns(), name="late")]))
"""


@pytest.mark.parametrize(("default", "patience", "limit"), [(Answer(), 20, 30.0), (HANG, 0.5, 10.0)])
def test_an_item_that_comes_during_the_exit_is_delivered_within_the_limit(default: Answer, patience: float, limit):
    """Python 3.12 starts no thread any more then; OpenTelemetry's own batch processor hands its spans over so late."""
    with IngestionServer(default=default) as server:
        started = monotonic()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", LATE, server.connection_string, str(patience)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert monotonic() - started < limit
        assert names(server.items) == ["late"]


def test_where_no_thread_can_be_started_a_flush_delivers(channel_to, events, monkeypatch, caplog):
    """In the caller and in the caller's time; what did not arrive is there for the next flush."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "ext_appinsights":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with IngestionServer(HANG) as server:
        channel = channel_to(server)
        channel.send(events("a", "b"))

        started = monotonic()
        assert not channel.flush(0.5)
        assert monotonic() - started < 1.5
        assert channel.stats()["waiting"] == 2
        assert channel.flush(20.0)
        assert [names(request.items) for request in server.requests] == [["a", "b"]] * 2
        assert channel.close(5.0)
    (warning,) = warnings_of(caplog)
    assert re.search(r"the service did not answer within 0\.[2-5]\d* s; ", warning)


def test_trouble_that_lasts_is_not_said_again(caplog, monkeypatch):
    """Only when it comes back, more than ten minutes after it was said."""
    clock = [1000.0]
    monkeypatch.setattr(trouble, "monotonic", lambda: clock[0])
    say = trouble.Reporter("http://a.example", KEY)
    for hours in range(5):
        clock[0] = 1000.0 + 3600.0 * hours
        say.trouble("unreachable", "it is down")
    assert len(warnings_of(caplog)) == 1

    say.well(0)
    say.trouble("unreachable", "it is down")
    assert len(warnings_of(caplog)) == 2
    say.well(0)
    clock[0] += trouble.SILENCE - 1
    say.trouble("unreachable", "it is down")
    assert len(warnings_of(caplog)) == 2


def test_a_short_key_does_not_spoil_the_words(caplog):
    """Only the key as a whole is cut out."""
    trouble.Reporter("http://a.example", "k").trouble("x", 'kept; check "K" and k-9')

    assert warnings_of(caplog) == ['Telemetry to a.example: kept; check "<instrumentation key>" and k-9']


def test_what_there_is_to_say_can_go_elsewhere(channel_to, events, caplog):
    """With its level, and not to the log as well."""
    said = []
    with IngestionServer(Answer(500)) as server:
        channel = channel_to(server, report=lambda *line: said.append(line))
        channel.send(events("a"))
        assert channel.flush(20.0)

    assert said == [
        (logging.WARNING, f"Telemetry to 127.0.0.1:{server.port}: the service answered 500: it cannot take items now; such items are kept."),
        (logging.INFO, f"Telemetry to 127.0.0.1:{server.port} is accepted again; 0 items are still waiting."),
    ]  # fmt: skip
    assert [r for r in caplog.records if r.name == "ext_appinsights"] == []


def test_delivery_goes_on_whatever_becomes_of_what_is_said(channel_to, events):
    """The app's callable may fail, as a filter of its log may."""
    said = []

    def report(*line: object) -> None:
        said.append(line)
        raise LookupError("nowhere to say it")

    with IngestionServer(Answer(500)) as server:
        channel = channel_to(server, report=report)
        channel.send(events("a"))
        assert channel.flush(20.0)
        channel.send(events("b"))
        assert channel.flush(20.0)

    assert [level for level, _ in said] == [logging.WARNING, logging.INFO]
