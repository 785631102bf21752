"""What the browser SDK spells its own way, and what it measures of a page, has a place."""

from __future__ import annotations

import pytest

from tests.support.insights import BASE, envelope, post, reason

TIMINGS = {"perfTotal": "00:00:00.211", "networkConnect": "00:00:00.001", "domProcessing": "00:00:00.191"}


def of_browser(base_type, **data):
    item = envelope("PageViewData", **data)
    item["data"]["baseType"] = base_type
    return item


def test_a_page_view_of_a_browser_is_a_page_view(server):
    assert post(server, of_browser("PageviewData", url="http://shop/"))[0] == 200

    (view,) = server.store.rows("pageViews")
    assert (view["name"], view["url"]) == (BASE["PageViewData"]["name"], "http://shop/")


def test_how_long_a_page_took_is_a_metric_with_its_parts_as_measurements(server):
    assert post(server, of_browser("PageviewPerformanceData", id=..., **TIMINGS))[0] == 200

    (metric,) = server.store.rows("customMetrics")
    assert (metric["name"], metric["value"], metric["origin"]) == ("browserTimings/totalDuration", 211.0, "standard")
    assert metric["customMeasurements"] == {
        "totalDuration": 211.0,
        "networkDuration": 1.0,
        "processingDuration": 191.0,
    }


@pytest.mark.parametrize("field", TIMINGS)
def test_a_part_that_is_no_duration_is_refused(server, field):
    message = reason(post(server, of_browser("PageviewPerformanceData", **{field: "soon"})))

    assert message.startswith(
        f"102: Field '{field}' on type 'PageviewPerformanceData' is not a valid time span string."
    )
