"""A million items in a burst: memory stays bounded, no caller waits, and each item is accounted for."""

from __future__ import annotations

from tests.support.apps import run_app
from tests.support.faulty import FaultyServer, Plan

MILLION = 1_000_000

GROWTH = 64
"""MiB by which the process may grow: what waits is 20,000 items and 16 MiB of JSON at most, and there is a request or
two under way. All of them would be 400 MiB."""

SLOWEST = 1.0
"""Seconds that one send or commit may take, when two cores do all of this and other people's work; see `report`."""

BURST = """
from time import perf_counter
from tests.support.caller import Caller, peak_rss

caller = Caller(arguments["target"], journal=arguments["journal"], request_timeout=2.0, journal_max_bytes=16 * 2**20)
channel, slowest, slowest_commit = caller.channel, 0.0, 0.0
caller.send(1)
caller.flush(0.3)
before = peak_rss()
start = '{"name":"Microsoft.ApplicationInsights.Event","time":"2026-01-02T03:04:05.000000Z","tags":{"ai.cloud.role":"shop",' \\
    '"ai.operation.id":"0af7651916cd43dd8448eb211c80319c"},"data":{"baseType":"EventData","baseData":{"ver":2,"name":"'
end = '","properties":{"customer":"0123456789","region":"westeurope","outcome":"success","attempt":"1"}}}}'
began = perf_counter()
for number in range(arguments["items"]):
    line = f"{start}{number}{end}".encode()
    started = perf_counter()
    channel.send((line,))
    took = perf_counter() - started
    if took > slowest:
        slowest = took
    if number % 100 == 99:
        started = perf_counter()
        channel.commit()
        slowest_commit = max(slowest_commit, perf_counter() - started)
took = perf_counter() - began
grown = peak_rss() - before
closed = caller.close(0.2)
deadline = time.monotonic() + 20
while caller.stats["waiting"] and time.monotonic() < deadline:
    time.sleep(0.02)
report(first=caller.sent, stats=caller.stats, grown=grown, slowest=slowest, slowest_commit=slowest_commit, took=took)
"""


def burst(server: FaultyServer, journal: str | bool) -> dict:
    """Run the app; what it found is printed, for who wants the figures."""
    found = run_app(BURST, target=server.connection_string, journal=journal, items=MILLION)
    print(found)
    assert found["grown"] < GROWTH
    assert found["slowest"] < SLOWEST
    assert found["slowest_commit"] < SLOWEST
    return found


def test_in_memory_only_while_the_service_hangs():
    """The oldest go, and are counted."""
    with FaultyServer(default=Plan(fails="before answer", how="hang")) as server:
        stats = burst(server, journal=False)["stats"]
    assert stats["accepted"] == stats["waiting"] == 0
    assert sum(stats["dropped"].values()) == MILLION + 1
    assert stats["dropped"]["queue_full"] >= MILLION - 20_001 - 500  # the request under way, which is filled up again


OUT_OF_THE_JOURNAL = {"journal_full", "expired", "corrupt"}

LAST = """
from tests.support.caller import Caller

def files():
    return [name for _, _, names in os.walk(arguments["journal"]) for name in names]

caller = Caller(arguments["target"], journal=arguments["journal"])
caller.send(1)
deadline = time.monotonic() + 40
while len(files()) > 1 and time.monotonic() < deadline:
    time.sleep(0.05)
closed = caller.close(5.0)
report(sent=caller.sent, stats=caller.stats, closed=closed, left=files())
"""


def test_with_a_journal_and_a_service_that_is_busy_at_times(tmp_path):
    """What memory has no room for is on disk, as far as there is room; the next process delivers it."""
    journal = str(tmp_path / "journal")
    with FaultyServer() as server:
        server.choose = lambda visit: Plan(503 if visit.number % 3 == 0 else 200, delay=0.05)
        found = burst(server, journal=journal)
        stats = found["stats"]
        others = sum(items for reason, items in stats["dropped"].items() if reason not in OUT_OF_THE_JOURNAL)
        assert stats["accepted"] - stats["replayed"] + stats["spilled"] + others == MILLION + 1
        assert stats["waiting"] == others == 0

        server.choose = None
        last = run_app(LAST, target=server.connection_string, journal=journal)
        assert last["closed"]
        assert last["left"] == []
        full = sum(each["stats"]["dropped"].get("journal_full", 0) for each in (found, last))
        server.check([*found["first"], *last["sent"]], others=True)
        assert set(server.stored.values()) == {1}
        assert len(server.stored) == MILLION + 2 - full
        assert stats["dropped"].keys() | last["stats"]["dropped"].keys() <= {"journal_full"}
