"""What is not exported, by a sampler, for want of a destination, or because something fails, stops nothing."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from opencensus.trace import execution_context
from opencensus.trace.samplers import AlwaysOffSampler, ProbabilitySampler

from ext_opencensus import OpenCensusExtension, options
from tests.support.invocations import sync_and_async
from tests.support.lifecycle import TRACEPARENT, Context, invoke

TRACE, CALLER = TRACEPARENT.split("-")[1:3]


def of(trace_parent, trace_state=""):
    return Context(trace_context=SimpleNamespace(trace_parent=trace_parent, trace_state=trace_state))


def current():
    return execution_context.get_opencensus_full_context()


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
        failures = 0

        def export(self, span_datas):
            self.failures += 1
            raise OSError(f"refused by <Connection object at {self.failures:#x}>")

    fresh.configure(exporter=Broken())

    for _ in range(3):
        assert invoke(lambda req, context: context.tracer.span("x").__exit__(None, None, None) or "ok", req=1) == "ok"

    assert [record.message for record in caplog.records] == [
        "A span is not exported (said once): Broken failed with OSError: refused by <Connection object at 0x1>"
    ]
    assert len(options._said) == 1


def test_what_threads_have_to_say_is_said_in_the_next_invocation(fresh, server, caplog, monkeypatch):
    """A host drops what is logged outside of one."""
    monkeypatch.setenv("FUNCTIONS_WORKER_DIRECTORY", "/azure-functions-host/workers/python")
    fresh.configure(connection_string=server.connection_string, enable_local_storage=False, flush="background")

    def function(req, context):
        with context.tracer.span("lost") as span:
            span.links.append("no link")
        with context.tracer.span("kept"):
            pass

    invoke(function, req=1)
    fresh.shutdown(20.0)
    assert caplog.records == []
    invoke(lambda req, context: None, req=1)

    (record,) = caplog.records
    assert record.name == "ext_appinsights"
    assert record.message.endswith(
        ": an item could not be made and is left out: AttributeError: 'str' object has no attribute 'trace_id'"
    )
    assert [item["data"]["baseData"]["name"] for item in server.items] == ["kept"]


@pytest.mark.parametrize(("form", "waited"), [(0, ["flush"]), (1, ["kick"])], ids=["sync", "async"])
def test_the_end_of_a_coroutine_does_not_wait_for_delivery(fresh, memory, monkeypatch, form, waited):
    pipeline, called = fresh._current(), []
    monkeypatch.setattr(pipeline, "flush", lambda _timeout: called.append("flush") or True)
    monkeypatch.setattr(pipeline, "kick", lambda: called.append("kick"))

    invoke(sync_and_async(lambda req, context: None)[form], req=1)

    assert called == waited


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
