"""What other processes have left is delivered when there is nothing fresher to do."""

from __future__ import annotations

import threading
from time import time

import pytest

from ext_appinsights import delivery, orphans
from ext_appinsights.records import HEADER, record
from tests.support.ingestion import HANG, Answer, IngestionServer
from tests.support.journals import names, until

SLOW = {"interval": 600.0}
HOURS = 3600.0


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
