"""What was committed is on disk until it is settled, and whoever runs next delivers it."""

from __future__ import annotations

import json
import os
import threading
from hashlib import sha256
from time import time

import pytest

from ext_appinsights import delivery, orphans, replay, segment
from ext_appinsights.records import HEADER, record
from tests.support.ingestion import HANG, KEY, Answer, IngestionServer
from tests.support.journals import line_of, names

SLOW = {"interval": 600.0}
HOURS = 3600.0


@pytest.fixture
def every_tick(monkeypatch):
    """Folders are looked into all the time."""
    monkeypatch.setattr(replay, "INTERVAL", 0.02)


def until(condition, patience: float = 20.0) -> None:
    """Wait for the sending thread to do what comes after an answer."""
    for _ in range(int(patience / 0.01)):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come about")


def test_a_commit_writes_what_was_handed_over(channel_to, events, journals):
    """Callables are called for it, in the caller; an item handed over later is not there yet."""
    threads = []

    def late():
        threads.append(threading.current_thread())
        return events("late")

    with IngestionServer() as server:
        channel = channel_to(server, **SLOW)
        channel.send([*events("a"), line_of("b"), late])
        channel.commit()
        channel.send(events("c"))

        assert journals(server).text == HEADER + b"".join(record(line_of(name)) for name in ("a", "b", "late"))
    assert threads == [threading.current_thread()]


def test_a_commit_is_one_write(channel_to, events, monkeypatch):
    """It costs the invocation no more than that."""
    with IngestionServer() as server:
        channel = channel_to(server, **SLOW)
        channel.send(events("a"))
        channel.commit()
        calls = []
        for name in ("write", "fstat", "stat", "fsync", "open", "lseek", "ftruncate"):
            real = getattr(segment.os, name)

            def counted(*arguments, name=name, real=real, **more):
                if threading.current_thread() is threading.main_thread():
                    calls.append(name)
                return real(*arguments, **more)

            monkeypatch.setattr(segment.os, name, counted)
        channel.send(events("b", "c"))
        channel.commit()
        channel.commit()
        monkeypatch.undo()

    assert calls == ["write"]


def test_nothing_is_on_disk_before_it_is_needed(channel_to, events, journal):
    """Neither for a channel that nobody uses, nor for one that has not committed."""
    with IngestionServer() as server:
        channel = channel_to(server, **SLOW)
        channel.commit()
        channel.flush(1.0)
        channel.close(1.0)

        channel_to(server, **SLOW).send(events("a"))
        assert not journal.exists()


def test_without_a_journal_nothing_is(channel_to, events, journal, tmp_path, monkeypatch):
    """And a commit calls nothing: callables are for the thread."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with IngestionServer() as server:
        channel = channel_to(server, journal=False)
        threads = []

        def late():
            threads.append(threading.current_thread().name)
            return events("late")

        channel.send([late])
        channel.commit()
        assert channel.flush(20.0)
        assert list(tmp_path.iterdir()) == []
    assert threads == ["ext_appinsights"]


def test_the_usual_place_is_a_folder_of_this_user(channel_to, events, tmp_path, monkeypatch):
    """Under the temporary folder; each resource has one of its own in it, whose name does not give it away."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with IngestionServer() as server:
        channel = channel_to(server, journal=True, **SLOW)
        channel.send(events("a"))
        channel.commit()

        inner = sha256((KEY.lower() + server.url).encode()).hexdigest()[:16]
        folder = tmp_path / f"azfunc-ext-appinsights-{os.getuid()}" / inner
        (segment,) = folder.iterdir()
        modes = [oct(path.stat().st_mode & 0o777) for path in (folder.parent, folder, segment)]
        assert modes == ["0o700", "0o700", "0o600"]


def test_the_instrumentation_key_is_not_in_the_journal(channel_to, events, journals):
    """It is put in when items are posted; an item cannot bring one of its own."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send([{**event, "iKey": "mine"} for event in events("a")])
        channel.commit()
        text = journals(server).text
        assert channel.flush(20.0)

        assert {item["iKey"] for item in server.items} == {KEY}
    assert b"iKey" not in text
    assert KEY.encode() not in text


def test_what_is_settled_is_noted_at_once(channel_to, events, journals):
    """Accepted or refused for good: so that nobody sends it again."""
    errors = [{"index": 1, "statusCode": 400, "message": "no"}, {"index": 2, "statusCode": 503, "message": "later"}]
    answer = Answer(206, body={"itemsReceived": 3, "itemsAccepted": 1, "errors": errors})
    with IngestionServer(answer) as server:
        channel = channel_to(server, backoff=(600.0, 600.0))
        channel.send(events("a", "b", "c"))
        channel.commit()
        server.wait_for_requests(1)
        first, second = len(HEADER), len(HEADER + record(line_of("a")))
        until(lambda: journals(server).text.endswith(record(f"={first}-{second}".encode())))


def test_a_journal_of_which_all_is_settled_is_empty(channel_to, events, journals):
    """It does not grow while all goes well."""
    with IngestionServer() as server:
        channel = channel_to(server)
        for name in "abc":
            channel.send(events(name))
            channel.commit()
            assert channel.flush(20.0)
        until(lambda: journals(server).text == HEADER)


def test_a_close_with_nothing_left_leaves_nothing(channel_to, events, journals):
    """No files of processes that ended well."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a"))
        channel.commit()
        assert channel.close(20.0)

        assert journals(server).files == []


@pytest.mark.parametrize("commits", [True, False])
def test_a_close_leaves_what_is_left_to_the_next_channel(channel_to, events, every_tick, commits: bool):
    """Counted as spilled, also what had not been committed; the next one delivers it."""
    with IngestionServer(Answer(500, headers={"Retry-After": "600"})) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        server.wait_for_requests(1)
        channel.send(events("b"))
        if commits:
            channel.commit()
        assert not channel.close(0.5)
        assert (channel.stats()["spilled"], channel.stats()["waiting"], channel.stats()["dropped"]) == (2, 0, {})

        following = channel_to(server)
        following.send(events("c"))
        assert sorted(names(server.wait_for_items(4)[1:])) == ["a", "b", "c"]
        until(lambda: following.stats()["replayed"] == 2)


def test_a_close_without_a_journal_drops_and_counts(channel_to, events):
    """As there is nowhere to leave them."""
    with IngestionServer(Answer(500, headers={"Retry-After": "600"})) as server:
        channel = channel_to(server, journal=False)
        channel.send(events("a"))
        server.wait_for_requests(1)
        channel.send(events("b"))
        assert not channel.close(0.5)

        assert (channel.stats()["spilled"], channel.stats()["waiting"], channel.stats()["dropped"]) == (
            0,
            0,
            {"closed": 2},
        )


def test_a_close_commits_even_if_the_thread_is_stuck(channel_to, events, journals):
    """In a request that nobody answers: what came meanwhile is on disk when close returns."""
    with IngestionServer(default=HANG) as server:
        channel = channel_to(server, request_timeout=60.0)
        channel.send(events("a"))
        server.wait_for_requests(1)
        channel.send(events("b"))
        assert not channel.close(0.1)

        assert journals(server).text == HEADER + record(line_of("a")) + record(line_of("b"))


def test_what_others_left_is_delivered_after_what_is_fresh(channel_to, events, journals):
    """Oldest first, and none of it delays a fresh item."""
    with IngestionServer() as server:
        there = journals(server)
        there.orphan("new 1", "new 2", age=10.0)
        there.orphan("old 1", "old 2", age=1000.0)
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(5)) == ["fresh", "old 1", "old 2", "new 1", "new 2"]
        until(lambda: channel.stats()["replayed"] == 4)
        assert (channel.stats()["accepted"], channel.stats()["spilled"]) == (5, 0)
        assert channel.close(20.0)
        assert there.files == []


def test_a_replay_is_no_part_of_a_flush(channel_to, events, journals):
    """A flush is done when its own items are, whatever becomes of others'."""
    with IngestionServer(Answer(), default=HANG) as server:
        journals(server).orphan("left")
        channel = channel_to(server, request_timeout=60.0)
        channel.send(events("fresh"))
        server.wait_for_requests(2)

        assert channel.flush(20.0)
        assert (channel.stats()["accepted"], channel.stats()["waiting"]) == (1, 0)


def test_a_segment_is_replayed_in_requests_of_the_usual_size(channel_to, events, journals):
    """Between two of them fresh items have their turn."""
    with IngestionServer() as server:
        journals(server).orphan(*map(str, range(25)))
        channel = channel_to(server, max_batch=10)
        channel.send(events("fresh"))

        server.wait_for_items(26)
        assert [len(request.items) for request in server.requests] == [1, 10, 10, 5]


def test_a_replay_goes_on_under_steady_traffic(channel_to, events, journals):
    """There is always something that is being collected; what others left has a turn after each request."""
    over = threading.Event()
    with IngestionServer(default=Answer(delay=0.05)) as server:
        journals(server).orphan(*map(str, range(5)))
        channel = channel_to(server, interval=0.1)

        def traffic() -> None:
            while not over.wait(0.001):
                channel.send(events("fresh"))

        sending = threading.Thread(target=traffic)
        sending.start()
        try:
            until(lambda: {*map(str, range(5))} <= {*names(server.items)})
        finally:
            over.set()
            sending.join(20.0)


def test_a_replay_that_fails_is_put_back(channel_to, events, journals):
    """Settled items are noted, the others are tried again after the pause."""
    errors = [{"index": 0, "statusCode": 200, "message": ""}, {"index": 1, "statusCode": 503, "message": "later"}]
    answer = Answer(206, body={"itemsReceived": 2, "itemsAccepted": 1, "errors": errors})
    with IngestionServer(Answer(), answer, Answer(503)) as server:
        there = journals(server)
        there.orphan("a", "b")
        channel = channel_to(server)
        channel.send(events("fresh"))

        server.wait_for_requests(4)
        assert [names(request.items) for request in server.requests] == [["fresh"], ["a", "b"], ["b"], ["b"]]
        until(lambda: channel.stats()["replayed"] == 2)
        assert (channel.stats()["accepted"], channel.stats()["retried"]) == (3, 2)
        assert channel.close(20.0)
        assert there.files == []


def test_a_request_of_a_replay_that_is_too_large_is_split(channel_to, events, journals):
    """As any other."""
    with IngestionServer(Answer(), Answer(413)) as server:
        journals(server).orphan("a", "b")
        channel = channel_to(server)
        channel.send(events("fresh"))

        server.wait_for_requests(4)
        assert [names(request.items) for request in server.requests] == [["fresh"], ["a", "b"], ["a"], ["b"]]


def test_the_folder_is_looked_into_again_and_again(channel_to, events, journals, every_tick):
    """Others may be killed at any time."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("fresh"))
        assert channel.flush(20.0)
        journals(server).orphan("later")

        assert names(server.wait_for_items(2)) == ["fresh", "later"]


def test_the_folder_is_looked_into_after_a_recovery(channel_to, events, journals):
    """Without waiting for the minute to end: what was left most likely was because of the same trouble."""
    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send(events("a"))
        assert channel.flush(20.0)
        until(lambda: journals(server).text == HEADER)
        threading.Event().wait(0.1)
        journals(server).orphan("left")
        server.script.append(Answer(503))
        channel.send(events("b"))

        assert names(server.wait_for_items(4)) == ["a", "b", "b", "left"]


def test_what_a_live_channel_has_is_left_alone(channel_to, events, every_tick):
    """However often others look: the lock goes with the process, or with a close."""
    with IngestionServer(HANG) as server:
        holder = channel_to(server, request_timeout=60.0)
        holder.send(events("held"))
        holder.commit()
        server.wait_for_requests(1)
        other = channel_to(server)
        for name in "abc":
            other.send(events(name))
            assert other.flush(20.0)
            threading.Event().wait(0.1)

        assert names(server.items) == ["held", "a", "b", "c"]
        assert other.stats()["replayed"] == 0


def test_damage_costs_only_what_it_hit(channel_to, events, journals):
    """It is counted, and the rest of the file is delivered."""
    with IngestionServer() as server:
        path = journals(server).orphan("a", "b", "c")
        data = path.read_bytes().replace(b'"b"', b'"?"')
        path.write_bytes(data[:-5])
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(2)) == ["fresh", "a"]
        until(lambda: channel.stats()["dropped"] == {"corrupt": 2})
        assert channel.close(20.0)
        assert journals(server).files == []


@pytest.mark.parametrize(
    "content", [b"", HEADER, b"\x00" * 5000, b"nothing of ours\n" * 10], ids=["empty", "header", "zeros", "text"]
)
def test_files_with_nothing_in_them_are_cleared_away(channel_to, events, journals, content: bytes):
    """And the ones after them are delivered."""
    with IngestionServer() as server:
        there = journals(server)
        there.orphan("x", age=100.0).write_bytes(content)
        there.orphan("left", age=-10.0)
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(2)) == ["fresh", "left"]
        assert channel.close(20.0)
        assert there.files == []


def test_a_file_of_another_version_is_left_alone(channel_to, events, journals):
    """Until it is too old for anybody."""
    foreign = record(b"!azfunc-ext-appinsights journal 2") + b"what this means only version 2 knows\n"
    with IngestionServer() as server:
        there = journals(server)
        kept = there.orphan("x", age=47 * HOURS)
        expired = there.orphan("y", age=49 * HOURS)
        for path, age in ((kept, 47), (expired, 49)):
            path.write_bytes(foreign)
            there.date(path, age * HOURS)
        channel = channel_to(server)
        channel.send(events("fresh"))
        assert channel.flush(20.0)
        until(lambda: not expired.exists())

        assert kept.read_bytes() == foreign
        assert channel.stats()["dropped"] == {}


def test_what_is_older_than_the_service_takes_is_deleted_and_counted(channel_to, events, journals):
    """After 48 hours; a file whose time lies ahead is fresh."""
    with IngestionServer() as server:
        there = journals(server)
        there.orphan("too old", "as well", age=49 * HOURS)
        there.orphan("old", age=47 * HOURS)
        there.orphan("ahead", age=-1000 * HOURS)
        channel = channel_to(server)
        channel.send(events("fresh"))

        assert names(server.wait_for_items(3)) == ["fresh", "old", "ahead"]
        assert channel.stats()["dropped"] == {"expired": 2}


def test_a_clock_that_jumps_harms_nothing_that_this_process_holds(channel_to, events, monkeypatch):
    """It does not look at the clock for that."""
    with IngestionServer(Answer(503), Answer(503)) as server:
        channel = channel_to(server)
        channel.send(events("a"))
        channel.commit()
        for module in (orphans, delivery):
            monkeypatch.setattr(module, "time", lambda: time() + 1000 * HOURS)

        assert channel.flush(20.0)
        assert channel.stats()["dropped"] == {}


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
        assert sum(path.stat().st_size for path in there.files) <= 4 * size
        assert channel.stats()["dropped"]["journal_full"] >= 40
        channel.close(0.0)
        until(lambda: caplog.records)
    (warning,) = [r.getMessage() for r in caplog.records if "journal" in r.getMessage()]
    assert warning == (
        f"Telemetry to 127.0.0.1:{server.port}: the journal in {there.path} is full; the oldest items in it are dropped."
    )


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


def test_an_item_that_cannot_be_made_is_said_by_the_thread(channel_to, events, caplog):
    """Not in the invocation that committed it."""

    def broken():
        raise LookupError("no such span")

    with IngestionServer() as server:
        channel = channel_to(server)
        channel.send([broken, b"[1]", b'{"a":1}\n', b"{}", *events("a")])
        channel.commit()
        assert not channel.flush(20.0) or channel.stats()["dropped"]

        assert names(server.wait_for_items(1)) == ["a"]
        assert channel.stats()["dropped"] == {"invalid": 4}
        said = lambda: [r for r in caplog.records if f":{server.port}:" in r.getMessage()]  # noqa: E731
        until(said)
    (record_,) = said()
    assert record_.threadName == "ext_appinsights"
    assert record_.getMessage().endswith("an item could not be made and is left out: LookupError: no such span")
