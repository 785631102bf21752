"""Processes are killed at random moments, several on one journal: what had ended is delivered by whoever comes next."""

from __future__ import annotations

import os
import threading
from random import Random

from tests.support.caller import Caller
from tests.support.doomed import ITEMS, Nursery
from tests.support.faulty import FaultyServer, Plan, Visit

KILLS = 60
AT_ONCE = 4
LONGEST = 0.4
"""Seconds that a process has to live."""

GRACE = 2.0
"""Seconds for which a request of a dead process may lie in the network on this machine."""


def moods(random: Random):
    """Give a service that is well at times."""

    def choose(_: Visit) -> Plan:
        mood = random.random()
        if mood < 0.1:
            return Plan(503)
        if mood < 0.2:
            return Plan(delay=random.uniform(0.0, 0.3))
        if mood < 0.3:
            return Plan(206, items=lambda index: 503 if index % 3 == 2 else 200)
        if mood < 0.4:
            return Plan(fails=random.choice(["in request", "before answer", "in answer"]))
        return Plan()

    return choose


def lives(random: Random) -> list[tuple[float, float, str, str]]:
    """Return (birth, death, name, kind) of each process: at times alone, at times AT_ONCE of them."""
    born, planned = 0.0, []
    for number in range(KILLS):
        kind = ("sends", "invokes", "fills", "sends", "is_configured")[number % 5]
        planned.append((born, born + random.uniform(0.0, LONGEST), f"p{number}", kind))
        born += random.expovariate(AT_ONCE / LONGEST)
    return planned


def test_what_had_ended_is_stored_whoever_is_killed(tmp_path):
    """Twice only what was in a request of which its process, dead now, may not have had the answer."""
    seed = int(os.environ.get("FAULTS_SEED", "20261122"))
    random = Random(seed)
    journal = str(tmp_path / "journal")
    apps_own_time = threading.Event()
    with FaultyServer() as server, Nursery() as nursery:
        server.choose = moods(Random(seed + 1))
        events = sorted(
            event
            for born, dead, name, kind in lives(random)
            for event in ((born, "start", name, kind), (dead, "kill", name, kind))
        )
        now = 0.0
        for at, what, name, kind in events:
            apps_own_time.wait(at - now)
            now = at
            if what == "start":
                nursery.start(name, kind, server.connection_string, journal)
            else:
                nursery.kill(name)
        assert [line for line in nursery.end().splitlines() if not is_of_the_service(line)] == []
        assert len(nursery.killed) == KILLS

        server.choose = None
        last = Caller(server.connection_string, journal=journal)
        last.send()
        ended = {(name, number) for name in nursery.killed for number in nursery.ended.get(name, ())}
        printed = [f"{name}/{number}/{part}" for name, number in ended for part in range(ITEMS)]
        server.wait_for(printed)
        # What is left is of invocations that were being written; the last one's own file goes when it is closed.
        server.wait_until(lambda: len(files(journal)) <= 1)
        assert last.close(20.0)

        server.check([*printed, *last.sent], killed=nursery.killed, others=True, grace=GRACE)
        check_that_nobody_made_anything_up(server, set(printed) | set(last.sent), nursery)
        assert files(journal) == []
    print(figures(server, printed, nursery))


def is_of_the_service(line: str) -> bool:
    """Tell whether a process said what it should of such a service, and nothing of itself or of the journal."""
    return line.startswith("Telemetry to ") and ": the service " in line


def files(journal: str) -> list[str]:
    return [name for _, _, names in os.walk(journal) for name in names]


def check_that_nobody_made_anything_up(server: FaultyServer, known: set[str], nursery: Nursery) -> None:
    """Of each process at most one invocation more than it said had ended can have left anything."""
    more: dict[str, set[str]] = {}
    for name in server.stored:
        if name not in known:
            process, number, part = name.split("/")
            assert process in nursery.killed
            assert int(part) < ITEMS
            more.setdefault(process, set()).add(number)
    assert [process for process, numbers in more.items() if len(numbers) > 1] == []


def figures(server: FaultyServer, printed: list[str], nursery: Nursery) -> str:
    """Say how much of what was stored more than once is the server's doing, and how much that of the kills."""
    first: dict[str, Visit] = {}
    repeated: list[Visit] = []
    for visit in server.visits:
        repeated += [first[name] for name in visit.stored if name in first]
        first.update(dict.fromkeys(visit.stored, visit))
    overtaken = [v for v in repeated if v.answered is not None]
    before = max((1000 * (nursery.killed_at[v.process] - v.answered) for v in overtaken), default=0.0)
    return (
        f"{len(nursery.killed)} kills, {len(printed)} items of ended invocations, {len(server.visits)} requests, "
        f"{len(repeated)} times an item was stored again, {len(overtaken)} of them after an answer that a kill "
        f"overtook, {before:.1f} ms at most after it"
    )
