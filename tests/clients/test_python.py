"""Microsoft's distribution of OpenTelemetry for Python, and OpenCensus's exporters before it."""

from __future__ import annotations

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.clients import columns, found, run_python, stored, tree


def filled(program):
    with InsightsServer() as server:
        run_python(program, server.connection_string)
        yield server


@pytest.fixture(scope="module")
def distribution():
    """A server with what azure-monitor-opentelemetry has sent."""
    yield from filled("distribution.py")


@pytest.fixture(scope="module")
def opencensus():
    """A server with what opencensus-ext-azure has sent."""
    yield from filled("opencensus_azure.py")


def test_all_that_the_distribution_collects_is_stored(distribution):
    """With the performance counters that it has on by itself, and the attributes of its resource."""
    counts = stored(distribution)
    metrics = distribution.store.rows("customMetrics")

    assert counts.pop("customMetrics") > 2
    assert counts == {"requests": 1, "dependencies": 1, "traces": 2, "exceptions": 1, "customEvents": 1}
    assert {"sales", "wait", "_OTELRESOURCE_", r"\Memory\Available Bytes"} < {row["name"] for row in metrics}
    for table in [*counts, "customMetrics"]:
        for row in distribution.store.rows(table):
            assert columns(row, "cloud_RoleName", "application_Version", "itemCount") == ("shop", "7", 1)


def test_columns_have_what_was_given_to_the_distribution(distribution):
    (request,), (call,) = distribution.store.rows("requests"), distribution.store.rows("dependencies")
    asked, message = distribution.store.rows("traces")
    (error,), (event,) = distribution.store.rows("exceptions"), distribution.store.rows("customEvents")
    metrics = {row["name"]: row for row in distribution.store.rows("customMetrics")}

    assert columns(request, "url", "resultCode", "success", "operation_Name", "customDimensions") == (
        "http://shop.example/items?size=1", "500", False, "GET /items", {"item": "6"},
    )  # fmt: skip
    assert columns(call, "type", "target", "data", "success") == ("postgresql", "db|stock", "select 1", True)
    assert columns(asked, "message", "customDimensions") == ("asked", {"rows": "3"})
    assert columns(message, "severityLevel", "customDimensions") == (2, {"item": "7", "logger_name": "shop"})
    assert columns(error, "type", "message", "severityLevel") == ("LookupError", "bad", 3)
    assert columns(event, "name", "customDimensions") == ("bought", {"item": "9", "logger_name": "shop"})
    assert columns(metrics["sales"], "value", "origin", "customDimensions") == (3.0, "application", {"tenant": "a"})
    assert columns(metrics["wait"], "valueSum", "valueCount") == (1.5, 1)


def test_what_the_distribution_sends_is_shown_as_one_tree_and_found(distribution):
    (request,) = distribution.store.rows("requests")

    assert tree(distribution, request["operation_Id"]) == [
        (0, "request", "GET /items"),
        (1, "customEvent", "bought"),
        (1, "dependency", "stock"),
        (1, "exception", "bad"),
        (1, "trace", "sold out"),
        (2, "trace", "asked"),
    ]
    assert found(distribution, "sold") == [("trace", "sold out")]
    assert found(distribution, "sales") == [("customMetric", "sales")]


def test_all_that_opencensus_sends_is_stored(opencensus):
    counts = stored(opencensus)

    assert counts == {
        "requests": 1, "dependencies": 1, "traces": 1, "exceptions": 1, "customEvents": 1, "customMetrics": 1,
    }  # fmt: skip
    assert {row["cloud_RoleName"] for table in counts for row in opencensus.store.rows(table)} == {"shop"}


def test_columns_have_what_was_given_to_opencensus(opencensus):
    (request,), (call,) = opencensus.store.rows("requests"), opencensus.store.rows("dependencies")
    (message,), (error,) = opencensus.store.rows("traces"), opencensus.store.rows("exceptions")
    (event,), (metric,) = opencensus.store.rows("customEvents"), opencensus.store.rows("customMetrics")

    assert columns(request, "name", "url", "resultCode", "success") == (
        "GET /items", "http://shop.example/items?size=1", "500", False,
    )  # fmt: skip
    assert request["customDimensions"]["item"] == "6"
    assert columns(call, "type", "target", "data", "resultCode", "success") == (
        "HTTP", "stock.example", "http://stock.example/7", "200", True,
    )  # fmt: skip
    assert columns(message, "message", "severityLevel") == ("sold out", 2)
    assert message["customDimensions"]["item"] == "7"
    assert columns(error, "type", "severityLevel") == ("LookupError", 3)
    assert (error["customDimensions"]["item"], error["details"][0]["parsedStack"] != []) == ("8", True)
    assert columns(event, "name", "customDimensions", "customMeasurements") == ("bought", {"item": "9"}, {"price": 1.5})
    assert columns(metric, "name", "value", "customDimensions") == ("left", 5.5, {"tenant": "a"})


def test_what_opencensus_sends_is_shown_as_one_tree_and_found(opencensus):
    """Its logs name their parent in the older form, |trace.span., and are shown below it all the same."""
    (request,), (error,) = opencensus.store.rows("requests"), opencensus.store.rows("exceptions")

    assert tree(opencensus, request["operation_Id"]) == [
        (0, "request", "GET /items"),
        (1, "customEvent", "bought"),
        (1, "dependency", "GET /7"),
        (1, "exception", error["message"]),
        (1, "trace", "sold out"),
    ]
    assert found(opencensus, "sold") == [("trace", "sold out")]
    assert found(opencensus, "left") == [("customMetric", "left")]
