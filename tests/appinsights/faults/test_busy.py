"""A service that has too much to do: storms of errors, Retry-After, and answers that take only some of the items."""

from __future__ import annotations

import threading
from email.utils import formatdate
from itertools import cycle, pairwise
from time import monotonic, time

import pytest

from tests.support.faulty import FaultyServer, Plan

STORM = 1.5
"""Seconds; with pauses that are as much shorter than the usual ones, this is a minute's storm."""

BACKOFF = (0.025, 0.2)
"""A fortieth of the usual first pause, and a two hundredth and more of the longest."""


def test_a_storm_of_errors_and_the_recovery(caller_to):
    """The app goes on all the while, the service is asked less and less, and afterwards everything arrives once."""
    statuses = cycle([500, 502, 503])
    with FaultyServer() as server:
        server.choose = lambda _: Plan(next(statuses)) if monotonic() < over else Plan()
        caller = caller_to(server, backoff=BACKOFF)
        over = monotonic() + STORM
        apps_own_time = threading.Event()
        while monotonic() < over:
            caller.send(5)
            apps_own_time.wait(0.02)
        during = [visit.came for visit in server.visits]
        caller.deliver()

        server.check(caller.sent)
        assert set(server.stored.values()) == {1}
    caller.check()
    first, longest = BACKOFF
    for number, (one, next_one) in enumerate(pairwise(during)):
        assert next_one - one >= min(first * 2**number, longest) / 2
    assert len(during) >= 5
    kept = "it cannot take items now; such items are kept."
    assert sorted(caller.said()[:3]) == [
        ("WARNING", f"the service answered {status}: {kept}") for status in (500, 502, 503)
    ]
    assert [level for level, _ in caller.said()[3:]] == ["INFO"]


def in_seconds() -> dict[str, str]:
    return {"Retry-After": "1"}


def as_a_date() -> dict[str, str]:
    return {"Date": formatdate(time(), usegmt=True), "Retry-After": formatdate(time() + 1, usegmt=True)}


def as_a_time_span() -> dict[str, str]:
    return {"Retry-After": "00:00:01"}


@pytest.mark.parametrize(
    ("status", "asked", "journal"),
    [
        (429, in_seconds, "journal"),
        (503, in_seconds, "memory only"),
        (429, as_a_date, "journal"),
        (429, as_a_time_span, "memory only"),
    ],
    indirect=["journal"],
)
def test_no_request_comes_before_the_service_wants_one(caller_to, status: int, asked):
    """By the server's own clock, though the app sends and flushes meanwhile."""
    with FaultyServer(Plan(status, headers=asked())) as server:
        caller = caller_to(server)
        apps_own_time = threading.Event()
        caller.send(10)
        server.wait_for_visits(1)
        while len(server.visits) < 2:
            caller.send(1)
            assert not caller.flush(0.02) or len(server.visits) > 1
            apps_own_time.wait(0.02)
        caller.deliver()

        server.check(caller.sent)
        assert set(server.stored.values()) == {1}
        assert server.visits[1].came - server.visits[0].came >= 1.0
    caller.check()
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


def test_every_third_item_is_not_taken_now(caller_to):
    """Only those are sent again, until all are in; none comes twice."""
    with FaultyServer() as server:
        server.choose = lambda _: Plan(206, items=lambda index: 503 if index % 3 == 2 else 200)
        caller = caller_to(server)
        caller.send(300)
        server.wait_for_visits(3)
        caller.send(31)
        caller.deliver()

        server.check(caller.sent)
        assert set(server.stored.values()) == {1}
        assert len(server.visits) > 3
    caller.check()
    assert caller.said()[0] == (
        "WARNING",
        'the service answered 206, and 503 for items: it cannot take items now; such items are kept. It says: "busy".',
    )
    assert {level for level, _ in caller.said()[1:]} <= {"INFO"}


def test_every_third_item_is_refused_for_good(caller_to):
    """Those are counted and said, and not sent again; the others are stored once."""
    with FaultyServer(default=Plan(206, items=lambda index: 400 if index % 3 == 2 else 200)) as server:
        caller = caller_to(server)
        caller.send(300)
        caller.deliver()

        ids = [name for visit in server.visits for name in visit.ids]
        stored = [name for visit in server.visits for name in visit.stored]
        assert ids == caller.sent
        server.check(stored)
        stats = caller.stats
        assert stats["accepted"] == len(stored)
        assert stats["rejected"] == {400: len(ids) - len(stored)}
        assert stats["waiting"] == 0
    ((level, text),) = caller.said()
    assert (level, text.startswith("the service answered 206, and 400 for items: ")) == ("WARNING", True)


def test_a_mixture_that_changes_with_each_request(caller_to):
    """Some taken, some not now, some never; then a storm, a reset and a pause, then the rest."""
    mixed = Plan(206, items=lambda index: (200, 429, 400)[index % 3])
    with FaultyServer(
        mixed, Plan(503), Plan(fails="in request"), Plan(429, headers={"Retry-After": "1"}), mixed
    ) as server:
        caller = caller_to(server)
        caller.send(90)
        server.wait_for_visits(6)
        caller.deliver()

        refused = [
            name
            for visit in server.visits
            if visit.plan is mixed
            for index, name in enumerate(visit.ids)
            if index % 3 == 2
        ]
        server.check([name for name in caller.sent if name not in refused])
        assert set(server.stored.values()) == {1}
        assert caller.stats["rejected"] == {400: len(refused)}
        assert caller.stats["accepted"] == 90 - len(refused)
