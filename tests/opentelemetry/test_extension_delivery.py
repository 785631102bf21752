"""When an invocation's end delivers, as the setting `flush` says; ext_appinsights' own tests have the policy in full."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ext_opentelemetry import invocations
from tests.support.ingestion import Answer, IngestionServer
from tests.support.invocations import ITEMS, request
from tests.support.lifecycle import invoke, invoke_async


def ask():
    return invoke(lambda req: "x", trigger=ITEMS, req=request())


def test_a_rare_invocation_has_delivered_when_it_answers(fresh, server):
    """The process may be frozen right afterwards."""
    fresh.configure(connection_string=server.connection_string, flush_budget=20.0)

    ask()
    assert len(server.items) == 1


def test_those_that_follow_soon_leave_it_to_the_timer(fresh, server):
    """They are frequent, so there is a next one."""
    fresh.configure(connection_string=server.connection_string, flush_budget=20.0)

    for _ in range(5):
        ask()
    assert len(server.requests) == 1
    assert len(server.wait_for_items(5)) == 5


def test_each_invocation_can_be_made_to_deliver(fresh, server):
    """`flush="invocation"`."""
    fresh.configure(connection_string=server.connection_string, flush="invocation", flush_budget=20.0)

    for number in range(1, 4):
        ask()
        assert len(server.items) == number


def test_delivery_can_be_left_to_the_timer_alone(fresh, server):
    """`flush="background"`: the first one does not wait either, whatever the budget."""
    fresh.configure(connection_string=server.connection_string, flush="background", flush_budget=20.0)

    ask()
    assert server.requests == []
    assert len(server.wait_for_items(1)) == 1


def test_what_is_configured_while_a_function_runs_delivers_its_span_too(fresh):
    """Spans go to where the last `configure` says when they end, so that is what the end has to deliver."""
    with IngestionServer() as before, IngestionServer() as after:

        def main(req):
            fresh.configure(connection_string=after.connection_string, flush="invocation", flush_budget=20.0)
            return ask()

        fresh.configure(connection_string=before.connection_string, flush="invocation", flush_budget=20.0)
        assert invoke(main, trigger=ITEMS, req=request()) == "x"
        assert (len(before.items), len(after.items)) == (0, 2)


def test_an_async_function_starts_delivery_and_does_not_wait_for_it(fresh):
    """Its event loop serves others meanwhile."""
    with IngestionServer(Answer(delay=1.0)) as server:
        fresh.configure(connection_string=server.connection_string, flush_budget=20.0)

        async def main(req):
            return "x"

        async def timed():
            loop = asyncio.get_running_loop()
            started = loop.time()
            await invoke_async(main, trigger=ITEMS, req=request())
            return loop.time() - started

        assert asyncio.run(timed()) < 1.0
        assert len(server.wait_for_items(1)) == 1


def test_a_service_that_never_answers_costs_one_budget(fresh):
    """The next ones do not wait before a delivery has succeeded."""
    with IngestionServer(default=Answer(hang=True)) as server:
        fresh.configure(connection_string=server.connection_string, flush_budget=0.3)
        waits = []
        ask()
        policy = fresh._pipeline.policy
        policy._clock = lambda: float("inf")  # each one is rare
        fresh._pipeline.flush = waits.append
        policy._watched = True

        for _ in range(3):
            assert ask() == "x"
        assert waits == []


@pytest.mark.parametrize("broken", ["commit", "flush", "kick"])
def test_a_delivery_that_raises_stays_with_us(fresh, server, caplog, monkeypatch, broken: str):
    """The function has answered already, and its telemetry goes on."""
    monkeypatch.setattr(invocations, "_said", set())
    fresh.configure(connection_string=server.connection_string)

    def fail(*_):
        raise OSError("no space left")

    async def main(req):
        return "x"

    ask()
    monkeypatch.setattr(fresh._pipeline, broken, fail)
    fresh._pipeline.policy._clock = lambda: float("inf")
    assert [ask(), ask(), invoke(main, trigger=ITEMS, req=request())] == ["x"] * 3

    assert fresh._pipeline.policy._running == 0
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["Telemetry is not kept (said once): OSError: no space left"] * (broken == "commit")
