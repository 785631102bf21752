"""Neither the journal nor the memory grows beyond its limits: the oldest goes first, and is counted."""

from __future__ import annotations

import json
import threading

import pytest

from ext_appinsights.folder import Folder
from ext_appinsights.queued import NEVER
from tests.support.ingestion import HANG, Answer, IngestionServer
from tests.support.journals import line_of, names, until

SLOW = {"interval": 600.0}
HOURS = 3600.0


def test_a_journal_that_is_full_gives_up_the_oldest(channel_to, events, journals, caplog):
    """What they held is counted, and it is said once; what is new is kept."""
    with IngestionServer(default=HANG) as server:
        there = journals(server)
        paths = [there.orphan(*[str(n)] * 20, age=1000.0 - n) for n in range(4)]
        size = paths[0].stat().st_size
        channel = channel_to(server, journal_max_bytes=4 * size, request_timeout=1.0)
        channel.send(events("new"))
        channel.commit()
        assert channel.stats()["dropped"] == {"journal_full": 20}
        assert [path.exists() for path in paths] == [False, True, True, True]
        assert line_of("new") in there.text

        for _ in range(30):
            channel.send(events("newer"))
            channel.commit()
        until(lambda: there.size <= 4 * size)  # the thread makes room while the present segment fills
        until(lambda: channel.stats()["dropped"]["journal_full"] >= 40)
        channel.close(0.0)
        until(lambda: caplog.records)
    (warning,) = [r.getMessage() for r in caplog.records if "journal" in r.getMessage()]
    assert warning == (
        f"Telemetry to 127.0.0.1:{server.port}: the journal in {there.path} is full; the oldest items in it are dropped."
    )


def test_the_thread_makes_room_in_time(channel_to, events, journals, monkeypatch):
    """A caller that begins the next segment does not have to look through a folder that may be long."""
    lookers = []
    files = Folder.files

    def watched(self):
        lookers.append(threading.current_thread().name)
        return files(self)

    monkeypatch.setattr(Folder, "files", watched)
    with IngestionServer() as server:
        there = journals(server)
        paths = [there.orphan(*[str(n)] * 20, age=1000.0 - n) for n in range(4)]
        size = paths[0].stat().st_size
        channel = channel_to(server, journal_max_bytes=4 * size, **SLOW)
        for _ in range(50):
            channel.send(events("new"))
            channel.commit()
            until(lambda: not channel._sender.journal.crowded)
        assert there.size <= 4 * size
        assert not any(path.exists() for path in paths[:3])
        assert lookers[0] == threading.current_thread().name
        assert {*lookers[1:]} == {"ext_appinsights"}


def test_after_a_rest_nobody_looks_for_room_again(channel_to, events, monkeypatch):
    """The next segment has that of the one which was deleted: a flush may come at the end of each invocation."""
    lookers = []
    files = Folder.files

    def watched(self):
        lookers.append(threading.current_thread().name)
        return files(self)

    monkeypatch.setattr(Folder, "files", watched)
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        for _ in range(5):
            channel.send(events("new"))
            channel.commit()
            assert channel.flush(20.0)
            channel.rest()
        assert channel._sender.journal._current is None
    assert lookers.count(threading.current_thread().name) == 1


def test_where_others_have_all_the_room_items_stay_in_memory(channel_to, events, journals, caplog):
    """Nobody's items are taken away from a process that is alive."""
    with IngestionServer(HANG) as server:
        holder = channel_to(server, request_timeout=60.0)
        holder.send(events(*["x" * 100] * 10))
        holder.commit()
        server.wait_for_requests(1)
        channel = channel_to(server, journal_max_bytes=1000)
        channel.send(events("a"))
        channel.commit()
        assert channel.flush(20.0)

        assert channel.stats()["dropped"] == {}
        assert names(server.items)[-1] == "a"
    (warning,) = [r.getMessage() for r in caplog.records if "journal" in r.getMessage()]
    assert warning == (
        f"Telemetry to 127.0.0.1:{server.port}: the journal in {journals(server).path} cannot be written "
        "(it is full, and other processes have all of it); items are kept in memory only until it can."
    )


def test_over_the_limit_of_items_the_oldest_are_left_to_the_journal(channel_to, events, journals):
    """And come back once the service takes items again; nothing is lost."""
    with IngestionServer(Answer(503, headers={"Retry-After": "1"})) as server:
        channel = channel_to(server, max_queue=10, max_batch=5)
        channel.send(events("first"))
        server.wait_for_requests(1)
        for number in range(35):
            channel.send(events(number))
            channel.commit()
        stats = channel.stats()
        assert stats["waiting"] <= 10 + 5
        assert (stats["spilled"] >= 20, stats["dropped"]) == (True, {})

        server.wait_for_items(1 + 36)
        assert sorted(names(server.items)[1:]) == sorted(["first", *map(str, range(35))])
        until(lambda: channel.stats()["accepted"] == 36)
        stats = channel.stats()
        assert (stats["spilled"], stats["replayed"], stats["waiting"]) == (stats["spilled"], stats["spilled"], 0)
        assert channel.close(20.0)
        assert journals(server).files == []


@pytest.mark.parametrize("journaled", [True, False])
def test_memory_is_bounded_by_bytes(channel_to, journaled: bool):
    """Large items do not wait in any number."""
    item = json.dumps({"data": "x" * 100_000}).encode()
    with IngestionServer(default=HANG) as server:
        channel = channel_to(server, max_queue_bytes=1_000_000, **({} if journaled else {"journal": False}))
        for _ in range(50):
            channel.send([item])
            channel.commit()
        stats = channel.stats()

        kept = stats["waiting"]
        assert kept <= 10 + 11  # and a request's worth on its way
        if journaled:
            assert (stats["spilled"] + kept, stats["dropped"]) == (50, {})
        else:
            assert (stats["spilled"], stats["dropped"]) == (0, {"queue_full": 50 - kept})


def test_a_flush_whose_items_were_left_to_the_journal_has_failed(channel_to, events):
    """They are not delivered yet."""
    with IngestionServer(default=HANG) as server:
        channel = channel_to(server, max_queue=5, request_timeout=60.0)
        channel.send(events("first"))
        server.wait_for_requests(1)
        results = []
        waiting = threading.Thread(target=lambda: results.append(channel.flush(30.0)))
        waiting.start()
        until(lambda: channel._sender.inbox.queued.tickets)
        for number in range(6):
            channel.send(events(number))
            channel.commit()
        waiting.join(20.0)

        assert results == [False]


def test_what_goes_into_a_request_pushes_nothing_out_of_memory(channel_to):
    """It has left the queue, although one request may have more than the queue."""
    item = json.dumps({"data": "x" * 100_000}).encode()
    with IngestionServer() as server:
        channel = channel_to(server, journal=False, max_queue_bytes=500_000, interval=600.0)
        channel._sender.started = True  # no thread yet: it must not come first
        channel.send([item] * 4)
        inbox = channel._sender.inbox
        with inbox._lock:
            inbox._take_in(NEVER, NEVER)
        channel.send([item] * 4)
        channel._sender.started = False

        assert channel.flush(20.0)
        assert (channel.stats()["accepted"], channel.stats()["dropped"]) == (8, {})


def test_a_miscount_of_the_bytes_that_are_queued_is_over_once_nothing_is(channel_to):
    """Several threads may add to the number at once, and it may be wrong then; items are not dropped for that."""
    with IngestionServer() as server:
        channel = channel_to(server, journal=False, interval=600.0, max_queue_bytes=1000)
        queued = channel._sender.inbox.queued
        queued.bytes = 900
        channel.send([b'{"name":"a"}'])
        assert channel.flush(20.0)
        channel.send([b'{"data":"%b"}' % (b"x" * 500)])
        assert channel.flush(20.0)

        assert (channel.stats()["accepted"], channel.stats()["dropped"], queued.bytes) == (2, {}, 0)
