"""What is handed to a channel arrives, and the caller never waits."""

from __future__ import annotations

import logging
import os
import threading
from time import monotonic

import pytest

from ext_appinsights import Channel, ConnectionString, ConnectionStringError
from tests.support.ingestion import HANG, KEY, Answer, IngestionServer


def names(items: list[dict]) -> list[str]:
    return [item["data"]["baseData"]["name"] for item in items]


def test_items_arrive_as_gzip_lines(channel_to, events):
    """One POST of newline-delimited JSON to /v2.1/track, each item stamped with the key."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a", "ü", "\ud800"))

        assert channel.flush(20.0)

        (request,) = server.requests
        assert request.path == "/v2.1/track"
        assert request.headers["content-type"] == "application/x-json-stream"
        assert request.headers["content-encoding"] == "gzip"
        assert names(request.items) == ["a", "ü", "?"]
        assert {item["iKey"] for item in request.items} == {KEY}
        assert channel.stats()["accepted"] == 3


def test_items_arrive_without_a_flush(channel_to, events):
    """The interval alone is enough."""
    with IngestionServer() as server:
        channel_to(server).send(events("a"))

        assert names(server.wait_for_items(1)) == ["a"]


def test_a_callable_is_called_on_the_sending_thread(channel_to, events):
    """So that making items costs the caller nothing."""
    threads = []

    def late():
        threads.append(threading.current_thread())
        return iter(events("late", "later"))

    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send([late])

        assert channel.flush(20.0)
        assert names(server.items) == ["late", "later"]
    assert [thread.name for thread in threads] == ["ext_appinsights"]


def test_one_thread_serves_everything_and_starts_with_the_first_item(channel_to, events):
    """A channel that nobody uses costs nothing."""
    with IngestionServer() as server:
        before = set(threading.enumerate())
        channel = channel_to(server)
        assert channel.flush(5.0)
        assert {t for t in set(threading.enumerate()) - before if t.name == "ext_appinsights"} == set()

        for number in range(50):
            channel.send(events(number))
        assert channel.flush(20.0)
        assert len([t for t in set(threading.enumerate()) - before if t.name == "ext_appinsights"]) == 1


def test_the_connection_is_kept(channel_to, events):
    """Requests follow each other on one connection."""
    with IngestionServer() as server:
        channel = channel_to(server)
        for name in "abc":
            channel.send(events(name))
            assert channel.flush(20.0)

        assert (len(server.requests), server.connections) == (3, 1)


def test_batches_are_limited_by_count_and_by_bytes(channel_to, events):
    """A full one is sent at once, in order."""
    with IngestionServer() as server:
        channel = channel_to(server, max_batch=10, max_batch_bytes=1_000_000)
        channel.send([lambda: events(*range(25))])
        assert channel.flush(20.0)
        assert [len(request.items) for request in server.requests] == [10, 10, 5]
        assert names(server.items) == [str(number) for number in range(25)]

    with IngestionServer() as server:
        channel = channel_to(server, max_batch_bytes=1000)
        channel.send(events(*["x" * 400] * 4))
        assert channel.flush(20.0)
        assert [len(request.items) for request in server.requests] == [1, 1, 1, 1]


def test_a_full_batch_does_not_wait_for_the_interval(channel_to, events):
    """The interval is for what is left over."""
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0, max_batch=5)
        channel.send(events(*range(5)))

        assert len(server.wait_for_items(5)) == 5


def test_a_kick_delivers_without_collecting_more(channel_to, events):
    """In the background; what comes after it is collected again."""
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel.kick()
        channel.send(events("a", "b"))
        channel.kick()
        assert names(server.wait_for_items(2)) == ["a", "b"]
        channel.send(events("c"))
        channel.commit()
        channel.kick()
        assert names(server.wait_for_items(3)) == ["a", "b", "c"]
        while channel.stats()["waiting"]:
            pass
        channel.send(events("d"))
        assert not channel._sender._loop.hurry


def test_an_item_can_be_bytes(channel_to):
    """Its JSON, into which the key is put; a callable may return some as well."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send([b'{"name":"a"}', lambda: [b'{"name":"b"}', {"name": "c"}]])

        assert channel.flush(20.0)
        assert server.items == [{"iKey": KEY, "name": name} for name in "abc"]
        assert channel.stats()["sent"] == channel.stats()["accepted"] == 3


def test_an_item_that_cannot_be_made_costs_only_itself(channel_to, events, caplog):
    """It is counted, and said once; no recovery is said, as the service was well."""
    caplog.set_level(logging.INFO, logger="ext_appinsights")

    def broken():
        raise LookupError("no such span")

    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send([broken, *events("a"), {"data": float("nan")}, lambda: [*events("b"), {"data": float("inf")}]])

        assert not channel.flush(20.0)
        assert names(server.items) == ["a", "b"]
        assert channel.stats()["dropped"] == {"invalid": 3}
    (record,) = [r for r in caplog.records if f":{server.port}" in r.getMessage()]
    assert record.getMessage() == (
        f"Telemetry to 127.0.0.1:{server.port}: an item could not be made and is left out: LookupError: no such span"
    )


def test_a_full_queue_drops_the_oldest_and_counts(channel_to, events):
    """Memory is bounded while the service is away."""
    with IngestionServer(HANG) as server:
        channel = channel_to(server, max_queue=10, request_timeout=1.0)
        channel.send(events("first"))
        server.wait_for_requests(1)

        channel.send(events(*range(25)))

        assert channel.stats()["dropped"] == {"queue_full": 15}
        assert channel.flush(20.0)
        assert sorted(names(server.items)[1:]) == sorted(["first", *map(str, range(15, 25))])


def test_a_flush_gives_up_when_its_items_are_pushed_out(channel_to, events):
    """It does not wait for what will never come."""
    with IngestionServer(default=HANG) as server:
        channel = channel_to(server, max_queue=5)
        channel.send(events("first"))
        server.wait_for_requests(1)
        results = []
        waiting = threading.Thread(target=lambda: results.append(channel.flush(30.0)))
        waiting.start()
        while not channel._sender.inbox.queued.tickets:
            pass
        channel.send(events(*range(6)))
        waiting.join(20.0)

        assert results == [False]


@pytest.mark.parametrize("timeout", [0.0, 0.1, 0.5])
def test_a_flush_keeps_its_deadline_whatever_the_server_does(channel_to, events, timeout: float):
    """A server that accepts and never answers costs the timeout, and nothing on top."""
    with IngestionServer(default=HANG) as server:
        channel = channel_to(server, request_timeout=60.0)
        channel.send(events("a"))
        started = monotonic()

        assert not channel.flush(timeout)
        assert timeout <= monotonic() - started < timeout + 0.5
        assert not channel.close(timeout)
        assert monotonic() - started < 2 * timeout + 1.0


def test_a_flush_fails_at_once_when_success_is_out_of_reach(channel_to, events):
    """Nobody waits at shutdown for a server that asked to be left alone."""
    with IngestionServer(default=Answer(429, headers={"Retry-After": "3600"})) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        started = monotonic()

        assert not channel.flush(30.0)
        assert monotonic() - started < 15.0
        assert not channel.flush(30.0)
        assert monotonic() - started < 15.0
        assert len(server.requests) == 1


def test_many_threads_can_send_and_flush(channel_to, events):
    """Nothing is lost and nothing comes twice."""
    with IngestionServer() as server:
        channel = channel_to(server, max_batch=50)
        results = []

        def work(worker: int) -> None:
            for number in range(200):
                channel.send(events(f"{worker}/{number}"))
            results.append(channel.flush(30.0))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40.0)

        assert results == [True] * 8
        assert sorted(names(server.items)) == sorted(f"{w}/{n}" for w in range(8) for n in range(200))


def test_sending_and_flushing_from_the_sending_thread_cannot_lock_up(channel_to, events):
    """As a log handler does that a callable's code logs to."""
    with IngestionServer() as server:
        channel = channel_to(server)
        results = []

        def reentrant():
            channel.send(events("from inside"))
            results.append(channel.flush(10.0))
            return events("outside")

        channel.send([reentrant])
        server.wait_for_items(2)

        assert results == [False]


def test_after_close_items_are_dropped_and_counted(channel_to, events):
    """A closed channel stays closed."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a"))
        assert channel.close(20.0)

        channel.send(events("b", "c"))

        assert channel.flush(5.0)
        assert channel.stats()["dropped"] == {"closed": 2}
        assert names(server.items) == ["a"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_sends_its_own_items_and_only_those(channel_to, events):
    """The child starts a thread of its own; what the parent had queued stays with the parent."""
    with IngestionServer(HANG) as server:
        channel = channel_to(server, request_timeout=2.0)
        channel.send(events("parent 1"))
        server.wait_for_requests(1)
        channel.send(events("parent 2"))

        child = os.fork()
        if child == 0:
            status = 1
            try:
                channel.send(events("child"))
                status = 0 if channel.flush(20.0) and channel.stats()["accepted"] == 1 else 2
            finally:
                os._exit(status)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert channel.flush(30.0)
        assert sorted(names(server.items)[1:]) == ["child", "parent 1", "parent 2"]


def test_the_http_clients_own_log_does_not_loop(channel_to, events):
    """With everything logged to the channel itself, a request does not cause the next one."""
    seen = []

    with IngestionServer() as server:
        channel = channel_to(server)

        class ToTheChannel(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                seen.append(record.name)
                channel.send(events(record.getMessage()))

        handler, root = ToTheChannel(), logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            channel.send(events("a"))
            assert channel.flush(20.0)
            logging.getLogger("urllib3.connectionpool").debug("of another thread")
        finally:
            root.removeHandler(handler)
            root.setLevel(level)

    assert seen == ["urllib3.connectionpool"]


def test_the_connection_string_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """Without an argument."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", f"InstrumentationKey={KEY};IngestionEndpoint=http://a")

    assert repr(Channel()) == "<Channel to http://a>"
    assert Channel(ConnectionString(KEY, "http://b")).endpoint == "http://b"


def test_no_connection_string_is_said_with_the_cure(monkeypatch: pytest.MonkeyPatch):
    """Whole message."""
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    monkeypatch.delenv("APPINSIGHTS_INSTRUMENTATIONKEY", raising=False)
    with pytest.raises(ConnectionStringError) as caught:
        Channel()
    assert str(caught.value) == (
        "There is no connection string: pass one, or set APPLICATIONINSIGHTS_CONNECTION_STRING "
        "(for an Application Insights on this machine, `azfunc-ext insights` prints one)."
    )


FROM_0 = "seconds, from 0 up to 1000000000"
ABOVE_0 = "seconds, more than 0 up to 1000000000"
PAIR = "(first, longest) seconds with 0 < first <= longest up to 1000000000"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("max_queue", 0, "Channel: max_queue must be a whole number from 1 on, not 0."),
        ("max_queue_bytes", -1, "Channel: max_queue_bytes must be a whole number from 1 on, not -1."),
        ("journal_max_bytes", "50 MB", "Channel: journal_max_bytes must be a whole number from 1 on, not '50 MB'."),
        ("max_batch", 1.5, "Channel: max_batch must be a whole number from 1 on, not 1.5."),
        ("request_timeout", 0, f"Channel: request_timeout must be {ABOVE_0}, not 0."),
        ("request_timeout", "5", f"Channel: request_timeout must be {ABOVE_0}, not '5'."),
        ("request_timeout", float("inf"), f"Channel: request_timeout must be {ABOVE_0}, not inf."),
        ("interval", -1, f"Channel: interval must be {FROM_0}, not -1."),
        ("interval", float("nan"), f"Channel: interval must be {FROM_0}, not nan."),
        ("interval", True, f"Channel: interval must be {FROM_0}, not True."),
        ("exit_timeout", None, f"Channel: exit_timeout must be {FROM_0}, not None."),
        ("max_queue", True, "Channel: max_queue must be a whole number from 1 on, not True."),
        ("max_batch_bytes", float("nan"), "Channel: max_batch_bytes must be a whole number from 1 on, not nan."),
        ("backoff", (2, 1), f"Channel: backoff must be {PAIR}, not (2, 1)."),
        ("backoff", 3, f"Channel: backoff must be {PAIR}, not 3."),
        ("backoff", "12", f"Channel: backoff must be {PAIR}, not '12'."),
        ("backoff", (1, 2, 3), f"Channel: backoff must be {PAIR}, not (1, 2, 3)."),
        ("backoff", (1, "2"), f"Channel: backoff must be {PAIR}, not (1, '2')."),
        ("backoff", (1, float("nan")), f"Channel: backoff must be {PAIR}, not (1, nan)."),
        ("proxies", "http://p:1", "Channel: proxies must be a mapping of schemes to URLs, or None, not 'http://p:1'."),
        ("proxies", {"https": 1}, "Channel: proxies must be a mapping of schemes to URLs, or None, not {'https': 1}."),
        ("journal", 1, "Channel: journal must be True, False or the path of a folder, not 1."),
        ("journal", "", "Channel: journal must be True, False or the path of a folder, not ''."),
        ("report", "log", "Channel: report must be a callable or None, not 'log'."),
        ("thread_setup", 1, "Channel: thread_setup must be a callable or None, not 1."),
    ],
)
def test_an_option_out_of_range_is_named(option: str, value, message: str):
    """At the call, not in the background."""
    with pytest.raises(ValueError) as caught:
        Channel(f"InstrumentationKey={KEY}", **{option: value})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("option", "near"), [("max_que", "max_queue"), ("Backoff", "backoff"), ("conection_string", "connection_string")]
)
def test_an_unknown_option_is_told_with_the_nearest(option: str, near: str):
    with pytest.raises(TypeError) as caught:
        Channel(**{option: 1})
    assert str(caught.value) == (
        f"Channel: unknown option {option!r}. Did you mean {near!r}? Known: connection_string, credential, max_queue, "
        "max_queue_bytes, max_batch, max_batch_bytes, interval, request_timeout, backoff, exit_timeout, journal, "
        "journal_max_bytes, proxies, thread_setup, report."
    )


def test_an_unknown_option_like_no_other_is_told_with_all():
    with pytest.raises(TypeError, match=r"^Channel: unknown option 'zzz'\. Known: connection_string, ") as caught:
        Channel(zzz=1)
    assert "Did you mean" not in str(caught.value)
