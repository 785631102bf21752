"""A service that stops in the middle, at each of the places where a client can be left waiting."""

from __future__ import annotations

import base64
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.faulty import FaultyServer, Plan, full_backlog

PATIENCE = 0.3
TIMED_OUT = (
    f"the service did not answer within {PATIENCE} s; the items are kept and sent later. "
    "Check IngestionEndpoint in the connection string, and the network."
)


def use_while_it_hangs(caller) -> None:
    """An app goes on as if nothing had happened."""
    for _ in range(10):
        caller.send(10)
    for timeout in (0.0, 0.1, 0.5):
        assert not caller.flush(timeout)
        caller.send(10)


def test_hanging_at_connect(caller_to):
    """The kernel does not even answer the first packet, because the listener's backlog is full."""
    with full_backlog() as listener:
        server = FaultyServer(listener=listener)
        caller = caller_to(server, request_timeout=PATIENCE)
        use_while_it_hangs(caller)
        while caller.stats["requests"] < 2:
            caller.flush(0.1)

        with server:
            caller.deliver()
            server.check(caller.sent)
    caller.check()
    assert caller.said()[0] == ("WARNING", TIMED_OUT)
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


@pytest.mark.parametrize(
    "slow",
    [
        Plan(fails="before answer", how="hang"),
        Plan(fails="in answer", how="hang"),
        Plan(trickle=0.02),
    ],
    ids=["at the headers", "in the body", "trickling"],
)
def test_hanging_at_the_answer(caller_to, slow: Plan):
    """The items were stored, which nobody can know: those of the requests that hung are stored again."""
    with FaultyServer(default=slow) as server:
        caller = caller_to(server, request_timeout=PATIENCE)
        use_while_it_hangs(caller)
        server.wait_for_visits(2)
        server.default = Plan()
        caller.deliver()

        server.check(caller.sent)
        hung = {name for visit in server.visits if visit.plan is slow for name in visit.stored}
        assert {name for name, times in server.stored.items() if times > 1} == hung
    caller.check()
    assert caller.said()[0] == ("WARNING", TIMED_OUT)
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


def test_hanging_at_the_request(caller_to):
    """The server stops reading, and the network's buffers are full; nothing of it was stored."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with FaultyServer(default=Plan(fails="in request", how="hang"), listener=listener) as server:
        caller = caller_to(server, request_timeout=1.0, max_batch=10_000, max_batch_bytes=100_000_000)
        for _ in range(900):
            caller.send(1, ballast=base64.b85encode(os.urandom(6400)).decode())
        use_while_it_hangs(caller)
        server.wait_for_visits(2)
        server.default = Plan()
        caller.deliver()

        server.check(caller.sent)
        assert set(server.stored.values()) == {1}
    caller.check()
    assert caller.said()[0] == ("WARNING", TIMED_OUT.replace("0.3", "1"))
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


def test_many_threads_go_on_while_it_hangs(caller_to):
    """Also those that commit at the same time."""
    with FaultyServer(default=Plan(fails="before answer", how="hang")) as server:
        caller = caller_to(server, request_timeout=PATIENCE)

        def work() -> bool:
            for _ in range(40):
                caller.send(3)
            return caller.flush(0.2)

        with ThreadPoolExecutor(8) as threads:
            assert [each.result() for each in [threads.submit(work) for _ in range(8)]] == [False] * 8
        server.default = Plan()
        caller.deliver()
        server.check(caller.sent)
    caller.check()


def test_a_whole_app_waits_at_most_once_for_each_flush(caller_to):
    """Also with a request that may take longer than anybody wants to wait."""
    with FaultyServer(default=Plan(fails="before answer", how="hang")) as server:
        caller = caller_to(server, request_timeout=60.0)
        for timeout in (0.5, 0.2, 0.0):
            caller.send(3)
            assert not caller.flush(timeout)
        assert not caller.close(0.3)
        assert len(server.visits) == 1
