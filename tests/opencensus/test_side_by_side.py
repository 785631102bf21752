"""Invocations, tasks and threads that run beside each other do not mix."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from opencensus.trace import execution_context

from ext_sdk import propagate
from tests.support.lifecycle import TRACEPARENT, Context, invoke, invoke_async

TRACE, CALLER = TRACEPARENT.split("-")[1:3]


def of(trace_parent, trace_state=""):
    return Context(trace_context=SimpleNamespace(trace_parent=trace_parent, trace_state=trace_state))


def test_invocations_that_run_beside_each_other_do_not_mix(memory):
    """Fifty coroutines in one loop: each has its own trace, and its own parents."""

    async def main(req, context):
        with context.tracer.span(f"outer {req}"):
            await asyncio.sleep(0)
            with context.tracer.span(f"inner {req}"):
                await asyncio.sleep(0)
                assert execution_context.get_current_span().name == f"inner {req}"
                assert execution_context.get_opencensus_tracer() is context.tracer

    async def everything():
        await asyncio.gather(
            *(invoke_async(main, req=n, context=of(f"00-{n + 1:032x}-{CALLER}-01")) for n in range(50))
        )

    asyncio.run(everything())
    assert len(memory.spans) == 100
    for number in range(50):
        outer, inner = memory.named(f"outer {number}"), memory.named(f"inner {number}")
        assert outer.context.trace_id == inner.context.trace_id == f"{number + 1:032x}"
        assert (outer.parent_span_id, inner.parent_span_id) == (CALLER, outer.span_id)


def test_threads_and_coroutines_at_once_each_have_their_whole_trace(fresh, server, tmp_path):
    """Two hundred invocations, half of them on pool threads, with a journal: each span arrives once, at its place."""
    fresh.configure(connection_string=server.connection_string, storage_path=str(tmp_path / "kept"))

    def work(req, context):
        with context.tracer.span(f"outer {req}"), context.tracer.span(f"inner {req}"):
            pass

    async def asynchronous(req, context):
        with context.tracer.span(f"outer {req}"):
            await asyncio.sleep(0)
            with context.tracer.span(f"inner {req}"):
                await asyncio.sleep(0)

    def given(number):
        return {"req": number, "context": of(f"00-{number + 1:032x}-{CALLER}-01")}

    async def everything():
        await asyncio.gather(*(invoke_async(asynchronous, **given(number)) for number in range(100)))

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(invoke, work, **given(number)) for number in range(100, 200)]
        asyncio.run(everything())
        assert [one.result() for one in running] == [None] * 100
    assert fresh.shutdown(30.0)

    items = {item["data"]["baseData"]["name"]: item for item in server.items}
    assert len(items) == len(server.items) == 400
    for number in range(200):
        outer, inner = items[f"outer {number}"], items[f"inner {number}"]
        assert outer["tags"]["ai.operation.parentId"] == CALLER
        assert inner["tags"]["ai.operation.parentId"] == outer["data"]["baseData"]["id"]
        assert outer["tags"]["ai.operation.id"] == inner["tags"]["ai.operation.id"] == f"{number + 1:032x}"


def test_tasks_of_one_invocation_are_siblings_and_hand_on_their_own_ids(memory):
    """OpenCensus's tracer would hand on the id of whichever span began last."""
    handed_on = {}

    async def main(req, context):
        async def step(name):
            with context.tracer.span(name) as span:
                await asyncio.sleep(0)
                header = context.tracer.propagator.to_headers(context.tracer.span_context)["traceparent"]
                handed_on[name] = (header.split("-")[2], span.span_id)

        with context.tracer.span("outer"):
            await asyncio.gather(step("one"), step("two"))

    invoke(main, req=1)

    outer = memory.named("outer")
    assert {memory.named(name).parent_span_id for name in ("one", "two")} == {outer.span_id}
    assert all(header == own for header, own in handed_on.values())


def test_a_thread_goes_on_with_the_invocation_by_propagate(memory):
    def main(req, context):
        def work():
            with execution_context.get_opencensus_tracer().span("in thread"):
                pass

        with context.tracer.span("outer"), ThreadPoolExecutor(1) as pool:
            pool.submit(propagate(work)).result()

    invoke(main, req=1)

    assert memory.named("in thread").parent_span_id == memory.named("outer").span_id
