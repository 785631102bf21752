"""Metrics over time."""

from __future__ import annotations

import pytest

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.metrics import MOST_SERIES, metrics, series
from ext_devkit.insights.analysis.window import Window
from tests.devkit.insights.analysis.conftest import time

ALL = Window()


def values(found):
    return [value for _, value in found["series"][0]["points"]]


def test_metrics_are_listed_with_their_dimensions(rows):
    rows.add("customMetrics", "00:00:01", name="basket", customDimensions={"tenant": "a"})
    rows.add("customMetrics", "00:00:02", name="basket", customDimensions={"region": "north"})
    rows.add("customMetrics", "00:00:03", name="basket", namespace="shop")
    rows.add("customMetrics", "00:00:04", name="requests/duration", origin="standard")
    found = metrics(rows.reader, ALL)["metrics"]

    assert found == [
        {"name": "basket", "namespace": None, "origin": "application", "count": 2, "last": time("00:00:02"), "dimensions": ["region", "tenant"]},
        {"name": "basket", "namespace": "shop", "origin": "application", "count": 1, "last": time("00:00:03"), "dimensions": []},
        {"name": "requests/duration", "namespace": None, "origin": "standard", "count": 1, "last": time("00:00:04"), "dimensions": []},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("aggregation", "first"), [("avg", 2.5), ("sum", 10.0), ("count", 4), ("min", 1.0), ("max", 5.0)]
)
def test_what_was_put_together_before_is_put_together_further(rows, aggregation, first):
    """Three measurements in one item, one in another; then nothing; then one."""
    rows.add("customMetrics", "00:00:00.1", valueSum=9.0, valueCount=3, valueMin=1.0, valueMax=5.0)
    rows.add("customMetrics", "00:00:00.9", valueSum=1.0, valueCount=1, valueMin=1.0, valueMax=1.0)
    rows.add("customMetrics", "00:00:02", valueSum=7.0, valueCount=1, valueMin=7.0, valueMax=7.0)
    found = series(rows.reader, ALL, name="m", aggregation=aggregation)

    assert found["step_s"] == 1
    assert values(found) == [first, None, 1 if aggregation == "count" else 7.0]


def test_who_tells_no_least_value_has_none(rows):
    rows.add("customMetrics", valueSum=9.0, valueCount=3)

    assert values(series(rows.reader, ALL, name="m", aggregation="min")) == [None]


def test_each_value_of_a_dimension_has_a_line(rows):
    for tenant, value in (("a", 1.0), ("b", 2.0), ("a", 3.0), (None, 4.0)):
        rows.add("customMetrics", valueSum=value, customDimensions={"tenant": tenant} if tenant else {})
    found = series(rows.reader, ALL, name="m", aggregation="sum", split="tenant")

    assert [(line["label"], line["points"][0][1]) for line in found["series"]] == [
        ("a", 4.0),
        ("(none)", 4.0),
        ("b", 2.0),
    ]


def test_of_many_lines_those_with_few_items_are_one(rows):
    for number in range(MOST_SERIES + 5):
        for _ in range(MOST_SERIES + 5 - number):
            rows.add("customMetrics", customDimensions={"n": f"{number:02}"})
    found = series(rows.reader, ALL, name="m", aggregation="count", split="n")

    assert [line["label"] for line in found["series"]][-2:] == ["19", "(others)"]
    assert found["series"][-1]["points"][0][1] == 5 + 4 + 3 + 2 + 1


def test_a_namespace_narrows_it(rows):
    rows.add("customMetrics", valueSum=1.0, namespace="a")
    rows.add("customMetrics", valueSum=2.0, namespace="b")

    assert values(series(rows.reader, ALL, name="m", namespace="a", aggregation="sum")) == [1.0]
    assert values(series(rows.reader, ALL, name="m", aggregation="sum")) == [3.0]


def test_another_aggregation_is_refused(rows):
    with pytest.raises(DevkitError, match=r"'aggregation' is 'median'. Expected one of avg, sum, min, max, count"):
        series(rows.reader, ALL, name="m", aggregation="median")


def test_a_metric_that_is_not_there_has_no_line(rows):
    assert series(rows.reader, ALL, name="nope")["series"] == []
