"""Events: what arrives, to which operation it belongs, and what becomes of wrong use."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf, nan

import pytest
from opentelemetry import trace

from ext_sdk import propagate
from ext_telemetry import track_event
from tests.support.invocations import ITEMS, PARENT, TRACE, request, sync_and_async
from tests.support.lifecycle import Context, invoke

TRACE_ID, PARENT_ID = f"{TRACE:032x}", f"{PARENT:016x}"


def run(function, form=0, **more):
    return invoke(sync_and_async(function)[form], trigger=ITEMS, req=request(), **more)


def request_id(sent):
    return sent.one("RequestData").id


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_an_event_has_a_name_properties_and_measurements(sent, form):
    run(lambda _req, context: context.telemetry.track_event("order placed", {"tenant": "a"}, {"value": 12.5}), form)

    event = sent.one("EventData")
    assert (event.name, event.properties, event.measurements) == ("order placed", {"tenant": "a"}, {"value": 12.5})
    assert event.item["name"] == "Microsoft.ApplicationInsights.Event"


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
@pytest.mark.parametrize("how", ["module", "context"])
def test_an_event_belongs_to_its_invocation(sent, form, how):
    def main(_req, context):
        (track_event if how == "module" else context.telemetry.track_event)("x")

    run(main, form)

    tags = sent.one("EventData").tags
    assert tags["ai.operation.id"] == TRACE_ID
    assert tags["ai.operation.parentId"] == request_id(sent)
    assert tags["ai.operation.name"] == "GET /api/items/{id}"


@pytest.mark.parametrize("how", ["module", "context"])
def test_an_event_in_a_span_is_a_child_of_it(sent, how):
    def main(_req, context):
        with context.tracer.span("part"):
            (track_event if how == "module" else context.telemetry.track_event)("x")

    run(main)

    part = sent.one("RemoteDependencyData")
    assert sent.one("EventData").tags["ai.operation.parentId"] == part.id


def test_a_plain_thread_belongs_to_the_invocation_of_its_context_telemetry(sent):
    """Without `propagate`; the module's function knows of no invocation there."""

    def main(_req, context):
        def work():
            context.telemetry.track_event("of context")
            track_event("of module")

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    run(main)

    found = {event.name: event.tags for event in sent.of("EventData")}
    assert found["of context"]["ai.operation.parentId"] == request_id(sent)
    assert "ai.operation.id" not in found["of module"]


def test_a_propagated_thread_belongs_to_the_span_it_was_started_in(sent):
    def main(_req, context):
        with ThreadPoolExecutor(1) as pool, context.tracer.span("part"):
            propagate(pool).submit(lambda: context.telemetry.track_event("x")).result()

    run(main)

    assert sent.one("EventData").tags["ai.operation.parentId"] == sent.one("RemoteDependencyData").id


def test_the_telemetry_of_one_invocation_used_in_another_belongs_to_the_first(sent):
    """Kept in a global, by mistake or for a purpose."""
    kept = []
    run(lambda _req, context: kept.append(context.telemetry), context=Context(invocation_id="first"))
    other = "00-" + "9" * 32 + "-" + "8" * 16 + "-01"

    def second(_req, context):
        context.trace_context.trace_parent = other
        kept[0].track_event("x")

    context = Context(invocation_id="second")
    context.trace_context.trace_parent = other
    run(second, context=context)

    assert sent.one("EventData").tags["ai.operation.id"] == TRACE_ID


def test_without_an_invocation_span_it_belongs_to_what_the_host_reports(sent, fresh):
    """The operation's name is the function's, as the host has it."""
    string = sent._server.connection_string
    fresh.configure(connection_string=string, journal=False, flush="background", invocation_span="none")
    run(lambda _req, context: context.telemetry.track_event("x"))

    tags = sent.one("EventData").tags
    assert (tags["ai.operation.id"], tags["ai.operation.parentId"]) == (TRACE_ID, PARENT_ID)
    assert tags["ai.operation.name"] == "HttpTrigger"


def test_an_operation_that_is_not_sampled_has_no_events(sent, fresh):
    """From its own thread and from others."""
    string = sent._server.connection_string
    fresh.configure(connection_string=string, journal=False, flush="background", sampling_ratio=0.0)

    def main(_req, context):
        track_event("module")
        context.telemetry.track_event("context")
        thread = threading.Thread(target=context.telemetry.track_event, args=("thread",))
        thread.start()
        thread.join()

    run(main)

    assert sent.all() == []


def test_an_event_before_the_first_invocation_is_kept_for_it(sent):
    track_event("imported", {"at": 1})
    run(lambda _req, _context: None)

    event = sent.one("EventData")
    assert (event.name, event.properties) == ("imported", {"at": "1"})
    assert "ai.operation.id" not in event.tags


def test_properties_are_as_they_were(sent):
    """What the function changes later changes nothing; what is no text is JSON; None is left out."""

    def main(_req, context):
        found = {"list": [1, "a"], "map": {"b": None}, "yes": True, "none": None, 5: 1.5, "text": "x"}
        context.telemetry.track_event("x", found)
        found["list"].append(2)
        found["text"] = "y"

    run(main)

    properties = sent.one("EventData").properties
    assert json.loads(properties.pop("list")) == [1, "a"]
    assert json.loads(properties.pop("map")) == {"b": None}
    assert properties == {"yes": "true", "5": "1.5", "text": "x"}


def test_properties_cannot_make_another_item_of_it(sent):
    names = ("exception.type", "microsoft.availability.id", "microsoft.custom_event.name")
    run(lambda _req, context: context.telemetry.track_event("x", dict.fromkeys(names, "y")))

    event = sent.one("EventData")
    assert (event.name, event.properties) == ("x", {name.replace(".", "_"): "y" for name in names})


def test_a_name_of_more_than_512_characters_is_cut_off(sent):
    run(lambda _req, context: context.telemetry.track_event("n" * 513))

    assert sent.one("EventData").name == "n" * 512


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("",), "the name of an event is '', not a text."),
        ((" ",), "the name of an event is ' ', not a text."),
        ((None,), "the name of an event is None, not a text."),
        ((7,), "the name of an event is 7, not a text."),
        (("x", "y"), "properties are 'y', not a dict."),
        (("x", {}, 5), "measurements are 5, not a dict."),
    ],
)
def test_what_is_no_event_is_left_out_and_said_once(sent, warnings_of, arguments, why):
    def main(_req, context):
        for _ in range(3):
            context.telemetry.track_event(*arguments)

    run(main)

    line = main.__code__.co_firstlineno + 2
    text = f"track_event at {__file__}:{line} left its item out (said once for what is wrong): {why}"
    assert warnings_of() == [text]
    assert sent.of("EventData") == []


@pytest.mark.parametrize("wrong", [nan, inf, "5", None, 10**400])
def test_a_measurement_that_is_no_number_is_left_out_alone(sent, warnings_of, wrong):
    run(lambda _req, context: context.telemetry.track_event("x", None, {"good": 1, "bad": wrong}))

    assert sent.one("EventData").measurements == {"good": 1}
    (text,) = warnings_of()
    assert "left a measurement out, and keeps the item (said once): measurement 'bad' is " in text
    assert text.endswith(", not a finite number.")


def test_hostile_values_do_not_reach_the_function(sent):
    class Hostile:
        def __str__(self):
            raise RuntimeError

        __repr__ = __hash__ = __str__
        __float__ = __str__

    def main(_req, context):
        context.telemetry.track_event(Hostile())
        context.telemetry.track_event("x", {"hostile": Hostile()}, {"hostile": Hostile()})
        context.telemetry.track_event("y", Hostile())
        return "done"

    assert run(main) == "done"
    assert [event.name for event in sent.of("EventData")] == ["x"]


def test_concurrent_tasks_do_not_mix(sent):
    async def main(req, context):
        async def step(name):
            with context.tracer.span(name):
                await asyncio.sleep(0)
                track_event(name)

        await asyncio.gather(*(step(f"s{number}") for number in range(20)))

    invoke(main, trigger=ITEMS, req=request())

    spans = {span.name: span.id for span in sent.of("RemoteDependencyData")}
    assert {event.name: event.tags["ai.operation.parentId"] for event in sent.of("EventData")} == spans


def test_a_span_of_another_trace_has_the_events_of_the_module_and_not_those_of_the_context(sent):
    def main(_req, context):
        with trace.get_tracer("x").start_as_current_span(
            "other", context=trace.set_span_in_context(trace.INVALID_SPAN)
        ):
            track_event("module")
            context.telemetry.track_event("context")

    run(main)

    found = {event.name: event.tags["ai.operation.id"] for event in sent.of("EventData")}
    assert found["context"] == TRACE_ID != found["module"]
