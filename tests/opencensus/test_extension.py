"""Every invocation has a tracer that continues its caller's trace, whatever becomes of it, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace

import azure.functions as func
import pytest
from opencensus.trace import execution_context
from opencensus.trace.samplers import AlwaysOffSampler, ProbabilitySampler
from opencensus.trace.span import SpanKind
from opencensus.trace.span_context import SpanContext
from opencensus.trace.tracer import Tracer
from opencensus.trace.tracers.noop_tracer import NoopTracer

from ext_opencensus import AppInsightsExporter, OpenCensusExtension
from ext_sdk import propagate
from tests.support.invocations import ITEMS, request, sync_and_async
from tests.support.lifecycle import TRACEPARENT, Context, invoke, invoke_async

TRACE, CALLER = TRACEPARENT.split("-")[1:3]


def of(trace_parent, trace_state=""):
    return Context(trace_context=SimpleNamespace(trace_parent=trace_parent, trace_state=trace_state))


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
    [None, "", "nonsense", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{CALLER}-01", 7],
)
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


def current():
    return execution_context.get_opencensus_full_context()


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


def test_a_child_that_a_span_makes_itself_is_exported_with_it(memory):
    def main(req, context):
        with context.tracer.span("outer") as outer, outer.span("child") as child:
            child.add_attribute("a", 1)

    invoke(main, req=1)

    child, outer = memory.spans
    assert (child.name, child.parent_span_id, child.attributes, outer.child_span_count) == (
        "child", outer.span_id, {"a": 1}, 1,
    )  # fmt: skip


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


def test_to_end_a_span_where_there_is_none_is_said_and_harmless(memory, caplog):
    invoke(lambda req, context: context.tracer.end_span(), req=1)

    assert [record.message for record in caplog.records] == ["No active span, cannot do end_span."]


def test_a_sampler_decides_and_what_it_leaves_out_is_handed_on_so(fresh, memory):
    fresh.configure(exporter=memory, sampler=AlwaysOffSampler())

    def function(req, context):
        with context.tracer.span("work") as span:
            span.add_attribute("a", 1)
            return context.tracer.propagator.to_headers(context.tracer.span_context)

    assert invoke(function, req=1) == {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    assert memory.spans == []


def test_a_sampler_of_opencensus_keeps_whole_traces_at_its_rate(fresh, sent, server):
    """Each item says for how many it stands, unless the caller had decided that this one is kept."""
    fresh.configure(
        connection_string=server.connection_string, sampler=ProbabilitySampler(0.25), enable_local_storage=False
    )

    def function(req, context):
        with context.tracer.span("outer"), context.tracer.span("inner"):
            pass

    for number in range(16):
        invoke(function, req=1, context=of(f"00-{1:016x}{number:x}{'f' * 15}-{CALLER}-00"))
    invoke(function, req=1, context=of(f"00-{1:016x}{'f' * 16}-{CALLER}-01"))

    items = sent()
    assert len(items) == 2 * (4 + 1)
    assert sorted(item["sampleRate"] for item in items) == [25.0] * 8 + [100.0] * 2


def test_an_exporter_that_fails_is_said_once_and_never_fails_the_function(fresh, caplog):
    class Broken:
        def export(self, span_datas):
            raise OSError("full")

    fresh.configure(exporter=Broken())

    for _ in range(3):
        assert invoke(lambda req, context: context.tracer.span("x").__exit__(None, None, None) or "ok", req=1) == "ok"

    assert [record.message for record in caplog.records] == [
        "A span is not exported (said once): Broken failed with OSError: full"
    ]


def test_without_a_connection_string_everything_works_and_one_line_says_why_nothing_is_sent(fresh, caplog):
    def function(req, context):
        with context.tracer.span("work") as span:
            span.add_attribute("a", 1)
            span.add_annotation("x")
        context.tracer.start_span()
        context.tracer.add_attribute_to_current_span("a", 1)
        context.tracer.end_span()
        return context.tracer.propagator.to_headers(context.tracer.span_context)

    for _ in range(2):
        assert invoke(function, req=1) == {"traceparent": TRACEPARENT}

    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            "Spans are not exported: there is no connection string. Set APPLICATIONINSIGHTS_CONNECTION_STRING, "
            "or call OpenCensusExtension.configure(connection_string=...).",
        )
    ]


def test_a_connection_string_that_is_wrong_in_the_environment_stops_nothing(fresh, caplog, monkeypatch):
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "nonsense")

    for _ in range(2):
        assert invoke(lambda req, context: context.tracer.span("x").__exit__(None, None, None) or "ok", req=1) == "ok"

    assert [record.message for record in caplog.records] == [
        "Spans are not exported: APPLICATIONINSIGHTS_CONNECTION_STRING: Segment 1 of the connection string is not of "
        "the form Key=Value (for example InstrumentationKey=...;IngestionEndpoint=https://...)."
    ]


def test_the_stand_in_is_a_tracer_that_does_nothing():
    """For a function whose invocation the extension has no part in; it makes nothing current."""
    before = current()
    tracer = OpenCensusExtension.stand_ins["tracer"]()
    with tracer.span("work") as span:
        span.add_attribute("a", 1)
    with tracer.span("outer"), pytest.raises(ValueError), tracer.span("inner"):
        raise ValueError
    assert current() == before


def test_the_invocation_has_a_span_of_its_own_if_that_is_wanted(fresh, memory):
    fresh.configure(exporter=memory, invocation_span=True)

    def function(req, context):
        with context.tracer.span("work"):
            return func.HttpResponse("made", status_code=201)

    invoke(function, trigger=ITEMS, req=request())

    work, own = memory.spans
    assert (own.name, own.span_kind, own.parent_span_id, work.parent_span_id) == (
        "HttpTrigger", SpanKind.SERVER, CALLER, own.span_id,
    )  # fmt: skip
    attributes = dict(own.attributes)
    assert isinstance(attributes.pop("faas.coldstart"), bool)
    assert attributes == {
        "faas.invocation_id": "8f07ec1b",
        "http.method": "GET",
        "http.route": "/api/items/{id}",
        "http.host": "localhost:7071",
        "http.path": "/api/items/7",
        "http.url": "http://localhost:7071/api/items/7",
        "http.status_code": 201,
    }


@pytest.mark.parametrize(
    ("host", "route"),
    [
        ('{"extensions": {"http": {"routePrefix": ""}}}', "/items/{id}"),
        ("{", "/api/items/{id}"),
        ("[]", "/api/items/{id}"),
    ],
)
def test_a_route_begins_as_host_json_says(fresh, memory, tmp_path, monkeypatch, host, route):
    (tmp_path / "host.json").write_text(host)
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(tmp_path))
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())

    assert memory.spans[0].attributes["http.route"] == route
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__http__routePrefix", "v1/")
    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())
    assert memory.spans[1].attributes["http.route"] == "/v1/items/{id}"


@pytest.mark.parametrize(
    ("result", "status"),
    [("text", 200), (b"x", 200), (None, 204), (func.HttpResponse(status_code=404), 404), ({"a": 1}, None)],
)
def test_the_status_is_what_the_host_answers(fresh, memory, result, status):
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: result, trigger=ITEMS, req=request())

    assert memory.spans[0].attributes.get("http.status_code") == status


def test_everything_is_of_the_operation_that_the_invocations_span_names(fresh, server):
    fresh.configure(connection_string=server.connection_string, invocation_span=True, enable_local_storage=False)

    def function(req, context):
        with context.tracer.span("work"):
            raise LookupError("no such item")

    with pytest.raises(LookupError):
        invoke(function, trigger=ITEMS, req=request())
    fresh.shutdown(20.0)

    assert {item["tags"]["ai.operation.name"] for item in server.items} == {"GET /api/items/{id}"}
    kinds = [item["data"]["baseType"] for item in server.items]
    assert kinds == ["ExceptionData", "RemoteDependencyData", "RequestData"]
    data = server.items[-1]["data"]["baseData"]
    assert (data["name"], data["responseCode"], data["success"]) == ("GET /api/items/{id}", "500", False)


def test_under_a_host_that_reports_the_request_the_invocations_span_is_none(fresh, memory, monkeypatch):
    """No request is counted twice."""
    monkeypatch.setenv("FUNCTIONS_WORKER_DIRECTORY", "/azure-functions-host/workers/python")
    monkeypatch.setenv("APPINSIGHTS_INSTRUMENTATIONKEY", "11111111-2222-3333-4444-555555555555")
    fresh.configure(exporter=memory, invocation_span=True)

    invoke(lambda req, context: "ok", trigger=ITEMS, req=request())

    (own,) = memory.spans
    assert own.span_kind == SpanKind.UNSPECIFIED


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # OpenCensus's own spans
def test_the_exporter_works_with_opencensuss_own_tracer_too(server):
    exporter = AppInsightsExporter(server.connection_string, journal=False)
    tracer = Tracer(
        span_context=SpanContext(trace_id=TRACE, span_id=CALLER), exporter=exporter, sampler=ProbabilitySampler(1.0)
    )

    def run():
        with pytest.raises(ValueError), tracer.span("work"):
            raise ValueError("bad")

    copy_context().run(run)
    assert exporter.channel.flush(20.0)
    exporter.channel.close(5.0)

    exception, span = server.items
    assert span["data"]["baseData"]["name"] == "work"
    assert span["tags"]["ai.operation.id"] == TRACE
    assert exception["tags"]["ai.operation.parentId"] == span["data"]["baseData"]["id"]
    (details,) = exception["data"]["baseData"]["exceptions"]
    assert (details["typeName"], details["message"]) == ("Exception", "bad")
    assert details["parsedStack"][0]["method"] == "run"
