"""The samples of ext_telemetry under the local host: what its functions tell is stored, with their operations."""

from __future__ import annotations

from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.support.host import RunningHost, request

SAMPLES = Path(__file__).resolve().parents[2] / "samples"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def insights():
    with InsightsServer() as server:
        yield server


@pytest.fixture(scope="module", params=["telemetry_v1", "telemetry_v2"])
def app(request, insights):
    """One of the samples: returns a function that sends a request within a trace, and gives what is stored of that."""
    sample = request.param
    with backend() as service, RunningHost(SAMPLES / sample, "--insights", insights.url, SHOP_URL=service.url) as host:
        yield lambda method, path, number: send(
            host, insights, method, path, f"{sample.encode().hex()[-8:]}{number:0>24}"
        )


def send(host, insights, method, path, trace_id):
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    answer = request(f"{host.url}/api/{path}", method, b"" if method == "POST" else None, headers)

    def rows(table, count=1):
        found = insights.store.wait_until(
            lambda: stored if len(stored := insights.store.rows(table, operation_id=trace_id)) >= count else None,
            30,
            table,
        )
        assert len(found) == count, found
        return found

    return answer, rows


def test_an_order_is_an_event_in_a_dependency(app):
    answer, rows = app("POST", "orders/tea?amount=2", 1)

    assert (answer.status, answer.body) == (201, b"2 tea")
    (root,) = rows("requests")
    (dependency,) = rows("dependencies")
    (event,) = rows("customEvents")
    (line,) = [one for one in rows("traces") if one["message"] == "order of 2 tea"]
    assert (dependency["name"], dependency["type"], dependency["target"], dependency["operation_ParentId"]) == (
        "take from stock", "Warehouse", "warehouse.example.com", root["id"],
    )  # fmt: skip
    assert (event["name"], event["operation_ParentId"]) == ("order placed", dependency["id"])
    assert event["operation_Name"] == root["operation_Name"]
    assert line["operation_ParentId"] == root["id"]


def test_an_order_in_vain_is_a_handled_exception(app):
    answer, rows = app("POST", "orders/cups", 2)

    assert (answer.status, answer.body) == (409, b"no cups left")
    (dependency,) = rows("dependencies")
    (exception,) = rows("exceptions")
    assert dependency["success"] in (False, 0)
    assert exception["operation_ParentId"] == dependency["id"]


def test_the_front_page_is_tested(app):
    answer, rows = app("GET", "front_page", 3)

    assert answer.body == b"up"
    (result,) = rows("availabilityResults")
    assert result["name"] == "front page"


def test_metrics_are_stored(app, insights):
    app("POST", "orders/tea?amount=1", 4)

    stored = insights.store.wait_until(
        lambda: [row for row in insights.store.rows("customMetrics") if row["name"] == "articles sold"] or None,
        90, "the counter",
    )  # fmt: skip
    assert stored
