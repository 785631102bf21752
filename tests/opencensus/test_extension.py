"""Every invocation has a tracer that continues its caller's trace, whatever becomes of it, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from types import SimpleNamespace

import pytest
from opencensus.trace import execution_context
from opencensus.trace.samplers import AlwaysOnSampler
from opencensus.trace.span import Span
from opencensus.trace.tracer import Tracer
from opencensus.trace.tracers.noop_tracer import NoopTracer

from tests.support.invocations import sync_and_async
from tests.support.lifecycle import TRACEPARENT, Context, invoke, invoke_async

TRACE, CALLER = TRACEPARENT.split("-")[1:3]


def of(trace_parent, trace_state=""):
    return Context(trace_context=SimpleNamespace(trace_parent=trace_parent, trace_state=trace_state))


def current():
    return execution_context.get_opencensus_full_context()


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_spans_continue_the_callers_trace_one_inside_the_other(memory, form):
    def function(_req, context):
        assert isinstance(context.tracer, Tracer)
        with context.tracer.span("outer") as outer:
            outer.add_attribute("rows", 7)
            with context.tracer.span(name="inner"):
                assert context.tracer.current_span().name == "inner"
        return "done"

    assert invoke(sync_and_async(function)[form], req=1) == "done"

    inner, outer = memory.spans
    assert (inner.name, outer.name) == ("inner", "outer")
    assert (outer.context.trace_id, outer.parent_span_id, inner.parent_span_id) == (TRACE, CALLER, outer.span_id)
    assert outer.attributes == {"rows": 7}
    assert outer.start_time <= inner.start_time <= inner.end_time <= outer.end_time


@pytest.mark.parametrize(
    "traceparent",
    [
        None, "", "nonsense", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{CALLER}-01",
        f"00-{TRACE}-{CALLER}-01-more", f"01-{TRACE}-{CALLER}-01-{'x' * 500}", 7,
    ],
)  # fmt: skip
def test_without_a_caller_there_is_a_new_trace(memory, traceparent):
    for _ in range(2):
        invoke(
            lambda req, context: context.tracer.span("work").__exit__(None, None, None), req=1, context=of(traceparent)
        )

    one, other = memory.spans
    assert len(one.context.trace_id) == 32
    assert one.context.trace_id not in (other.context.trace_id, TRACE)
    assert one.parent_span_id is None


@pytest.mark.parametrize("flags", ["01", "00", "0a", "ff"])
def test_whatever_the_flags_say_everything_is_recorded_and_handed_on_so(memory, flags):
    """The original fails with flags that are no decimal number; and by default it samples all."""

    def function(req, context):
        with context.tracer.span("work"):
            return context.tracer.propagator.to_headers(context.tracer.span_context)

    headers = invoke(function, req=1, context=of(f"00-{TRACE}-{CALLER}-{flags}", "vendor=1"))

    (span,) = memory.spans
    assert headers == {"traceparent": f"00-{TRACE}-{span.span_id}-01", "tracestate": "vendor=1"}


def test_a_later_version_of_traceparent_may_say_more(memory):
    context = of(f"01-{TRACE}-{CALLER}-01-more")

    invoke(lambda req, context: context.tracer.span("work").__exit__(None, None, None), req=1, context=context)

    assert (memory.named("work").context.trace_id, memory.named("work").parent_span_id) == (TRACE, CALLER)


@pytest.mark.parametrize("state", ["nonsense", ",".join(f"vendor{number}=1" for number in range(33))])
def test_a_tracestate_that_is_none_is_not_handed_on(memory, state):
    def function(req, context):
        return context.tracer.propagator.to_headers(context.tracer.span_context)

    assert invoke(function, req=1, context=of(TRACEPARENT, state)) == {"traceparent": TRACEPARENT}


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # OpenCensus's own spans
def test_a_span_of_another_trace_is_not_handed_on_as_one_of_this(memory):
    """As where the function has a tracer of its own besides."""

    def function(req, context):
        own = Tracer(exporter=memory, sampler=AlwaysOnSampler())
        with own.span("theirs"):
            return context.tracer.propagator.to_headers(context.tracer.span_context)

    assert invoke(function, req=1) == {"traceparent": TRACEPARENT}


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_a_span_is_exported_when_the_function_raises_and_the_exception_goes_on(memory, form):
    boom = LookupError("no such item")

    def fail(_req, context):
        with context.tracer.span("work"):
            raise boom

    with pytest.raises(LookupError) as caught:
        invoke(sync_and_async(fail)[form], req=1)

    assert caught.value is boom
    (span,) = memory.spans
    assert (span.status.code, span.status.message) == (2, "no such item")
    frames = span.stack_trace.format_stack_trace_json()["stack_frames"]["frame"]
    assert frames[-1]["function_name"]["value"] == "fail"


def test_a_failure_that_cannot_be_told_is_still_the_functions_own(memory, monkeypatch, caplog):
    """As where the machine's policy forbids MD5, by which OpenCensus numbers its stacks."""

    def forbidden(*_args, **_kwargs):
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr("hashlib.md5", forbidden)

    def main(req, context):
        with context.tracer.span("work"):
            raise LookupError("no such item")

    for _ in range(2):
        with pytest.raises(LookupError):
            invoke(main, req=1)

    assert [(span.status.message, span.stack_trace) for span in memory.spans] == [("no such item", None)] * 2
    assert [record.message for record in caplog.records] == [
        "An exception is not told (said once): ValueError: disabled for FIPS"
    ]


def test_spans_that_were_left_open_end_with_the_invocation_and_fail_with_it(memory):
    def main(req, context):
        context.tracer.start_span("outer")
        context.tracer.start_span("inner")
        if req:
            raise ValueError("late")

    invoke(main, req=0)
    with pytest.raises(ValueError, match="late"):
        invoke(main, req=1)

    assert [(span.name, span.status.code) for span in memory.spans] == [
        ("inner", 0), ("outer", 0), ("inner", 2), ("outer", 2),
    ]  # fmt: skip
    assert all(span.end_time for span in memory.spans)
    frames = memory.spans[-1].stack_trace.format_stack_trace_json()["stack_frames"]["frame"]
    assert frames[-1]["function_name"]["value"] == "main"


def test_a_coroutine_that_is_abandoned_changes_nothing_where_it_is_closed(memory):
    """The worker drops it: it is closed in another context than the one it ran in."""

    async def main(req, context):
        with context.tracer.span("work"):
            await asyncio.sleep(0)

    coroutine = invoke_async(main, req=1)
    copy_context().run(coroutine.send, None)
    mine = NoopTracer()
    execution_context.set_opencensus_full_context(mine, None, {})

    coroutine.close()

    assert execution_context.get_opencensus_tracer() is mine
    assert memory.named("work").end_time


@pytest.mark.parametrize("ending", ["returns", "raises", "leaves a span open", "sets another tracer"])
def test_the_execution_context_is_as_it_was_however_the_function_ends(memory, ending):
    """Also where nothing isolates it: the context is looked at where the invocation ran."""
    seen = {}

    async def main(req, context):
        seen["inside"] = current()
        execution_context.set_opencensus_attr("key", "value")
        if ending == "leaves a span open":
            context.tracer.start_span("open")
        if ending == "sets another tracer":
            execution_context.set_opencensus_tracer(NoopTracer())
        with context.tracer.span("work"):
            if ending == "raises":
                raise ValueError

    before = object(), None, {"mine": 1}
    execution_context.set_opencensus_full_context(*before)

    async def caller():
        try:
            await invoke_async(main, req=1)
        except ValueError:
            pass
        return current()

    after = asyncio.run(caller())
    assert after == before
    tracer, span, attributes = seen["inside"]
    assert isinstance(tracer, Tracer)
    assert (span, attributes) == (None, {"mine": 1})


def test_a_generator_that_is_read_no_further_has_not_failed(memory):
    def main(req, context):
        def pages():
            with context.tracer.span("read"):
                yield from range(3)

        reading = pages()
        next(reading)
        reading.close()

    invoke(main, req=1)

    (span,) = memory.spans
    assert (span.status.code, span.stack_trace) == (0, None)


def test_a_cancelled_invocation_fails_its_span_and_leaves_its_callers_context_alone(memory):
    async def main(req, context):
        with context.tracer.span("work"):
            await asyncio.Event().wait()

    async def caller():
        task = asyncio.ensure_future(invoke_async(main, req=1))
        await asyncio.sleep(0)
        mine = NoopTracer()
        execution_context.set_opencensus_tracer(mine)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return execution_context.get_opencensus_tracer() is mine

    assert asyncio.run(caller())
    assert memory.named("work").status.code == 2


def test_spans_that_end_in_another_order_keep_their_own_times_and_parents(memory):
    """OpenCensus ends whichever is current."""

    def main(req, context):
        tracer = context.tracer
        with tracer.span("outer"):
            tracer.start_span("never ended")
        with tracer.span("after"):
            pass

    invoke(main, req=1)

    assert [span.name for span in memory.spans] == ["outer", "after", "never ended"]
    assert memory.named("after").parent_span_id == CALLER


def test_a_span_that_is_ended_twice_is_exported_once(memory):
    def main(req, context):
        with context.tracer.span("work") as work:
            context.tracer.end_span()
            ended = work._ended
        assert work._ended == ended
        outer, _ = context.tracer.start_span("outer"), context.tracer.start_span("inner")
        context.tracer.finish()
        outer.__exit__(None, None, None)

    invoke(main, req=1)

    assert [span.name for span in memory.spans] == ["work", "inner", "outer"]


def test_who_asked_opencensus_for_each_new_span_is_told_of_it(memory, monkeypatch):
    monkeypatch.setattr(Span, "_on_create_callbacks", [])
    Span.on_create(lambda span: span.add_attribute("seen", span.name))

    invoke(lambda req, context: context.tracer.span("work").__exit__(None, None, None), req=1)

    assert memory.named("work").attributes == {"seen": "work"}


def test_a_child_that_a_span_makes_itself_is_exported_with_it(memory):
    def main(req, context):
        with context.tracer.span("outer") as outer, outer.span("child") as child:
            child.add_attribute("a", 1)

    invoke(main, req=1)

    child, outer = memory.spans
    assert (child.name, child.parent_span_id, child.attributes, outer.child_span_count) == (
        "child", outer.span_id, {"a": 1}, 1,
    )  # fmt: skip


def test_a_child_that_a_span_makes_itself_is_stored_with_it(sent):
    def main(req, context):
        with context.tracer.span("outer") as outer, outer.span("child"):
            pass

    invoke(main, req=1)

    child, outer = sent()
    assert (child["data"]["baseData"]["name"], outer["data"]["baseData"]["name"]) == ("child", "outer")
    assert child["tags"]["ai.operation.parentId"] == outer["data"]["baseData"]["id"]


def test_the_names_of_opencensuss_tracer_are_all_there(memory):
    def main(req, context):
        tracer = context.tracer

        @tracer.trace_decorator()
        def decorated():
            return 5

        assert decorated() == 5
        tracer.start_span(name="by hand").add_annotation("half way", done=3)
        tracer.add_attribute_to_current_span("a", 1)
        assert tracer.tracer.list_collected_spans()
        tracer.end_span()
        tracer.add_attribute_to_current_span("lost", 1)
        tracer.start_span()
        tracer.finish()
        assert tracer.tracer.list_collected_spans() == []

    invoke(main, req=1)

    assert [span.name for span in memory.spans] == ["decorated", "by hand", "span"]
    by_hand = memory.named("by hand")
    assert by_hand.attributes == {"a": 1}
    (annotation,) = by_hand.annotations
    assert (annotation.description, annotation.attributes.attributes) == ("half way", {"done": 3})


def test_a_decorated_function_is_a_span_until_it_has_ended_also_when_it_fails(memory):
    """The original's stays open when the function raises, and a coroutine's ends before it has begun."""

    async def main(req, context):
        @context.tracer.trace_decorator()
        def failing():
            raise ValueError("bad")

        @context.tracer.trace_decorator()
        async def waiting():
            with context.tracer.span("inside"):
                return 5

        with pytest.raises(ValueError, match="bad"):
            failing()
        assert await waiting() == 5
        assert (failing.__name__, waiting.__name__) == ("failing", "waiting")

    invoke(main, req=1)

    assert [(span.name, span.status.code) for span in memory.spans] == [("failing", 2), ("inside", 0), ("waiting", 0)]
    assert memory.named("waiting").parent_span_id == CALLER
    assert memory.named("inside").parent_span_id == memory.named("waiting").span_id


def test_to_end_a_span_where_there_is_none_is_said_and_harmless(memory, caplog):
    invoke(lambda req, context: context.tracer.end_span(), req=1)

    assert [record.message for record in caplog.records] == ["No active span, cannot do end_span."]
