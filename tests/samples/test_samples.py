"""Each sample, run as its README says: by `azfunc-ext run`, in a process of its own, with a backend on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import Backend, backend
from tests.support.host import RunningHost, request
from tests.support.snapshots import samples

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = {"traceparent": PARENT, "tracestate": "vendor=1"}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def service() -> Iterator[Backend]:
    with backend() as found:
        yield found


@pytest.fixture(scope="module")
def insights() -> Iterator[InsightsServer]:
    with InsightsServer() as server:
        yield server


@pytest.fixture(scope="module")
def v1(service: Backend, insights: InsightsServer) -> Iterator[RunningHost]:
    with RunningHost(SAMPLES / "http_v1", "--insights", insights.url, BACKEND_URL=service.url) as host:
        yield host


@pytest.fixture(scope="module")
def v2(service: Backend, insights: InsightsServer) -> Iterator[RunningHost]:
    with RunningHost(SAMPLES / "http_v2", "--insights", insights.url, BACKEND_URL=service.url) as host:
        yield host


def test_the_guides_function_answers_with_what_the_context_holds(v1: RunningHost, service: Backend):
    answer = request(f"{v1.url}/api/HttpTrigger", headers=TRACE)

    found = answer.json
    assert answer.header("content-type") == ["application/json"]
    assert re.fullmatch("[0-9a-f-]{36}", found.pop("ctx_invocation_id"))
    assert found == {
        "method": "GET",
        "response": 200,
        "ctx_func_name": "HttpTrigger",
        "ctx_func_dir": str(SAMPLES / "http_v1" / "HttpTrigger"),
        "ctx_trace_context_Traceparent": PARENT,
        "ctx_trace_context_Tracestate": "vendor=1",
    }


@pytest.mark.parametrize(("sample", "path"), [("v1", "HttpTrigger"), ("v2", "backend")])
def test_the_backend_is_called_within_the_callers_trace(request_for, service: Backend, sample: str, path: str):
    """The trace goes on, and the call is a child of a span of ours and not of the caller's."""
    service.requests.clear()

    request_for(sample, path, headers=TRACE)

    version, trace_id, span_id, _ = service.requests[0]["traceparent"].split("-")
    assert (version, trace_id) == ("00", PARENT.split("-")[1])
    assert span_id != PARENT.split("-")[2]


@pytest.mark.parametrize(("sample", "path"), [("v1", "HttpTrigger"), ("v2", "backend")])
def test_the_transaction_is_stored_as_a_tree(request_for, insights: InsightsServer, sample: str, path: str):
    """The function is a request of the caller's trace; below it the block that the code marks, below that the call."""
    trace_id = f"{sample.removeprefix('v'):0>32}"
    request_for(sample, path, headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})

    (root,) = insights.store.wait_until(
        lambda: insights.store.rows("requests", operation_id=trace_id) or None, 30, "the request"
    )
    below = {row["operation_ParentId"]: row for row in insights.store.rows("dependencies", operation_id=trace_id)}
    block = below[root["id"]]
    call = below[block["id"]]
    assert root["operation_ParentId"] == "b7ad6b7169203331"
    assert block["name"] == "parent"
    assert (call["name"], call["resultCode"]) == ("GET /", "200")


@pytest.mark.parametrize("sample", ["v1", "v2"])
def test_an_order_is_read(request_for, sample: str):
    answer = request_for(sample, "orders/1")

    assert answer.json == {"order": 1, "content": "two cups of tea"}


@pytest.mark.parametrize("sample", ["v1", "v2"])
def test_an_unknown_order_is_a_500_with_its_reason_on_the_console(request_for, sample: str, v1, v2):
    answer = request_for(sample, "orders/7")

    assert (answer.status, answer.body) == (500, b"")
    host = v1 if sample == "v1" else v2
    host.wait_for("Traceback (most recent call last):")
    assert "orders.py" in host.wait_for("File ")  # the app's own frame comes first
    host.wait_for("KeyError: 7")


@pytest.mark.parametrize(("sample", "path"), [("v1", "HttpTrigger"), ("v1", "orders/1"), ("v2", "orders/2")])
def test_responses_say_how_long_the_function_took(request_for, sample: str, path: str):
    """Also for functions whose own file does not import the extension."""
    (header,) = request_for(sample, path).header("server-timing")

    assert re.match(r"function;dur=\d+\.\d+", header)


def test_an_async_function_of_a_blueprint_answers(v2: RunningHost):
    answer = request(f"{v2.url}/api/brew", "POST", json.dumps({"cups": 2}).encode())

    assert (answer.status, answer.body) == (201, b"2 cups of tea")
    assert answer.header("server-timing")


def test_the_sync_function_answers_in_the_v2_model(v2: RunningHost):
    answer = request(f"{v2.url}/api/backend", "POST", headers=TRACE).json

    assert (answer["method"], answer["response"], answer["ctx_func_name"]) == ("POST", 200, "backend")
    assert answer["ctx_trace_context_Traceparent"] == PARENT


@pytest.mark.parametrize("sample", samples())
def test_a_sample_has_the_files_of_a_complete_app(sample: str):
    folder = SAMPLES / sample
    settings = json.loads((folder / "local.settings.json").read_text("utf-8"))

    assert {"host.json", "requirements.txt", ".funcignore", "README.md"} <= {path.name for path in folder.iterdir()}
    assert settings["IsEncrypted"] is False
    assert settings["Values"]["PYTHON_ENABLE_WORKER_EXTENSIONS"] == "1"
    assert settings["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"


@pytest.mark.parametrize("sample", samples())
def test_requirements_name_every_package_that_the_code_imports(sample: str):
    distributions = {
        "azure": "azure-functions",
        "ext_opencensus": "azfunc-ext-opencensus",
        "ext_opentelemetry": "azfunc-ext-opentelemetry",
        "ext_telemetry": "azfunc-ext-telemetry",
        "ext_timing": "azfunc-ext-timing",
        "requests": "requests",
    }
    text = (SAMPLES / sample / "requirements.txt").read_text("utf-8")
    required = set(re.findall(r"^[\w-]+", text, re.MULTILINE))
    for_an_extra = set(re.findall(r"^([\w-]+)\[", text, re.MULTILINE))
    code = "\n".join(path.read_text("utf-8") for path in (SAMPLES / sample).rglob("*.py"))
    imported = {name for name in re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE) if name in distributions}

    needed = {distributions[name] for name in imported}
    assert needed <= required <= needed | for_an_extra


@pytest.fixture
def request_for(v1: RunningHost, v2: RunningHost):
    """Return a function that sends a request to one of the samples."""
    hosts = {"v1": v1, "v2": v2}
    return lambda sample, path, **options: request(f"{hosts[sample].url}/api/{path}", **options)
