"""Which items are taken, and in what words the others are refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.insights.ingest.fields import duration
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.moment import Window
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.store.schema import COLUMNS
from tests.support.insights import BASE, TABLE_OF, ago, envelope, post, reason

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)


def stored(item):
    """Return the row of an item as a dict."""
    table, row = read_item(item, Window())
    return dict(zip(COLUMNS[table], row, strict=True))


def refusal(item):
    with pytest.raises(RejectedError) as caught:
        read_item(item, Window())
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize("base_type", BASE)
def test_the_least_of_each_type_is_taken_into_its_table(base_type):
    assert read_item(envelope(base_type), Window())[0] == TABLE_OF[base_type]


REQUIRED = [
    ("RequestData", "id", "string"),
    ("RequestData", "duration", "string"),
    ("RequestData", "responseCode", "string"),
    ("RequestData", "success", "boolean"),
    ("RemoteDependencyData", "name", "string"),
    ("RemoteDependencyData", "duration", "string"),
    ("MessageData", "message", "string"),
    ("ExceptionData", "exceptions", "array"),
    ("EventData", "name", "string"),
    ("MetricData", "metrics", "array"),
    ("AvailabilityData", "id", "string"),
    ("AvailabilityData", "name", "string"),
    ("AvailabilityData", "duration", "string"),
    ("AvailabilityData", "success", "boolean"),
    ("PageViewData", "id", "string"),
    ("PageViewData", "name", "string"),
]
SENT_EMPTY = [("RemoteDependencyData", "name"), ("MessageData", "message"), ("EventData", "name")]
"""What Python's exporters send for a span without a name, and for a log or a span's event without text."""


@pytest.mark.parametrize(("base_type", "field", "expected"), REQUIRED)
@pytest.mark.parametrize("value", [..., None])
def test_a_required_field_that_is_missing_is_named(base_type, field, expected, value):
    assert refusal(envelope(base_type, **{field: value})) == (
        f"109: Field '{field}' on type '{base_type}' is required but missing or empty. "
        f"Expected: {expected}, Actual: undefined"
    )


@pytest.mark.parametrize(
    ("base_type", "field"),
    [
        (base_type, field)
        for base_type, field, expected in REQUIRED
        if expected == "string" and field != "duration" and (base_type, field) not in SENT_EMPTY
    ],
)
def test_a_required_text_that_is_empty_is_named(base_type, field):
    assert refusal(envelope(base_type, **{field: ""})) == (
        f"109: Field '{field}' on type '{base_type}' is required but missing or empty. Expected: string, Actual: "
    )


@pytest.mark.parametrize(("base_type", "field"), SENT_EMPTY)
def test_what_the_exporters_send_empty_is_stored_so(base_type, field):
    assert stored(envelope(base_type, **{field: ""}))[field] == ""


@pytest.mark.parametrize(("field", "expected"), [("name", "string"), ("time", "string"), ("data", "object")])
def test_an_envelope_without_its_parts_is_refused(field, expected):
    item = envelope()
    del item[field]

    assert refusal(item) == (
        f"109: Field '{field}' on type 'Envelope' is required but missing or empty. "
        f"Expected: {expected}, Actual: undefined"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 5}, "106: Field 'name' on type 'Envelope' is of incorrect type. Expected: string, Actual: number"),
        ({"time": 5}, "106: Field 'time' on type 'Envelope' is of incorrect type. Expected: string, Actual: number"),
        ({"time": "soon"}, "102: Field 'time' on type 'Envelope' is not a valid time string. Expected: date, Actual: soon"),
        ({"time": "2026-13-01T00:00:00Z"}, "102: Field 'time' on type 'Envelope' is not a valid time string. Expected: date, Actual: 2026-13-01T00:00:00Z"),
        ({"iKey": {}}, "106: Field 'iKey' on type 'Envelope' is of incorrect type. Expected: string, Actual: object"),
        ({"tags": []}, "106: Field 'tags' on type 'Envelope' is of incorrect type. Expected: object, Actual: array"),
        ({"tags": {"ai.operation.id": []}}, "106: Field 'ai.operation.id' on type 'ContextTagKeys' is of incorrect type. Expected: string, Actual: array"),
        ({"data": "x"}, "106: Field 'data' on type 'Envelope' is of incorrect type. Expected: object, Actual: string"),
        ({"data": {"baseType": "RequestData"}}, "109: Field 'baseData' on type 'Data' is required but missing or empty. Expected: object, Actual: undefined"),
        ({"data": {"baseType": "RequestData", "baseData": []}}, "106: Field 'baseData' on type 'Data' is of incorrect type. Expected: object, Actual: array"),
        ({"data": {"baseData": {}}}, "109: Field 'baseType' on type 'Data' is required but missing or empty. Expected: string, Actual: undefined"),
        (
            {"data": {"baseType": "Nonsense", "baseData": {}}},
            "Field 'baseType' on type 'Data' is not known. Expected: one of RequestData, RemoteDependencyData, MessageData, "
            "ExceptionData, EventData, MetricData, PageViewData, AvailabilityData, Actual: Nonsense",
        ),
        ({"sampleRate": 0}, "Field 'sampleRate' on type 'Envelope' is out of range. Expected: more than 0, at most 100, Actual: 0"),
        ({"sampleRate": 101}, "Field 'sampleRate' on type 'Envelope' is out of range. Expected: more than 0, at most 100, Actual: 101"),
        ({"sampleRate": "50"}, "106: Field 'sampleRate' on type 'Envelope' is of incorrect type. Expected: number, Actual: string"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_envelope_is_said(change, message):
    assert refusal(envelope() | change) == message


@pytest.mark.parametrize(
    ("base_type", "field", "value", "message"),
    [
        ("RequestData", "id", 1, "106: Field 'id' on type 'RequestData' is of incorrect type. Expected: string, Actual: number"),
        ("RequestData", "success", 1, "106: Field 'success' on type 'RequestData' is of incorrect type. Expected: boolean, Actual: number"),
        ("RequestData", "success", "yes", "106: Field 'success' on type 'RequestData' is of incorrect type. Expected: boolean, Actual: string"),
        ("RequestData", "duration", 5, "106: Field 'duration' on type 'RequestData' is of incorrect type. Expected: string, Actual: number"),
        ("RequestData", "duration", "1 s", "102: Field 'duration' on type 'RequestData' is not a valid time span string. Expected: [d.]hh:mm:ss[.fffffff], Actual: 1 s"),
        ("RequestData", "properties", [1], "106: Field 'properties' on type 'RequestData' is of incorrect type. Expected: object, Actual: array"),
        ("RequestData", "measurements", {"a": "1"}, "106: Field 'a' on type 'measurements' is of incorrect type. Expected: number, Actual: string"),
        ("RequestData", "measurements", {"a": True}, "106: Field 'a' on type 'measurements' is of incorrect type. Expected: number, Actual: boolean"),
        ("RequestData", "measurements", {"a": float("inf")}, "Field 'a' on type 'measurements' is out of range. Expected: finite number, Actual: inf"),
        ("RequestData", "measurements", {"a": 10**400}, "Field 'a' on type 'measurements' is out of range. Expected: finite number, Actual: a huge number"),
        ("MessageData", "severityLevel", 5, "Field 'severityLevel' on type 'MessageData' is out of range. Expected: 0-4 or one of Verbose, Information, Warning, Error, Critical, Actual: 5"),
        ("MessageData", "severityLevel", "bad", "Field 'severityLevel' on type 'MessageData' is out of range. Expected: 0-4 or one of Verbose, Information, Warning, Error, Critical, Actual: bad"),
        ("MessageData", "severityLevel", True, "106: Field 'severityLevel' on type 'MessageData' is of incorrect type. Expected: number, Actual: boolean"),
        ("ExceptionData", "exceptions", [], "109: Field 'exceptions' on type 'ExceptionData' is required but missing or empty. Expected: array, Actual: "),
        ("ExceptionData", "exceptions", [1], "106: Field 'exceptions' on type 'ExceptionData' is of incorrect type. Expected: object, Actual: number"),
        ("ExceptionData", "exceptions", [{"message": "m"}], "109: Field 'typeName' on type 'ExceptionDetails' is required but missing or empty. Expected: string, Actual: undefined"),
        ("ExceptionData", "exceptions", [{"typeName": "T"}], "109: Field 'message' on type 'ExceptionDetails' is required but missing or empty. Expected: string, Actual: undefined"),
        ("ExceptionData", "exceptions", [{"typeName": "T", "message": "m", "parsedStack": [{"level": 0}]}], "109: Field 'method' on type 'StackFrame' is required but missing or empty. Expected: string, Actual: undefined"),
        ("MetricData", "metrics", [{"name": "m"}], "109: Field 'value' on type 'DataPoint' is required but missing or empty. Expected: number, Actual: undefined"),
        ("MetricData", "metrics", [{"value": 1}], "109: Field 'name' on type 'DataPoint' is required but missing or empty. Expected: string, Actual: undefined"),
        ("MetricData", "metrics", [{"name": "m", "value": 1, "count": 2**70}], "Field 'count' on type 'DataPoint' is out of range. Expected: integer of 64 bits, Actual: a huge number"),
        ("MetricData", "metrics", [{"name": "m", "value": 1, "count": 1.5}], "Field 'count' on type 'DataPoint' is out of range. Expected: integer of 64 bits, Actual: 1.5"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_item_is_said(base_type, field, value, message):
    assert refusal(envelope(base_type, **{field: value})) == message


def test_a_wrong_value_is_quoted_only_in_part():
    assert refusal(envelope(duration="x" * 1000)).endswith("Actual: " + "x" * 64 + "...")


def test_an_item_is_taken_for_48_hours_and_not_longer():
    window = Window(NOW)

    assert window.read("2025-12-31T12:00:00Z") == "2025-12-31T12:00:00.000000Z"
    with pytest.raises(RejectedError) as caught:
        window.read("2025-12-31T11:59:59Z")
    assert str(caught.value) == (
        "103: Field 'time' on type 'Envelope' is older than the allowed min date. "
        "Expected: now - 172800000ms, Actual: now - 172801000ms"
    )


def test_an_item_is_taken_from_2_hours_ahead_and_not_further():
    window = Window(NOW)

    assert window.read("2026-01-02T14:00:00Z") == "2026-01-02T14:00:00.000000Z"
    with pytest.raises(RejectedError) as caught:
        window.read("2026-01-02T14:00:00.5Z")
    assert str(caught.value) == (
        "103: Field 'time' on type 'Envelope' is newer than the allowed max date. "
        "Expected: now + 7200000ms, Actual: now + 7200500ms"
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T12:00:00.125Z",
        "2026-01-02T12:00:00.1250000Z",
        "2026-01-02T12:00:00.125000000Z",
        "2026-01-02T13:00:00.125+01:00",
        "2026-01-02T10:30:00.125-0130",
        "2026-01-02 12:00:00.125z",
        "2026-01-02T12:00:00.125",
    ],
)
def test_every_way_to_write_a_moment_is_stored_in_one(text):
    assert Window(NOW).read(text) == "2026-01-02T12:00:00.125000Z"


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0.00:00:00.125", 125),
        ("00:00:00", 0),
        ("1.01:01:01.500", 90061500),
        ("999.23:59:59.9999999", 86399999999.9999),
        ("00:00:00.0000001", 0.0001),
        ("0:0:1.5", 1500),
    ],
)
def test_durations_are_stored_as_milliseconds(text, milliseconds):
    assert duration(text, "", "") == milliseconds


@pytest.mark.parametrize(
    "text",
    ["", "1", "00:00", "24:00:00", "00:60:00", "00:00:60", "-00:00:01", "1000.00:00:00", "00:00:00.12345678", "00:00:0\u0661", " 00:00:01", "00:00:01\n"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(RejectedError):
        duration(text, "", "")


@given(st.timedeltas(timedelta(0), timedelta(days=999)))
def test_any_duration_that_can_be_written_can_be_read(delta):
    hours, rest = divmod(delta.seconds, 3600)
    text = f"{delta.days}.{hours:02}:{rest // 60:02}:{rest % 60:02}.{delta.microseconds:06}"

    assert duration(text, "", "") == pytest.approx(delta / timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("base_type", "field", "column", "limit"),
    [
        ("RequestData", "id", "id", 512),
        ("RequestData", "name", "name", 1024),
        ("RequestData", "url", "url", 2048),
        ("RemoteDependencyData", "data", "data", 8192),
        ("RemoteDependencyData", "target", "target", 1024),
        ("MessageData", "message", "message", 32768),
        ("EventData", "name", "name", 512),
        ("AvailabilityData", "runLocation", "location", 1024),
        ("PageViewData", "url", "url", 2048),
    ],
)
def test_text_that_is_too_long_is_cut(base_type, field, column, limit):
    assert stored(envelope(base_type, **{field: "x" * 40000}))[column] == "x" * limit


def test_keys_values_and_tags_that_are_too_long_are_cut():
    row = stored(envelope(tags={"ai.user.id": "u" * 999}, properties={"k" * 999: "v" * 9999}))

    assert row["customDimensions"] == f'{{"{"k" * 150}":"{"v" * 8192}"}}'
    assert row["user_Id"] == "u" * 128


def test_properties_become_text_and_null_is_left_out():
    properties = {"a": 1, "b": True, "c": 1.5, "d": None, "e": ["x", {"y": None}]}
    row = stored(envelope(properties=properties, measurements={"e": None, "f": 2}))

    assert json.loads(row["customDimensions"]) == {"a": "1", "b": "true", "c": "1.5", "e": '["x",{"y":null}]'}
    assert row["customMeasurements"] == '{"f":2.0}'


def test_a_property_that_is_nested_too_deeply_is_named():
    deep = []
    for _ in range(200_000):
        deep = [deep]

    assert refusal(
        envelope() | {"data": {"baseType": "EventData", "baseData": {"name": "e", "properties": {"a": deep}}}}
    ) == ("Field 'a' on type 'properties' is nested too deeply.")


@pytest.mark.parametrize(
    ("value", "level"), [(0, 0), (4, 4), ("Verbose", 0), ("information", 1), ("WARNING", 2), ("Error", 3), ("4", 4)]
)
def test_severity_is_a_number_or_a_name(value, level):
    assert stored(envelope("MessageData", severityLevel=value))["severityLevel"] == level


@pytest.mark.parametrize(("value", "success"), [(True, True), (False, False), ("true", True), ("False", False)])
def test_success_may_be_text(value, success):
    assert stored(envelope(success=value))["success"] is success


def test_a_dependency_that_does_not_say_so_has_succeeded():
    assert stored(envelope("RemoteDependencyData"))["success"] is True


@pytest.mark.parametrize(("rate", "count"), [(None, 1), (100, 1), (50, 2), (33.3, 3), (5e-324, 2**31 - 1)])
def test_an_item_stands_for_as_many_as_its_sample_rate_says(rate, count):
    assert stored(envelope() | {"sampleRate": rate})["itemCount"] == count


def test_all_accepted_is_200(shared):
    assert post(shared, [envelope(), envelope("EventData")]) == (
        200,
        {"itemsReceived": 2, "itemsAccepted": 2, "errors": []},
    )


def test_some_accepted_is_206_and_names_the_others(shared):
    status, answer = post(shared, [envelope(id=...), envelope(), 7])

    assert (status, answer["itemsReceived"], answer["itemsAccepted"]) == (206, 3, 1)
    assert [(error["index"], error["statusCode"]) for error in answer["errors"]] == [(0, 400), (2, 400)]


def test_none_accepted_is_the_status_of_the_first(shared):
    status, answer = post(shared, [envelope(id=...), 7])

    assert (status, answer["itemsReceived"], answer["itemsAccepted"], len(answer["errors"])) == (400, 2, 0, 2)


def test_an_old_item_is_refused_over_http(shared):
    answer = post(shared, envelope() | {"time": ago(hours=49)})

    assert reason(answer).startswith(
        "103: Field 'time' on type 'Envelope' is older than the allowed min date. "
        "Expected: now - 172800000ms, Actual: now - 1764000"
    )
