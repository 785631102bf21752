"""What was committed is on disk until it is settled, and whoever runs next delivers it."""

from __future__ import annotations

import os
import threading
from hashlib import sha256

import pytest

from ext_appinsights import segment
from ext_appinsights.records import HEADER, record
from tests.support.ingestion import HANG, KEY, Answer, IngestionServer
from tests.support.journals import line_of, names, until

SLOW = {"interval": 600.0}
HOURS = 3600.0


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


def test_a_channel_at_rest_has_no_empty_file_and_can_be_used_on(channel_to, events, journals):
    """A process that a signal ends cannot close it; `flush` alone keeps the file for the next invocation."""
    with IngestionServer() as server:
        channel = channel_to(server)
        for name in "ab":
            channel.send(events(name))
            channel.commit()
            assert channel.flush(20.0)
            assert journals(server).text == HEADER
            channel.rest()
            assert journals(server).files == []

        assert names(server.items) == ["a", "b"]


def test_a_channel_at_rest_keeps_what_is_not_delivered(channel_to, events, journals):
    with IngestionServer() as server:
        channel = channel_to(server, **SLOW)
        channel.send(events("a"))
        channel.commit()
        channel.rest()

        assert journals(server).text == HEADER + record(line_of("a"))
        assert channel.flush(20.0)
        assert names(server.items) == ["a"]


def test_a_segment_that_is_deleted_is_closed(channel_to, events, journals):
    """Its descriptor would be kept until the channel is closed, one for each time that a cleaner comes."""
    with IngestionServer() as server:
        channel = channel_to(server, interval=600.0)
        channel.send(events("a"))
        channel.commit()
        assert channel.flush(20.0)
        journal = channel._sender.journal
        until(lambda: not journal._current.unsettled)
        (path,) = journals(server).files
        path.unlink()
        channel._sender.inbox.claim()

        assert (journal._current, journal._held) == (None, [])
        assert not any(one.name == path.name for one in segment._open)
