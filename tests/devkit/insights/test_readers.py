"""Many threads that read at once, and those who are told of what is stored."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ext_devkit.insights.store.pool import MOST_IDLE
from tests.support.insights import envelope, post


def test_threads_read_at_the_same_time(server):
    """Each is inside a statement of its own while the others are."""
    threads = MOST_IDLE + 4
    meeting = threading.Barrier(threads, timeout=10)

    def read(_number):
        with server.store._pool.connection() as connection:
            meeting.wait()
            return connection.execute("SELECT count(*) FROM requests").fetchone()[0]

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(read, range(threads))) == [0] * threads
    assert len(server.store._pool._idle) == MOST_IDLE


def test_a_closed_reader_says_so(server):
    server.close()

    with pytest.raises(ValueError, match="The reader is closed"):
        server.store.count("requests")


def test_who_subscribes_is_told_of_what_was_committed(server):
    told = []
    server.store.subscribe(told.append)
    post(server, [envelope(name="first"), envelope("MessageData")])
    server.store.unsubscribe(told.append)
    post(server, [envelope(name="second")])

    (committed,) = told
    assert [{table: len(rows) for table, rows in one.items()} for one in committed] == [{"requests": 1, "traces": 1}]


def test_a_subscriber_that_fails_stops_nobody(server):
    def fail(_committed):
        raise RuntimeError("boom")

    told = []
    server.store.subscribe(fail)
    server.store.subscribe(told.append)

    status, _ = post(server, [envelope()])
    assert status == 200
    assert len(told) == 1
