"""The browser SDK on a page of another origin, in chromium."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.clients.visiting import visit
from tests.support.browser import chromium
from tests.support.clients import columns, found, missing, stored, tree

pytestmark = pytest.mark.timeout(300)  # The first one installs.


@pytest.fixture(scope="module")
def visited(packages):
    """A server that a page has sent to, and what was seen of the visit."""
    path = chromium()
    if path is None:
        missing("The browser SDK needs chromium, and there is none on the PATH. Debian: apt-get install chromium")
    # In a thread of its own: playwright's loop is in the way of other tests as long as it runs.
    with InsightsServer() as server, ThreadPoolExecutor(1) as other:
        yield server, other.submit(visit, path, packages, server).result(100)


def test_all_that_the_page_sends_is_stored(visited):
    server, seen = visited

    assert seen.troubles == []
    assert stored(server) == {
        "pageViews": 1,
        "customEvents": 3,
        "traces": 1,
        "exceptions": 2,
        "dependencies": 1,
        "customMetrics": 2,
    }
    for table in stored(server):
        for row in server.store.rows(table):
            assert columns(row, "cloud_RoleName", "client_Type", "itemCount") == ("page", "Browser", 1)
            assert all(columns(row, "user_Id", "session_Id", "operation_Id"))


def test_columns_have_what_the_page_tracked(visited):
    rows = visited[0].store.rows
    (view,), (message,), (bought, *_) = rows("pageViews"), rows("traces"), rows("customEvents")
    metrics = {row["name"]: row for row in rows("customMetrics")}
    errors = {row["message"]: row for row in rows("exceptions")}
    timings = metrics["browserTimings/totalDuration"]

    assert (view["name"], view["customDimensions"]["item"], view["duration"] > 0) == ("front", "1", True)
    assert view["url"].startswith("http://127.0.0.1:")
    assert columns(message, "message", "severityLevel", "customDimensions") == ("sold out", 2, {"item": "7"})
    assert columns(bought, "name", "customDimensions", "customMeasurements") == (
        "bought",
        {"item": "9"},
        {"price": 1.5},
    )
    assert columns(metrics["basket"], "value", "origin", "customDimensions") == (3.0, "application", {"tenant": "a"})
    assert (timings["origin"], timings["value"]) == ("standard", timings["customMeasurements"]["totalDuration"])
    assert errors["RangeError: no such item"]["customDimensions"]["item"] == "8"
    assert errors["Uncaught TypeError: odd"]["details"][0]["parsedStack"]


def test_a_fetch_is_a_dependency_that_its_server_can_continue(visited):
    server, seen = visited
    (call,), (headers,) = server.store.rows("dependencies"), seen.stock

    assert columns(call, "name", "type", "resultCode", "success") == ("GET /stock?item=7", "Fetch", "200", True)
    _, trace, span, _ = headers["traceparent"].split("-")
    assert trace == call["operation_Id"]
    assert span in call["id"]
    assert headers["request-id"] == call["id"].rstrip(".")


def test_the_browser_asks_whether_it_may_send(visited):
    server, seen = visited

    assert set(seen.preflights) == {f"{server.url}/v2/track"}


def test_what_is_left_is_sent_while_the_page_goes_by_fetch_or_as_a_beacon(visited):
    server, seen = visited

    assert [row["name"] for row in server.store.rows("customEvents")] == ["bought", "left", "left by beacon"]
    assert seen.beacons == [f"{server.url}/v2/track"]


def test_nothing_is_asked_of_other_machines(visited):
    assert {url.partition("127.0.0.1")[0] for url in visited[1].asked} == {"http://"}


def test_what_the_page_sends_is_shown_and_found(visited):
    server, _ = visited
    (view,) = server.store.rows("pageViews")

    shown = {(item, title) for _, item, title in tree(server, view["operation_Id"])}

    assert shown >= {
        ("pageView", "front"),
        ("customEvent", "bought"),
        ("customEvent", "left"),
        ("dependency", "GET /stock?item=7"),
        ("trace", "sold out"),
    }
    assert found(server, "sold") == [("trace", "sold out")]
    assert found(server, "browserTimings") == [("customMetric", "browserTimings/totalDuration")]
