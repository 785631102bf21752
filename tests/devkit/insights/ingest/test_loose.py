"""Without --strict, what can be understood of an item is stored, and the reason why the service would not take it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings

from ext_devkit.insights.ingest.loose import read_loosely
from ext_devkit.insights.ingest.moment import Window
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.ingest.track import track
from ext_devkit.insights.server import InsightsServer
from ext_devkit.insights.store.schema import COLUMNS
from tests.devkit.insights.test_malformed_bodies import spoiled_envelopes
from tests.support.insights import BASE, ago, envelope, post, reason


def loose(item):
    """Return table and row of an item as a dict, JSON decoded."""
    table, row = read_loosely(item, Window())
    found = dict(zip(COLUMNS[table], row, strict=True))
    return table, found | {"customDimensions": json.loads(found["customDimensions"] or "{}")}


def mended(item):
    """Return the row of an item that the service refuses."""
    return loose(item)[1]


@pytest.mark.parametrize("base_type", BASE)
def test_a_valid_item_is_read_as_ever(base_type):
    _, row = loose(envelope(base_type))

    assert "_refused" not in row["customDimensions"]


def test_the_reason_is_kept_with_the_item():
    row = mended(envelope(duration=..., properties={"a": "b"}))

    assert row["customDimensions"] == {
        "a": "b",
        "_refused": "109: Field 'duration' on type 'RequestData' is required but missing or empty. "
        "Expected: string, Actual: undefined",
    }


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05.000000Z"),
        ("2099-12-31T23:59:59.5+01:00", "2099-12-31T22:59:59.500000Z"),
    ],
)
def test_any_time_is_taken(given, stored):
    assert mended(envelope() | {"time": given})["timestamp"] == stored


@pytest.mark.parametrize("given", [None, "", "soon", 1_700_000_000, [], "0000-00-00T00:00:00Z"])
def test_what_is_no_time_is_now(given):
    before = ago()[:19]

    assert before <= mended(envelope() | {"time": given})["timestamp"] <= ago(seconds=-60)


RICH = {
    "RequestData": {"url": "http://a", "source": "b"},
    "RemoteDependencyData": {"id": "1", "type": "SQL", "target": "db", "data": "SELECT 1", "success": False},
    "ExceptionData": {
        "problemId": "p",
        "severityLevel": 3,
        "exceptions": [
            {"id": 1, "typeName": "A", "message": "a", "hasFullStack": True, "stack": "at x",
             "parsedStack": [{"level": 4, "method": "f", "assembly": "m", "fileName": "f.py", "line": 3}]},
            {"id": 2, "outerId": 1, "typeName": "B", "message": "b", "hasFullStack": False},
        ],
    },
    "MetricData": {"metrics": [{"name": "m", "ns": "n", "kind": 1, "value": 5, "count": 2, "min": 1, "max": 4, "stdDev": 0.5}]},
    "PageViewData": {"url": "http://a", "duration": "00:00:01", "referrerUri": "http://b"},
    "AvailabilityData": {"runLocation": "here", "message": "up"},
}  # fmt: skip


@pytest.mark.parametrize("base_type", BASE)
def test_an_item_that_is_only_old_loses_nothing(base_type):
    common = {} if base_type == "MetricData" else {"measurements": {"c": 1.5}}
    item = envelope(
        base_type, properties={"a": {"b": 1}}, tags={"ai.cloud.role": "r"}, **common, **RICH.get(base_type, {})
    )
    _, now = loose(item)

    _, old = loose(item | {"time": "2020-01-02T03:04:05Z"})

    del old["customDimensions"]["_refused"]
    assert old == now | {"timestamp": "2020-01-02T03:04:05.000000Z"}


MENDED = [
    ("RequestData", {"duration": 1500.5}, {"duration": 1500.5}),
    ("RequestData", {"duration": 93_784_005}, {"duration": 93_784_005.0}),
    ("RequestData", {"duration": "soon"}, {"duration": 0.0}),
    ("RequestData", {"duration": -1}, {"duration": 0.0}),
    ("RequestData", {"responseCode": 404}, {"resultCode": "404"}),
    ("RequestData", {"responseCode": ...}, {"resultCode": "0"}),
    ("RequestData", {"success": ...}, {"success": True}),
    ("RequestData", {"success": ..., "responseCode": "404"}, {"success": False}),
    ("RequestData", {"success": 0}, {"success": False}),
    ("RequestData", {"success": "1"}, {"success": True}),
    ("RequestData", {"success": [], "url": {"a": 1}}, {"success": True, "url": '{"a":1}'}),
    ("RemoteDependencyData", {"name": ...}, {"name": "n/a"}),
    ("RemoteDependencyData", {"success": "maybe"}, {"success": True}),
    ("MessageData", {"message": ...}, {"message": ""}),
    ("MessageData", {"message": {"a": [1]}}, {"message": '{"a":[1]}'}),
    ("MessageData", {"severityLevel": 9}, {"severityLevel": 4}),
    ("MessageData", {"severityLevel": "loud"}, {"severityLevel": None}),
    ("EventData", {"name": 7}, {"name": "7"}),
    ("ExceptionData", {"exceptions": []}, {"type": "Exception", "message": ""}),
    ("ExceptionData", {"exceptions": ..., "message": "no"}, {"type": "Exception", "message": "no"}),
    ("ExceptionData", {"exceptions": ["no"]}, {"type": "Exception", "message": "no"}),
    ("ExceptionData", {"exceptions": [{"typeName": "E", "message": None, "parsedStack": [{"line": "x"}, 7]}]},
     {"type": "E", "message": "", "method": "n/a"}),
    ("ExceptionData", {"exceptions": [{"typeName": "E", "parsedStack": [{"method": "f", "line": 3}]}]},
     {"type": "E", "problemId": "E at f"}),
    ("MetricData", {"metrics": [{"name": "a", "value": "1.5", "count": "x", "min": [], "max": "2"}]},
     {"name": "a", "value": 1.5, "valueCount": 1, "valueMin": 1.5, "valueMax": 2.0}),
    ("MetricData", {"metrics": [{"name": 7, "value": 1}]}, {"name": "7", "value": 1}),
    ("PageViewData", {"name": ..., "referredUri": "r"}, {"name": "n/a", "referrerUri": "r"}),
    ("AvailabilityData", {"success": ..., "duration": ...}, {"success": True, "duration": 0.0}),
]  # fmt: skip


@pytest.mark.parametrize(("base_type", "given", "stored"), MENDED)
def test_a_field_is_put_right_or_replaced_or_left_out(base_type, given, stored):
    row = mended(envelope(base_type, **given))

    assert {column: row[column] for column in stored} == stored
    assert row["customDimensions"]["_refused"]


@pytest.mark.parametrize("base_type", ["RequestData", "PageViewData", "AvailabilityData"])
def test_an_item_without_an_id_gets_one_of_its_own(base_type):
    first, second = (mended(envelope(base_type, id=given))["id"] for given in (..., ""))

    assert first != second
    assert re.fullmatch("[0-9a-f]{16}", first)


def test_properties_measurements_tags_and_the_rest_are_kept_as_far_as_they_can_be():
    item = envelope(properties=["a"], measurements={"good": 1, "bad": "x"}, tags={"ai.cloud.role": ["shop"]})

    row = mended(item | {"sampleRate": -3, "iKey": 7})

    assert row["customDimensions"]["properties"] == '["a"]'
    assert row["customMeasurements"] == '{"good":1.0}'
    assert (row["cloud_RoleName"], row["itemCount"], row["iKey"]) == ('["shop"]', 1, "7")


def test_an_unknown_type_is_a_log_that_shows_what_came():
    table, row = loose(
        envelope() | {"data": {"baseType": "CatData", "baseData": {"name": "Tom", "properties": {"a": 1}}}}
    )

    assert (table, row["message"]) == ("traces", "Tom")
    assert row["customDimensions"]["baseType"] == "CatData"
    assert row["customDimensions"]["a"] == "1"
    assert row["customDimensions"]["baseData"] == '{"name":"Tom","properties":{"a":1}}'
    assert row["customDimensions"]["_refused"].startswith("Field 'baseType' on type 'Data' is not known.")


def test_the_type_may_be_told_by_the_name_of_the_envelope():
    item = envelope("RemoteDependencyData")
    del item["data"]["baseType"]

    assert loose(item)[0] == "dependencies"


@pytest.mark.parametrize("data", [None, 7, {}, {"baseType": 7}, {"baseType": "RequestData", "baseData": 7}])
def test_an_envelope_without_data_is_stored_all_the_same(data):
    assert loose(envelope() | {"data": data})[1]["customDimensions"]["_refused"]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (7, "106: Field 'item' on type 'Body' is of incorrect type. Expected: object, Actual: number"),
        (envelope("MetricData", metrics=[{"name": "a"}]), "109: Field 'value' on type 'DataPoint' is required"),
        (envelope("MetricData", metrics=[{"value": 1}]), "109: Field 'name' on type 'DataPoint' is required"),
    ],
)
def test_what_says_nothing_is_refused_still(item, why):
    with pytest.raises(RejectedError) as caught:
        read_loosely(item, Window())

    assert str(caught.value).startswith(why)


def test_a_server_is_strict_unless_it_is_told_otherwise(shared, tolerant):
    item = envelope(success=...)

    assert reason(post(shared, item)).startswith("109: Field 'success'")
    assert post(tolerant, item) == (200, {"itemsReceived": 1, "itemsAccepted": 1, "errors": []})
    assert post(tolerant, item, "/v2/validate")[0] == 200


@pytest.fixture(scope="module")
def tolerant():
    with InsightsServer(strict=False) as server:
        yield server


@given(item=spoiled_envelopes())
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_spoiled_envelope_is_stored_or_says_nothing(tolerant, item):
    """Only a metric without a name or a value says nothing."""
    answer = track(json.dumps([item]).encode(), tolerant.store, strict=False)

    if answer.status != 200:
        assert re.search("DataPoint|half of a surrogate|nested too deeply|digits", reason((answer.status, answer.body)))
