"""A hundred invocations at once with fifty lines, events and measurements each: none lost, none twice, none mixed up."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from ext_opentelemetry import AppInsightsSpanExporter
from ext_sdk import propagate
from ext_telemetry import track_event, track_metric
from tests.support.lifecycle import Context

AT_ONCE, LINES = 100, 50
shop = logging.getLogger("shop")


def context_of(number):
    parent = SimpleNamespace(trace_parent=f"00-{number:032x}-{number:016x}-01", trace_state="", attributes={})
    return Context(invocation_id=str(number), trace_context=parent)


def tell(number, line):
    """Log, track an event and measure; of one invocation each."""
    shop.info("%d/%d", number, line)
    track_event("packed", {"part": f"{number}/{line}"})
    track_metric("parts", 1, {"number": str(number)}, kind="counter")


def test_a_hundred_invocations_at_once(lines, fresh):
    exporter = AppInsightsSpanExporter(lines.server.connection_string, journal=False)
    fresh.configure(exporter=exporter)
    meeting = threading.Barrier(AT_ONCE // 2)

    def sync(number):
        def work():
            meeting.wait(30.0)
            for line in range(LINES - 10):
                tell(number, line)
            with ThreadPoolExecutor(2) as pool:
                list(propagate(pool).map(lambda line: tell(number, line), range(LINES - 10, LINES)))

        lines.run(work, context=context_of(number))

    async def one(number):
        async def work():
            for line in range(LINES):
                tell(number, line)
                await asyncio.sleep(0)

        await lines.run_async(work, context=context_of(number))

    async def all_async(numbers):
        await asyncio.gather(*map(one, numbers))

    with ThreadPoolExecutor(AT_ONCE // 2) as pool:
        jobs = [pool.submit(sync, number) for number in range(1, AT_ONCE, 2)]
        asyncio.run(all_async(range(2, AT_ONCE + 1, 2)))
        for job in jobs:
            job.result(60.0)

    expected = Counter(
        (f"{number:032x}", f"{number}/{line}") for number in range(1, AT_ONCE + 1) for line in range(LINES)
    )
    assert found_in(lines.items(), lambda data: data["message"]) == expected
    assert found_in(lines.items("EventData"), lambda data: data["properties"]["part"]) == expected
    counted = Counter()
    for one in lines.items("MetricData"):
        data = one["data"]["baseData"]
        if data["metrics"][0]["name"] == "parts":
            counted[data["properties"]["number"]] += data["metrics"][0]["value"]
    exporter.channel.close(5.0)
    assert counted == {str(number): LINES for number in range(1, AT_ONCE + 1)}


def found_in(items, text):
    return Counter((one["tags"]["ai.operation.id"], text(one["data"]["baseData"])) for one in items)
