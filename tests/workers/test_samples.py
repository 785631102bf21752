"""The samples on the real workers: the call of the guide's function is stored as a whole trace, once."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.workers import drive

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FUNCTIONS = {"http_v1": "HttpTrigger", "http_v2": "backend"}
TRACE, CALLER = drive.TRACEPARENT.split("-")[1:3]


@pytest.fixture
def sample(request, kind, tmp_path):
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
        ) as worker,
    ):
        worker.insights, worker.service = server, service
        yield worker


@pytest.mark.parametrize("sample", FUNCTIONS, indirect=True)
def test_a_request_is_stored_as_a_whole_trace_that_continues_the_callers(sample):
    answer = sample.invoke(FUNCTIONS[sample.app.name])
    assert (answer["ok"], answer["status"]) == (True, 200)
    assert json.loads(answer["body"])["ctx_trace_context_Traceparent"] == drive.TRACEPARENT
    assert "function;dur=" in answer["headers"]["server-timing"]

    (request,) = sample.insights.wait_for("requests", 1, drive.WAIT)
    block, call = sorted(
        sample.insights.wait_for("dependencies", 2, drive.WAIT), key=lambda row: row["name"] != "parent"
    )
    assert (request["operation_Id"], request["operation_ParentId"]) == (TRACE, CALLER)
    assert (request["success"], request["resultCode"]) == (True, "200")
    assert request["customDimensions"]["faas.invocation_id"] == answer["id"]
    assert (block["name"], block["operation_ParentId"]) == ("parent", request["id"])
    assert (call["operation_ParentId"], call["resultCode"], call["success"]) == (block["id"], "200", True)
    assert {row["operation_Name"] for row in (request, block, call)} == {request["name"]}
    assert sample.service.requests[0]["traceparent"].split("-")[1:3] == [TRACE, call["id"]]


@pytest.mark.parametrize("sample", FUNCTIONS, indirect=True)
def test_what_is_not_sent_yet_is_delivered_when_sigterm_ends_the_worker(sample):
    for _ in range(5):
        sample.invoke(FUNCTIONS[sample.app.name])
    sample.end(signal.SIGTERM)

    assert len(sample.insights.store.rows("requests")) == 5
    assert len(sample.insights.store.rows("dependencies")) == 10


@pytest.mark.parametrize("sample", FUNCTIONS, indirect=True)
def test_a_function_that_raises_is_stored_as_a_failure_with_its_exception(sample):
    failing = {"http_v1": "HttpRaises", "http_v2": "read_order"}[sample.app.name]
    answer = sample.invoke(failing)
    assert not answer["ok"]

    (request,) = sample.insights.wait_for("requests", 1, drive.WAIT)
    (exception,) = sample.insights.wait_for("exceptions", 1, drive.WAIT)
    assert request["success"] is False
    assert exception["operation_ParentId"] == request["id"]
    assert answer["error"].startswith(exception["type"].rpartition(".")[2])
