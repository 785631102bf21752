"""The wall clock jumps by days while items wait: no item is lost by it, and no pause gets longer or shorter."""

from __future__ import annotations

import signal
from email.utils import formatdate
from time import time

import pytest

from tests.support.apps import run_app
from tests.support.faulty import FaultyServer, Plan

DAYS = 3 * 86_400.0
PAUSE = 1

CLOCK = """
real, real_ns, ahead = time.time, time.time_ns, [arguments["first"]]
time.time = lambda: real() + ahead[0]
time.time_ns = lambda: real_ns() + int(ahead[0] * 1e9)

from tests.support.caller import Caller
caller = Caller(arguments["target"], journal=arguments["journal"])
"""

JUMP = """
caller.send(50)
while caller.stats["requests"] < 2:
    caller.flush(0.05)
ahead[0] = arguments["then"]
caller.send(50)
caller.deliver()
report(sent=caller.sent, stats=caller.stats, closed=caller.close(5.0), over=caller.over)
"""

IS_KILLED = """
caller.send(20)
report(sent=caller.sent)
os.kill(os.getpid(), signal.SIGKILL)
"""

TAKES_OVER = """
caller.send(1)
deadline = time.monotonic() + 30
while not (found := caller.stats)["replayed"] and not found["dropped"] and time.monotonic() < deadline:
    caller.flush(0.05)
    time.sleep(0.02)
caller.deliver()
report(sent=caller.sent, stats=caller.stats, closed=caller.close(5.0))
"""


def busy_until_a_date() -> Plan:
    """Say by a date when to come back, as a server does whose clock is right."""
    now = int(time())
    dates = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + PAUSE, usegmt=True)}
    return Plan(429, headers=dates)


@pytest.mark.parametrize(
    ("first", "then", "journal"), [(0.0, DAYS, True), (0.0, -DAYS, True), (DAYS, 0.0, False), (-DAYS, 0.0, True)]
)
def test_the_clock_jumps_while_items_wait(tmp_path, first: float, then: float, journal: bool):
    """A date to come back at is a pause by the server's own clock."""
    with FaultyServer(Plan(503), Plan(503), busy_until_a_date()) as server:
        found = run_app(
            CLOCK + JUMP,
            target=server.connection_string,
            journal=journal and str(tmp_path / "journal"),
            first=first,
            then=then,
        )
        server.check(found["sent"])
        assert set(server.stored.values()) == {1}
        assert server.visits[3].came - server.visits[2].came >= PAUSE
    assert found["closed"]
    stats = found["stats"]
    assert (stats["accepted"], stats["dropped"], stats["waiting"]) == (100, {}, 0)


@pytest.mark.parametrize("ahead", [0.0, -DAYS])
def test_items_of_a_killed_process_from_the_future_are_taken_over(tmp_path, ahead: float):
    """A clock that is behind makes no file old."""
    found = take_over(tmp_path, ahead)
    assert (found["stats"]["replayed"], found["stats"]["dropped"]) == (20, {})


def test_items_of_a_killed_process_that_seem_too_old_are_counted(tmp_path):
    """Nobody can tell a clock that is three days ahead from a process that was killed three days ago."""
    found = take_over(tmp_path, DAYS)
    assert (found["stats"]["replayed"], found["stats"]["dropped"]) == (0, {"expired": 20})


def take_over(tmp_path, ahead: float) -> dict:
    common = {"journal": str(tmp_path / "journal"), "first": 0.0}
    with FaultyServer(default=Plan(fails="in request", how="hang")) as server:
        killed = run_app(CLOCK + IS_KILLED, status=-signal.SIGKILL, target=server.connection_string, **common)
        server.default = Plan()
        found = run_app(CLOCK + TAKES_OVER, target=server.connection_string, **(common | {"first": ahead}))
        expired = found["stats"]["dropped"]
        server.check(found["sent"] if expired else [*killed["sent"], *found["sent"]])
        assert set(server.stored.values()) == {1}
    assert found["closed"]
    return found
