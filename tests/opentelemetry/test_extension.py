"""An invocation is a span that continues its caller's trace, whatever becomes of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import azure.functions as func
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ext_sdk import propagate
from tests.support.invocations import ITEMS, PARENT, TRACE, request, sync_and_async
from tests.support.lifecycle import Context, invoke, invoke_async


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_a_request_is_described_in_semantic_conventions(finished, form: int):
    """Name, kind, parent, attributes; the query, which may hold a key, is left out."""
    main = sync_and_async(lambda _req, _context: func.HttpResponse("made", status_code=201))[form]

    response = invoke(main, trigger=ITEMS, req=request(), context=Context(invocation_id="i1"))

    assert response.status_code == 201
    (span,) = finished()
    assert (span.name, span.kind) == ("GET /api/items/{id}", SpanKind.SERVER)
    assert (span.context.trace_id, span.parent.span_id, span.parent.is_remote) == (TRACE, PARENT, True)
    attributes = dict(span.attributes)
    assert isinstance(attributes.pop("faas.coldstart"), bool)
    assert attributes == {
        "faas.trigger": "http",
        "faas.name": "HttpTrigger",
        "faas.invocation_id": "i1",
        "http.request.method": "GET",
        "http.route": "/api/items/{id}",
        "url.scheme": "http",
        "url.path": "/api/items/7",
        "server.address": "localhost",
        "server.port": 7071,
        "user_agent.original": "curl",
        "http.response.status_code": 201,
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_a_failure_is_recorded_and_goes_on_unchanged(finished, form: int):
    """The caller gets the very exception; the span has it with its type, and the status that the host answers with."""
    boom = LookupError("no such item")

    def fail(_req, _context):
        raise boom

    with pytest.raises(LookupError) as caught:
        invoke(sync_and_async(fail)[form], trigger=ITEMS, req=request())
    assert caught.value is boom

    (span,) = finished()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "LookupError: no such item")
    assert span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == "LookupError"
    (event,) = span.events
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == (
        "LookupError",
        "no such item",
    )


def test_a_cancelled_invocation_is_a_failure_too(finished):
    """`asyncio.CancelledError` is no `Exception`."""

    async def main(req):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        invoke(main, trigger=ITEMS, req=request())

    (span,) = finished()
    assert span.attributes["error.type"] == "CancelledError"


def out(value):
    """An output binding as workers make it."""
    return SimpleNamespace(set=lambda _: None, get=lambda: value)


@pytest.mark.parametrize(
    ("result", "binding", "status"),
    [
        ("text", None, 200),
        (b"bytes", None, 200),
        (func.HttpResponse("x", status_code=404), None, 404),
        (SimpleNamespace(status_code=302), None, 302),
        (None, None, 204),
        (None, out(func.HttpResponse("x", status_code=418)), 418),
        (None, out("a queue message"), 204),
        ({"a": 1}, None, None),
    ],
)
def test_the_status_is_what_the_host_answers(finished, result, binding, status: int | None):
    """A text is 200, nothing is 204, a response can come by an output binding."""
    invoke(lambda req, msg, context: result, trigger=ITEMS, req=request(), msg=binding)

    (span,) = finished()
    assert span.attributes.get("http.response.status_code") == status
    assert span.status.status_code is StatusCode.UNSET


def streamed():
    """A request as an app with HTTP streaming gets it."""
    return Request({"type": "http", "method": "GET", "scheme": "http", "path": "/", "query_string": b"", "headers": []})


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"a": 1}, 200),
        ([], 200),
        (7, 200),
        ("text", 200),
        (StreamingResponse(iter(()), status_code=404), 404),
        (None, 500),
    ],
)
def test_the_status_is_what_fastapi_answers_where_http_is_streamed(finished, result, status: int):
    """Any value is JSON there, and none at all is an error."""
    invoke(lambda req: result, trigger=ITEMS, req=streamed())

    (span,) = finished()
    assert span.attributes["http.response.status_code"] == status
    assert (span.status.status_code is StatusCode.ERROR) == (status == 500)


class Upstream(Exception):
    """Of a client library, about the answer that it got."""

    status_code = 404


@pytest.mark.parametrize(
    ("make", "error", "status"),
    [(streamed, HTTPException(409), 409), (streamed, Upstream(), 500), (request, HTTPException(409), 500)],
)
def test_fastapi_answers_an_exception_of_its_own_with_its_status(finished, make, error, status: int):
    """The invocation has failed all the same, as the host has it."""

    def main(req):
        raise error

    with pytest.raises(type(error)):
        invoke(main, trigger=ITEMS, req=make())

    (span,) = finished()
    assert span.attributes["http.response.status_code"] == status
    assert span.status.status_code is StatusCode.ERROR


def test_a_server_error_that_was_returned_is_an_error(finished):
    """As 500 by a raise is."""
    invoke(lambda req: func.HttpResponse(status_code=503), trigger=ITEMS, req=request())

    (span,) = finished()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "503"


def test_no_caller_is_a_new_trace_even_if_a_span_was_left_over(finished):
    """The workers attach the host's context to pool threads and never detach it."""
    left_over = trace.NonRecordingSpan(trace.SpanContext(5, 5, is_remote=True))
    for trace_context in (
        None,
        SimpleNamespace(trace_parent="", trace_state=""),
        SimpleNamespace(trace_parent="00-junk-1"),
    ):
        with trace.use_span(left_over):
            invoke(lambda req: "x", trigger=ITEMS, req=request(), context=Context(trace_context=trace_context))

    assert [span.parent for span in finished()] == [None, None, None]
    assert len({span.context.trace_id for span in finished()}) == 3


@pytest.mark.parametrize("form", [0, 1], ids=["sync", "async"])
def test_the_function_finds_a_tracer_and_its_span_current(finished, form: int):
    """`span(name)` as in OpenCensus, the OpenTelemetry methods, and the API's own functions."""
    seen = []

    def main(_req, context):
        seen.append(trace.get_current_span())
        with context.tracer.span("parent") as parent, trace.get_tracer("app").start_as_current_span("child"):
            assert trace.get_current_span() is not parent
        with context.tracer.start_as_current_span("second"):
            pass
        context.tracer.start_span("third").end()
        with context.tracer.span(name="named"):
            pass
        return "x"

    before = trace.get_current_span()
    invoke(sync_and_async(main)[form], trigger=ITEMS, req=request())

    assert trace.get_current_span() is before
    spans = {span.name: span for span in finished()}
    root = spans["GET /api/items/{id}"]
    assert seen[0].get_span_context() == root.context
    parents = {name: span.parent.span_id for name, span in spans.items() if span is not root}
    assert parents == {
        "parent": root.context.span_id,
        "child": spans["parent"].context.span_id,
        "second": root.context.span_id,
        "third": root.context.span_id,
        "named": root.context.span_id,
    }


def test_concurrent_invocations_do_not_mix(finished):
    """Threads of a pool, tasks of a loop, and threads that an invocation starts: every child has the right parent."""

    def main(req, context):
        with context.tracer.span(f"outer {req.url}"), ThreadPoolExecutor(1) as pool:
            pool.submit(propagate(inner), req.url, context.tracer).result()
        return "x"

    def inner(url, tracer):
        with tracer.span(f"inner {url}"):
            pass

    async def main_async(req, context):
        async def part():
            with context.tracer.span(f"inner {req.url}"):
                await asyncio.sleep(0.001)

        with context.tracer.span(f"outer {req.url}"):
            await asyncio.gather(part(), part())
        return "x"

    async def all_async():
        await asyncio.gather(
            *[invoke_async(main_async, trigger=ITEMS, req=request(url=f"http://h/a{n}")) for n in range(20)]
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: invoke(main, trigger=ITEMS, req=request(url=f"http://h/s{n}")), range(20)))
    asyncio.run(all_async())

    spans = finished()
    by_id = {span.context.span_id: span for span in spans}
    assert len(spans) == 20 * 3 + 20 * 4
    for span in spans:
        if span.name.startswith("inner"):
            assert by_id[span.parent.span_id].name == span.name.replace("inner", "outer")
        elif span.name.startswith("outer"):
            assert by_id[span.parent.span_id].attributes["url.path"] == "/" + span.name.rpartition("/")[2]
