"""What fails around an invocation's span is not the function's problem, and takes nothing from it."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanKind, StatusCode

from ext_opentelemetry import extension, invocations
from ext_sdk import extensions, registry
from ext_sdk.function import Trigger
from ext_sdk.lifecycle import run_async
from tests.support.invocations import ITEMS, PARENT, TRACE, request
from tests.support.lifecycle import Context, invoke, prepare


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(invocations, "_said", set())


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


class Broken(SpanProcessor):
    """A part of an app's own set-up that fails at one point."""

    def __init__(self, where):
        self.where = where

    def fail(self, where):
        if where == self.where:
            raise LookupError(where)

    def on_start(self, span, parent_context=None):
        self.fail("start")

    def on_end(self, span):
        self.fail("end")


class BrokenSampler(Sampler):
    def should_sample(self, *_arguments, **_named):
        raise LookupError("sampler")

    def get_description(self):
        return "broken"


@pytest.mark.parametrize("where", ["sampler", "start", "end"])
def test_the_tracer_is_there_however_often_the_apps_provider_fails(fresh, caplog, where: str):
    """A tracing that fails does not count as a failing extension, which would be suspended and take the tracer away."""
    provider = TracerProvider(shutdown_on_exit=False, **({"sampler": BrokenSampler()} if where == "sampler" else {}))
    provider.add_span_processor(Broken(where))
    trace.set_tracer_provider(provider)
    fresh.configure(exporter="none")
    traces = []

    def main(req, context):
        assert context.tracer is not None
        traces.append(trace.get_current_span().get_span_context().trace_id)
        return "x"

    assert [invoke(main, trigger=ITEMS, req=request()) for _ in range(20)] == ["x"] * 20

    assert traces == [TRACE] * 20
    (found,) = [one for one in extensions() if one.name == "OpenTelemetryExtension"]
    assert (found.failures, found.suspended) == ({}, False)
    begun = {"end": "The span of an invocation is not exported"}.get(where, "An invocation has no span")
    assert said(caplog) == [f"{begun} (said once): LookupError: {where}"]


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_an_exception_that_cannot_be_printed_reaches_the_caller(finished, caplog):
    """The span says as much as it can, above all that it failed."""

    def main(req):
        raise Unprintable

    with pytest.raises(Unprintable):
        invoke(main, trigger=ITEMS, req=request())

    (span,) = finished()
    assert span.attributes["error.type"] == "Unprintable"
    assert span.status.status_code is StatusCode.ERROR
    assert said(caplog) == ["The span of an invocation is not complete (said once): RuntimeError: no text"]


def test_a_set_up_that_fails_is_said_once_and_leaves_a_tracer(fresh, monkeypatch, caplog):
    """Such as a provider of the app that takes no processor after all."""
    real, tries = extension.Pipeline, []

    def broken(settings):
        tries.append(settings.exporter)
        if settings.exporter != "none":
            raise LookupError("what is this")
        return real(settings)

    monkeypatch.setattr(extension, "Pipeline", broken)
    fresh.configure(exporter="console")

    def main(req, context):
        with context.tracer.span("a"):
            return "x"

    assert [invoke(main, trigger=ITEMS, req=request()) for _ in range(3)] == ["x"] * 3
    assert tries == ["console", "none"]
    assert said(caplog) == ["Spans are not exported: LookupError: what is this"]


def test_an_abandoned_invocation_is_closed_from_elsewhere_in_silence(finished, caplog):
    """As when an event loop ends with its tasks: nothing is left there, and nothing logged."""

    async def main(req):
        await asyncio.sleep(3600)

    function = prepare(main, trigger=ITEMS)
    _, plan = registry.plan_for(function)
    coroutine = run_async(function, plan, {"req": request(), "context": Context()})

    async def begin():
        coroutine.send(None)

    asyncio.run(begin())
    before = trace.get_current_span()
    coroutine.close()

    assert trace.get_current_span() is before
    (span,) = finished()
    assert span.attributes["error.type"] == "GeneratorExit"
    assert said(caplog) == []


ORCHESTRATOR = Trigger("context", "orchestrationTrigger", {"type": "orchestrationTrigger", "name": "context"})


def episode(result):
    def orchestrator(context, it):
        if isinstance(result, Exception):
            raise result
        return result

    return invoke(orchestrator, name="Orchestrator", trigger=ORCHESTRATOR, it=None)


def test_an_orchestration_is_one_span_however_often_it_is_replayed(finished):
    """That of its last episode: it is invoked anew after each step."""
    for _ in range(5):
        episode(json.dumps({"isDone": False, "actions": []}))
    assert finished() == ()

    episode(json.dumps({"isDone": True, "output": 7}))
    (span,) = finished()
    assert (span.name, span.kind, span.parent.span_id) == ("Orchestrator", SpanKind.SERVER, PARENT)
    assert span.attributes["faas.trigger"] == "other"
    assert span.status.status_code is StatusCode.UNSET


def test_an_orchestration_that_fails_is_a_span_with_its_exception(finished):
    with pytest.raises(ValueError, match="boom"):
        episode(ValueError("boom"))

    (span,) = finished()
    assert span.status.description == "ValueError: boom"
    assert len(span.events) == 1


def test_an_orchestrator_of_another_library_is_a_span_each_time(finished):
    """What it returned says nothing of its end."""
    for result in ("text", None, "[]", '{"a": 1}'):
        episode(result)

    assert len(finished()) == 4


def test_an_orchestrator_has_no_span_where_no_invocation_has(fresh):
    """`invocation_span="none"`."""
    fresh.configure(exporter="none", invocation_span="none")

    assert episode('{"isDone": true}') == '{"isDone": true}'
