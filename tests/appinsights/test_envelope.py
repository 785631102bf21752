"""Items are made within the service's limits, and say exactly what they were told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights import envelope, fields

NOW = 1_767_323_045_678_901_234  # 2026-01-02T03:04:05.678901234Z
SECOND = 1_000_000_000


def data(item: dict) -> dict:
    return item["data"]["baseData"]


def test_a_request_is_this_on_the_wire():
    """The whole item, byte for byte what the service documents."""
    item = envelope.request(
        time_ns=NOW,
        id="00f067aa0ba902b7",
        name="GET /items/{id}",
        duration_ns=125 * 10**6,
        success=True,
        response_code="200",
        url="https://shop/items/7",
        source="queue",
        properties={"tenant": "a"},
        measurements={"rows": 3},
        tags={"ai.operation.id": "0af7651916cd43dd8448eb211c80319c", "ai.cloud.role": "shop", "ai.user.id": None},
        sample_rate=50.0,
    )

    assert item == {
        "name": "Microsoft.ApplicationInsights.Request",
        "time": "2026-01-02T03:04:05.678901Z",
        "sampleRate": 50.0,
        "tags": {"ai.operation.id": "0af7651916cd43dd8448eb211c80319c", "ai.cloud.role": "shop"},
        "data": {
            "baseType": "RequestData",
            "baseData": {
                "ver": 2,
                "id": "00f067aa0ba902b7",
                "name": "GET /items/{id}",
                "duration": "0.00:00:00.125",
                "responseCode": "200",
                "success": True,
                "url": "https://shop/items/7",
                "source": "queue",
                "properties": {"tenant": "a"},
                "measurements": {"rows": 3},
            },
        },
    }


def test_the_other_types_have_their_fields():
    """Each of the other seven, with every field that the builder knows."""
    made = {
        "RemoteDependency/RemoteDependencyData": envelope.dependency(
            time_ns=NOW,
            name="GET /",
            duration_ns=SECOND,
            success=False,
            id="a",
            result_code="503",
            type="HTTP",
            target="h",
            data="u",
        ),
        "Exception/ExceptionData": envelope.exception(
            time_ns=NOW, details=envelope.exception_details("T", "m"), severity=3, problem_id="p"
        ),
        "Message/MessageData": envelope.message(time_ns=NOW, text="hello", severity=1),
        "Event/EventData": envelope.event(time_ns=NOW, name="paid"),
        "Metric/MetricData": envelope.metric(
            time_ns=NOW, name="m", value=6.0, count=3, minimum=1, maximum=3, standard_deviation=0.8, namespace="ns"
        ),
        "Availability/AvailabilityData": envelope.availability(
            time_ns=NOW, id="a", name="ping", duration_ns=0, success=True, run_location="here", message="fine"
        ),
        "PageView/PageViewData": envelope.page_view(
            time_ns=NOW, id="a", name="start", url="u", duration_ns=SECOND, referrer_uri="r"
        ),
    }
    for names, item in made.items():
        assert f"{item['name'].rpartition('.')[2]}/{item['data']['baseType']}" == names

    assert [data(item) for item in made.values()] == [
        {"ver": 2, "name": "GET /", "duration": "0.00:00:01.000", "success": False, "id": "a", "resultCode": "503",
         "type": "HTTP", "target": "h", "data": "u"},
        {"ver": 2, "exceptions": [{"typeName": "T", "message": "m", "hasFullStack": False}], "severityLevel": 3, "problemId": "p"},
        {"ver": 2, "message": "hello", "severityLevel": 1},
        {"ver": 2, "name": "paid"},
        {"ver": 2, "metrics": [{"name": "m", "value": 6.0, "ns": "ns", "kind": 1, "count": 3, "min": 1, "max": 3, "stdDev": 0.8}]},
        {"ver": 2, "id": "a", "name": "ping", "duration": "0.00:00:00.000", "success": True, "runLocation": "here", "message": "fine"},
        {"ver": 2, "id": "a", "name": "start", "url": "u", "referrerUri": "r", "duration": "0.00:00:01.000"},
    ]  # fmt: skip


def test_every_type_says_how_many_items_it_stands_for():
    """Counts in queries are `sum(itemCount)`, so an item without a rate counts wrong."""
    assert envelope.message(time_ns=NOW, text="a")["sampleRate"] == 100.0
    assert envelope.metric(time_ns=NOW, name="a", value=1, sample_rate=25.0)["sampleRate"] == 25.0


LONG = "x" * 40_000


@pytest.mark.parametrize(
    ("item", "limits"),
    [
        (
            envelope.request(
                time_ns=NOW, id=LONG, name=LONG, duration_ns=0, success=True, response_code=LONG, url=LONG, source=LONG
            ),
            {"id": 128, "name": 1024, "responseCode": 1024, "url": 2048, "source": 1024},
        ),
        (
            envelope.dependency(
                time_ns=NOW, name=LONG, duration_ns=0, id=LONG, result_code=LONG, type=LONG, target=LONG, data=LONG
            ),
            {"name": 1024, "id": 128, "resultCode": 1024, "type": 1024, "target": 1024, "data": 8192},
        ),
        (envelope.message(time_ns=NOW, text=LONG), {"message": 32768}),
        (envelope.event(time_ns=NOW, name=LONG), {"name": 512}),
        (
            envelope.availability(
                time_ns=NOW, id=LONG, name=LONG, duration_ns=0, success=True, run_location=LONG, message=LONG
            ),
            {"id": 128, "name": 1024, "runLocation": 1024, "message": 8192},
        ),
        (
            envelope.page_view(time_ns=NOW, id=LONG, name=LONG, url=LONG, referrer_uri=LONG),
            {"id": 128, "name": 512, "url": 2048, "referrerUri": 2048},
        ),
        (envelope.exception(time_ns=NOW, error=ValueError(), problem_id=LONG), {"problemId": 1024}),
    ],
    ids=["request", "dependency", "message", "event", "availability", "page view", "exception"],
)
def test_each_text_is_cut_to_its_own_limit(item: dict, limits: dict[str, int]):
    """A text that is too long costs its end, not the item."""
    assert {key: len(data(item)[key]) for key in limits} == limits


def test_a_metric_is_cut_too():
    """Its texts are one level further down."""
    (point,) = data(envelope.metric(time_ns=NOW, name=LONG, value=1, namespace=LONG))["metrics"]

    assert (len(point["name"]), len(point["ns"])) == (1024, 256)


@pytest.mark.parametrize(
    ("tag", "limit"),
    [
        ("ai.operation.name", 1024),
        ("ai.location.ip", 45),
        ("ai.operation.parentId", 128),
        ("ai.cloud.role", 256),
        ("ai.internal.sdkVersion", 64),
    ],
)
def test_tags_are_cut_to_their_limits(tag: str, limit: int):
    """Each tag of the context has a limit of its own."""
    assert len(envelope.event(time_ns=NOW, name="e", tags={tag: LONG})["tags"][tag]) == limit


def test_properties_are_texts_and_what_is_not_text_is_json():
    """No Python repr ever reaches a query."""
    item = envelope.event(
        time_ns=NOW,
        name="e",
        properties={
            "text": "plain", "yes": True, "none": None, "list": ("a", "b"), "number": 1.5, "map": {"k": [1]}, "": "x",
            "set": {1}, "umlaut": ["ä"], "k" * 151: "v" * 9000,
        },
    )  # fmt: skip

    assert data(item)["properties"] == {
        "text": "plain",
        "yes": "true",
        "list": '["a","b"]',
        "number": "1.5",
        "map": '{"k":[1]}',
        "set": '"{1}"',
        "umlaut": '["ä"]',
        "k" * 150: "v" * 8192,
    }


def test_measurements_are_finite_numbers():
    """What the service could not hold is left out, and costs only itself."""
    item = envelope.event(
        time_ns=NOW,
        name="e",
        measurements={
            "int": 1,
            "float": 0.5,
            "nan": float("nan"),
            "inf": float("inf"),
            "flag": True,
            "text": "1",
            "big": 10**400,
            "k" * 151: 2,
        },
    )

    assert data(item)["measurements"] == {"int": 1, "float": 0.5, "k" * 150: 2}


def test_a_required_text_that_is_blank_becomes_not_available():
    """The service refuses an item without it."""
    assert data(envelope.message(time_ns=NOW, text=" \n"))["message"] == "n/a"
    assert data(envelope.dependency(time_ns=NOW, name="", duration_ns=0))["name"] == "n/a"


def test_a_metric_without_a_number_is_refused_by_name():
    """It would make the whole request invalid JSON."""
    with pytest.raises(ValueError) as caught:
        envelope.metric(time_ns=NOW, name="load", value=float("nan"))
    assert str(caught.value) == "The value of metric 'load' must be a finite number, not nan."


def test_an_exception_item_needs_an_exception():
    """An item about nothing would be refused by the service later."""
    with pytest.raises(ValueError) as caught:
        envelope.exception(time_ns=NOW)
    assert str(caught.value) == "envelope.exception needs error= or details=."


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0.00:00:00.000"),
        (499_999, "0.00:00:00.000"),
        (500_000, "0.00:00:00.001"),
        (999_499_999, "0.00:00:00.999"),
        (999_500_000, "0.00:00:01.000"),
        (59_999_500_000, "0.00:01:00.000"),
        (86_399_999_500_000, "1.00:00:00.000"),
        (90_061_500_000_000, "1.01:01:01.500"),
        (-5, "0.00:00:00.000"),
        (1000 * 86_400 * SECOND, "999.23:59:59.999"),
    ],
)
def test_a_duration_is_rounded_to_the_millisecond_with_carry(nanoseconds: int, text: str):
    """Up to the longest the service takes, and never negative."""
    assert fields.duration(nanoseconds) == text


@given(st.integers(0, 999 * 86_400 * SECOND))
def test_a_duration_reads_back_within_half_a_millisecond(nanoseconds: int):
    """Whatever its size."""
    days, _, clock = fields.duration(nanoseconds).partition(".")
    hours, minutes, seconds = clock.split(":")
    whole, _, milliseconds = seconds.partition(".")
    total = timedelta(
        days=int(days), hours=int(hours), minutes=int(minutes), seconds=int(whole), milliseconds=int(milliseconds)
    )
    assert [len(part) for part in (hours, minutes, whole, milliseconds)] == [2, 2, 2, 3]
    assert abs(total // timedelta(microseconds=1) * 1000 - nanoseconds) <= 500_000


@given(st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)))
def test_a_time_reads_back_to_the_microsecond(moment: datetime):
    """ISO 8601, UTC, with a trailing Z."""
    moment = moment.replace(tzinfo=timezone.utc)
    nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000

    assert fields.timestamp(nanoseconds + 999) == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=200), ANYTHING, max_size=5))
def test_whatever_the_dimensions_are_the_item_is_valid(values: dict):
    """Texts within the limits, measurements finite, the whole of it JSON."""
    item = envelope.event(time_ns=NOW, name="e", properties=values, measurements=values)

    json.dumps(item, allow_nan=False)
    for key, value in data(item).get("properties", {}).items():
        assert 0 < len(key) <= 150
        assert isinstance(value, str)
        assert len(value) <= 8192
