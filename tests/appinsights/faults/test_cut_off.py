"""Refused connections, and connections that end in the middle of a request or of its answer."""

from __future__ import annotations

import pytest

from tests.support.faulty import FaultyServer, Plan, reserved_port

ADVICE = "the items are kept and sent later. Check IngestionEndpoint in the connection string, and the network."


def test_refused_until_the_server_comes_up(caller_to):
    """Items of the time before arrive once, in order, as soon as somebody listens at the port."""
    with reserved_port() as port:
        server = FaultyServer(listener=port)
        caller = caller_to(server)
        for _ in range(20):
            caller.send(5)
        assert not caller.flush(0.2)
        assert not caller.flush(0.0)
        assert caller.stats["waiting"] == 100

        with server:
            caller.deliver()
            server.check(caller.sent)
            assert [name for visit in server.visits for name in visit.stored] == caller.sent
    caller.check()
    (warning, recovery) = caller.said()
    assert warning == (
        "WARNING",
        f"the service cannot be reached (ConnectionRefusedError: [Errno 111] Connection refused); {ADVICE}",
    )
    assert recovery[0] == "INFO"


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("where", ["in request", "before answer", "in answer"])
def test_cut_off_three_times(caller_to, where: str, how: str):
    """What was read as a whole was stored without our knowing it: that, and nothing else, is stored again."""
    with FaultyServer(*[Plan(fails=where, how=how)] * 3) as server:
        caller = caller_to(server)
        caller.send(30)
        server.wait_for_visits(1)
        caller.flush(0.3)
        later = caller.send(30)
        caller.deliver()

        server.check(caller.sent)
        cut = server.visits[:3]
        assert [visit.answered for visit in cut] == [None] * 3
        unknown = {name for visit in cut for name in visit.stored}
        assert {name for name, times in server.stored.items() if times > 1} == unknown
        assert bool(unknown) == (where != "in request")
        assert server.stored[later[-1]] == 1
    caller.check()
    (warning, recovery) = caller.said()
    assert warning[0] == "WARNING"
    assert warning[1].startswith("the service ")
    assert warning[1].endswith(f"; {ADVICE}")
    assert recovery[0] == "INFO"
