"""npm's applicationinsights, which Azure's documents name for Node.js."""

from __future__ import annotations

import json

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.clients import columns, found, run_node, stored, tree

pytestmark = pytest.mark.timeout(300)  # The first one installs.

OPERATION = "0af7651916cd43dd8448eb211c80319c"

UNASKED = {"169.254.169.254", "settings.sdk.monitor.azure.com"}
"""Azure's metadata of virtual machines, and settings for SDKs: this client has no switch for either."""


def settings(server):
    """Return what a user has to set: the client makes https of every http in a connection string."""
    options = {"host": server.url, "allowInsecureConnection": True}
    return {
        "APPLICATIONINSIGHTS_CONFIGURATION_CONTENT": json.dumps({"azureMonitorExporterOptions": options}),
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_SERVICE_NAME": "shop",
    }


@pytest.fixture(scope="module")
def filled(packages):
    """A server with what one run has sent."""
    with InsightsServer() as server:
        assert run_node(packages, "insights.cjs", server.connection_string, **settings(server)) <= UNASKED
        yield server


def test_each_kind_of_item_is_stored_in_its_table(filled):
    counts = stored(filled)

    assert counts.pop("customMetrics") > 1
    assert counts == {
        "requests": 3,
        "dependencies": 2,
        "traces": 1,
        "exceptions": 1,
        "customEvents": 1,
        "pageViews": 1,
        "availabilityResults": 1,
    }
    assert {row["cloud_RoleName"] for table in [*counts, "customMetrics"] for row in filled.store.rows(table)} == {
        "shop"
    }


def test_the_columns_have_what_was_tracked(filled):
    rows = filled.store.rows
    (request,) = (row for row in rows("requests") if row["url"] == "http://127.0.0.1/items")
    (call,) = (row for row in rows("dependencies") if row["type"] == "SQL")
    (message,), (error,), (event,) = rows("traces"), rows("exceptions"), rows("customEvents")
    (basket,) = (row for row in rows("customMetrics") if row["name"] == "basket")
    (view,), (ping,) = rows("pageViews"), rows("availabilityResults")

    assert columns(request, "resultCode", "success", "operation_Id") == ("404", False, OPERATION)
    assert columns(call, "name", "target", "data", "duration", "success") == (
        "select item",
        "db",
        "select 1",
        12.0,
        True,
    )
    assert columns(message, "message", "severityLevel", "customDimensions") == ("sold out", 2, {"item": "7"})
    assert columns(error, "type", "message", "customDimensions") == ("RangeError", "no such item", {"item": "8"})
    assert error["details"][0]["parsedStack"]
    assert columns(event, "name", "customDimensions", "customMeasurements") == ("bought", {"item": "9"}, {"price": 1.5})
    assert columns(basket, "value", "origin", "customDimensions") == (3.0, "application", {"tenant": "a"})
    assert columns(view, "name", "url", "duration") == ("front", "http://shop/", 5.0)
    assert columns(ping, "name", "location", "success", "duration") == ("ping", "here", True, 5.0)


def test_a_request_and_what_it_caused_is_one_tree(filled):
    assert tree(filled, OPERATION) == [
        (0, "request", "GET"),
        (1, "customEvent", "bought"),
        (1, "dependency", "GET /stock"),
        (1, "dependency", "select item"),
        (1, "exception", "no such item"),
        (1, "trace", "sold out"),
        (2, "request", "GET"),
    ]


def test_what_stands_alone_is_found(filled):
    assert found(filled, "job") == [("request", "job")]
    assert found(filled, "basket") == [("customMetric", "basket")]
    assert found(filled, "front") == [("pageView", "front")]
    assert found(filled, "ping") == [("availabilityResult", "ping")]
