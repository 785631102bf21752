"""On every worker: extensions that subclass azure-functions' own base classes alone run, unchanged and once."""

from __future__ import annotations

import json

import pytest

from tests.workers import apps, drive

CLASSIC = "classic"
FUNCTION = """
{head} {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    if req.params["q"] == "raise":
        raise ValueError("boom")
    return func.HttpResponse("own")
"""
ENABLED = {"PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}


def functions(model: str) -> list[apps.Function]:
    """One function with a function-level extension, in the v1 model, and one without."""
    audited = "file" if model == "v1" else "app"
    return [
        apps.Function("one", FUNCTION.replace("{head}", "def"), level=audited, own="official.OfficialOfOne"),
        apps.Function("other", FUNCTION.replace("{head}", "async def")),
    ]


def expected(model: str, name: str) -> list[str]:
    if model == "v1" and name == "one":
        return ["app pre", "own pre", "own post", "app post"]
    return ["app pre", "app post"]


@pytest.mark.parametrize("order", [("recorder", "official"), ("official", "recorder")], ids="-first ".join)
def test_official_classes_run_once_beside_ours(kind, model, new_app, order):
    """On the classic worker the worker itself calls them, where the app setting says so; elsewhere the seam does."""
    with drive.Worker(kind, new_app(functions(model), extensions=order), **ENABLED) as worker:
        for name in ("one", "other", "one"):
            answer = worker.invoke(name)
            seen = worker.hooks(answer["id"])
            assert [one for one in seen if "app" in one or "own" in one] == expected(model, name)
            assert [one for one in seen if one in ("pre", "in", "out", "post")] == ["pre", "in", "out", "post"]
            first = next(one for one in worker.records(answer["id"]) if one["what"] == "app pre")
            assert first["greeting"] == "hello"
            assert "req" in first["args"]
        loaded = [one["function"] for one in worker.records() if one["what"] == "app load"]
    assert sorted(loaded) == ["one", "other"]


def test_official_classes_wait_for_the_app_setting_on_the_classic_worker_alone(kind, model, new_app):
    with drive.Worker(kind, new_app(functions(model), extensions=["recorder", "official"])) as worker:
        seen = worker.hooks(worker.invoke("other")["id"])
    assert [one for one in seen if "app" in one] == ([] if kind == CLASSIC else expected(model, "other"))


def test_their_post_hooks_do_not_run_for_a_function_that_raises(kind, model, new_app):
    """The workers have never called them then; the error goes on unchanged."""
    with drive.Worker(kind, new_app(functions(model), extensions=["recorder", "official"]), **ENABLED) as worker:
        answer = worker.invoke("other", q="raise")
        assert answer["error"] == "ValueError: boom"
        assert [one for one in worker.hooks(answer["id"]) if "app" in one] == ["app pre"]


OPENCENSUS = """
import json
from opencensus.extension.azure.functions import OpenCensusExtension
import ext_sdk

class Kept:
    spans = []
    def export(self, spans):
        self.spans.extend(spans)

OpenCensusExtension.configure(connection_string="InstrumentationKey=00000000-0000-0000-0000-000000000000")
OpenCensusExtension._exporter = Kept()
"""
SILENT = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true"}
TRACED = """
{head} {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    with context.tracer.span("in the function"):
        pass
    span = Kept.spans.pop()
    return func.HttpResponse(json.dumps([span.name, span.context.trace_id, span.parent_span_id, len(Kept.spans)]))
"""

ELASTIC = """
import json
import elasticapm
from elasticapm.contrib.serverless.azure import AzureFunctionsClient, ElasticAPMExtension
import ext_sdk

ended = []

class Keeping(AzureFunctionsClient):
    def queue(self, event_type, data, flush=False):
        ended.append([event_type, data["name"], data.get("outcome"), data.get("trace_id")])

ElasticAPMExtension.configure(client_class=Keeping, service_name="shop", disable_send=True)
"""
MEASURED = """
{head} {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    if req.params["q"] == "list":
        return func.HttpResponse(json.dumps(ended))
    return func.HttpResponse(elasticapm.get_transaction_id() or "none")
"""


def published(folder, model, preamble: str, body: str):
    """Write an app with a published extension, whose only other import of an extension is that of ext_sdk."""
    made = [
        apps.Function(name, body.replace("{head}", head)) for name, head in (("sync", "def"), ("coro", "async def"))
    ]
    app = apps.write(folder(), model, made, extensions=["published"])
    apps.write_files(app, {"published.py": preamble})
    for script in app.rglob("*.py"):
        if "import published\n" in (text := script.read_text()):
            script.write_text(text.replace("import published\n", "import published\nfrom published import *\n"))
    return app


def test_opencensus_own_extension_traces_unchanged(kind, model, folder):
    with drive.Worker(kind, published(folder, model, OPENCENSUS, TRACED), **ENABLED, **SILENT) as worker:
        for function in ("sync", "coro") * 2:
            answer = worker.invoke(function)
            assert answer["ok"], answer
            trace, parent = drive.TRACEPARENT.split("-")[1:3]
            assert json.loads(answer["body"]) == ["in the function", trace, parent, 0]


def test_elastics_own_extension_measures_unchanged(kind, model, folder):
    headers, trace = {"traceparent": drive.TRACEPARENT}, drive.TRACEPARENT.split("-")[1]
    with drive.Worker(kind, published(folder, model, ELASTIC, MEASURED), **ENABLED) as worker:
        for function in ("sync", "coro"):
            answer = worker.invoke(function, headers=headers)
            assert answer["ok"], answer
            assert answer["body"] != "none"
        ended = json.loads(worker.invoke("sync", q="list")["body"])
    assert ended == [["transaction", function, "success", trace] for function in ("sync", "coro")]
