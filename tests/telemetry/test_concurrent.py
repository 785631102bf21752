"""Many invocations at once, sync and async mixed: everything belongs to its own, nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ext_sdk import lifecycle, propagate, registry
from ext_telemetry import track_event, track_metric
from tests.support.lifecycle import Context, prepare

INVOCATIONS, EACH = 100, 50


def context_of(number):
    trace_id = f"{number + 1:032x}"
    context = Context(invocation_id=f"i{number}")
    context.trace_context.trace_parent = f"00-{trace_id}-b7ad6b7169203331-01"
    return context


def events(context, number):
    for index in range(EACH):
        if index % 2:
            track_event("e", {"invocation": number, "index": index})
        else:
            context.telemetry.track_event("e", {"invocation": number, "index": index})
        track_metric("orders", 1, {"invocation": number}, "counter")
        yield


def sync_one(req, context):
    for _ in events(context, req):
        pass


async def async_one(req, context):
    for index, _ in enumerate(events(context, req)):
        if index % 10 == 0:
            await asyncio.sleep(0)
    await asyncio.to_thread(propagate(lambda: context.telemetry.track_event("e", {"invocation": req, "index": "last"})))


@pytest.mark.timeout(120)
def test_a_hundred_invocations_at_once(sent):
    async def all_of_them():
        functions = [prepare(sync_one), prepare(async_one)]
        plans = [registry.plan_for(function)[1] for function in functions]
        loop = asyncio.get_running_loop()

        def one(number):
            args = {"req": number, "context": context_of(number)}
            if number % 2:
                return lifecycle.run_async(functions[1], plans[1], args)
            return loop.run_in_executor(None, lifecycle.run, functions[0], plans[0], args)

        await asyncio.gather(*(one(number) for number in range(INVOCATIONS)))

    asyncio.run(all_of_them())

    requests = {one.tags["ai.operation.id"]: one.id for one in sent.of("RequestData")}
    found = sent.of("EventData")
    counted = Counter((one.properties["invocation"], one.properties["index"]) for one in found)
    expected = {(str(number), str(index)) for number in range(INVOCATIONS) for index in range(EACH)}
    expected |= {(str(number), "last") for number in range(1, INVOCATIONS, 2)}
    assert set(counted) == expected
    assert set(counted.values()) == {1}
    for one in found:
        trace_id = f"{int(one.properties['invocation']) + 1:032x}"
        assert (one.tags["ai.operation.id"], one.tags["ai.operation.parentId"]) == (trace_id, requests[trace_id])
    metrics = {point.properties["invocation"]: point.metrics[0]["value"] for point in sent.of("MetricData")}
    assert metrics == {str(number): EACH for number in range(INVOCATIONS)}
