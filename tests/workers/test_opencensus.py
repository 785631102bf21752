"""Microsoft's guide's sample with its import line changed, on the real workers: a whole trace, failures included."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.workers import apps, drive

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
BOTH = ("opencensus_v1", "opencensus_v2")
TRACE, CALLER = drive.TRACEPARENT.split("-")[1:3]


@pytest.fixture
def settings():
    return {}


@pytest.fixture
def sample(request, kind, tmp_path, settings):
    """A worker with a copy of the sample, telemetry going to a local Application Insights of its own."""
    app = tmp_path / request.param
    shutil.copytree(SAMPLES / request.param, app)
    with (
        InsightsServer() as server,
        backend() as service,
        drive.Worker(
            kind,
            app,
            APPLICATIONINSIGHTS_CONNECTION_STRING=server.connection_string,
            BACKEND_URL=service.url,
            WEBSITE_SITE_NAME="shop",
            **settings,
        ) as worker,
    ):
        worker.insights, worker.service = server, service
        yield worker


@pytest.mark.parametrize("sample", BOTH, indirect=True)
def test_the_guides_function_is_stored_with_the_call_it_makes(sample):
    answer = sample.invoke("HttpTrigger")
    assert (answer["ok"], answer["status"]) == (True, 200)
    assert json.loads(answer["body"])["ctx_trace_context_Traceparent"] == drive.TRACEPARENT

    block, call = sorted(
        sample.insights.wait_for("dependencies", 2, drive.WAIT), key=lambda row: row["name"] != "parent"
    )
    assert (block["name"], block["operation_Id"], block["operation_ParentId"]) == ("parent", TRACE, CALLER)
    assert (call["name"], call["type"], call["resultCode"], call["success"]) == ("GET /", "HTTP", "200", True)
    assert (call["operation_ParentId"], call["data"]) == (block["id"], sample.service.url)
    assert {(row["operation_Name"], row["cloud_RoleName"]) for row in (block, call)} == {("HttpTrigger", "shop")}
    assert sample.service.requests[0]["traceparent"] == f"00-{TRACE}-{call['id']}-01"
    assert sample.insights.store.rows("requests") == []


@pytest.mark.parametrize("sample", BOTH, indirect=True)
def test_a_function_that_raises_has_its_span_stored_with_the_exception_and_leaves_nothing_behind(sample):
    answer = sample.invoke("HttpRaises")
    assert not answer["ok"]

    (span,) = sample.insights.wait_for("dependencies", 1, drive.WAIT)
    (exception,) = sample.insights.wait_for("exceptions", 1, drive.WAIT)
    (message,) = sample.insights.wait_for("traces", 1, drive.WAIT)
    assert (span["name"], span["success"], span["customDimensions"]["order"]) == ("check order", False, "7")
    assert (exception["type"], exception["outerMessage"]) == ("LookupError", "there is no order 7")
    assert (message["message"], message["customDimensions"]) == ("not in the warehouse", {"shelf": "B"})
    assert exception["operation_ParentId"] == message["operation_ParentId"] == span["id"]

    sample.invoke("HttpTrigger")
    rows = sample.insights.wait_for("dependencies", 3, drive.WAIT)
    (parent,) = [row for row in rows if row["name"] == "parent"]
    assert parent["operation_ParentId"] == CALLER


@pytest.mark.parametrize("sample", BOTH, indirect=True)
def test_what_is_not_sent_yet_is_delivered_when_sigterm_ends_the_worker(sample):
    for _ in range(5):
        assert sample.invoke("HttpTrigger")["ok"]
    sample.end(signal.SIGTERM)

    assert len(sample.insights.store.rows("dependencies")) == 10


GUIDE = """
import json
import logging
import os
import requests
from ext_opencensus import OpenCensusExtension
from opencensus.trace import config_integration
config_integration.trace_integrations(['requests'])
OpenCensusExtension.configure()

def main(req, context):
    logging.info('Executing HttpTrigger with OpenCensus extension')
    with context.tracer.span("parent"):
        response = requests.get(url=os.environ['BACKEND_URL'])
    return json.dumps({
        'method': req.method,
        'response': response.status_code,
        'ctx_func_name': context.function_name,
        'ctx_func_dir': context.function_directory,
        'ctx_invocation_id': context.invocation_id,
        'ctx_trace_context_Traceparent': context.trace_context.Traceparent,
        'ctx_trace_context_Tracestate': context.trace_context.Tracestate,
    })
"""
"""As the guide has it: without annotations, with keyword arguments, and a text in place of a response."""


def test_the_guides_own_form_runs_too(kind, tmp_path):
    binding = (Path(SAMPLES) / "opencensus_v1" / "HttpTrigger" / "function.json").read_text()
    files = {"host.json": '{"version": "2.0"}', "HttpTrigger/function.json": binding, "HttpTrigger/__init__.py": GUIDE}
    app = tmp_path / "app"
    app.mkdir()
    apps.write_files(app, files)
    with (
        InsightsServer() as server,
        backend() as service,
        drive.Worker(
            kind, app, APPLICATIONINSIGHTS_CONNECTION_STRING=server.connection_string, BACKEND_URL=service.url
        ) as worker,
    ):
        answer = worker.invoke("HttpTrigger")

        assert answer["ok"]
        found = json.loads(answer.get("body") or answer["value"])
        assert (found["response"], found["ctx_func_name"]) == (200, "HttpTrigger")
        assert (found["ctx_trace_context_Traceparent"], found["ctx_invocation_id"]) == (drive.TRACEPARENT, answer["id"])
        rows = server.wait_for("dependencies", 2, drive.WAIT)
        assert {row["name"] for row in rows} == {"parent", "GET /"}


@pytest.mark.parametrize("settings", [{"EXT_OPENCENSUS_UNDERNEATH": "opentelemetry"}])
@pytest.mark.parametrize("sample", BOTH, indirect=True)
def test_the_same_code_runs_with_opentelemetry_underneath(sample):
    """The call of the backend is one span, inside of `parent`, inside of the invocation's own."""
    answer = sample.invoke("HttpTrigger")
    assert (answer["ok"], answer["status"]) == (True, 200)

    (own,) = sample.insights.wait_for("requests", 1, drive.WAIT)
    of = {row["name"]: row for row in sample.insights.wait_for("dependencies", 2, drive.WAIT)}
    assert of.keys() == {"parent", "GET /"}
    assert (own["operation_Id"], own["operation_ParentId"]) == (TRACE, CALLER)
    assert (of["parent"]["operation_ParentId"], of["GET /"]["operation_ParentId"]) == (own["id"], of["parent"]["id"])
    assert sample.service.requests[0]["traceparent"].split("-")[1:3] == [TRACE, of["GET /"]["id"]]
