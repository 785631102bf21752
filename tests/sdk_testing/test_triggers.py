"""What starts functions: as the host sends it, through azure.functions' own converters."""

from __future__ import annotations

from datetime import datetime, timezone

import azure.functions as func
import pytest

from ext_sdk.testing import trigger

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_an_http_request_has_what_was_given_and_sensible_defaults():
    request = trigger("http", method="post", url="/api/orders", json={"a": 1}, headers={"X-Key": "k"}).value
    assert isinstance(request, func.HttpRequest)
    assert (request.method, request.url) == ("POST", "http://localhost:7071/api/orders")
    assert request.get_json() == {"a": 1}
    assert dict(request.headers) == {"x-key": "k", "content-type": "application/json"}
    assert trigger().value.method == "GET"


def test_an_http_request_has_parameters_of_the_query_and_of_the_route():
    request = trigger("http", params={"page": "2"}, route_params={"id": "7"}, url="https://shop/x", route="x/{id}")
    assert (dict(request.value.params), dict(request.value.route_params)) == ({"page": "2"}, {"id": "7"})
    assert request.value.url == "https://shop/x?page=2"
    assert request.trigger.binding["route"] == "x/{id}"


def test_the_query_of_a_url_is_what_the_request_has_as_parameters():
    request = trigger("http", url="/api/orders?page=2&name=green%20tea&page=3&empty=").value
    assert dict(request.params) == {"page": "2,3", "name": "green tea"}
    assert request.url == "http://localhost:7071/api/orders?page=2&name=green%20tea&page=3&empty="


def test_parameters_are_added_to_the_query_of_a_url():
    request = trigger("http", url="/api/orders?page=2", params={"name": "tea & cake"}).value
    assert dict(request.params) == {"page": "2", "name": "tea & cake"}
    assert request.url == "http://localhost:7071/api/orders?page=2&name=tea+%26+cake"


def test_a_timer_is_due_now():
    made = trigger("timer", past_due=True, schedule="0 0 * * * *")
    assert (made.value.past_due, made.binding["schedule"]) == (True, "0 0 * * * *")
    assert set(made.value.schedule_status) == {"Last", "Next", "LastUpdated"}


def test_a_queue_message_has_its_metadata():
    message = trigger("queue", body="tea", id="5", dequeue_count=3, insertion_time=NOW).value
    assert isinstance(message, func.QueueMessage)
    assert (message.get_body(), message.id, message.dequeue_count, message.insertion_time) == (b"tea", "5", 3, NOW)


def test_a_service_bus_message_has_its_metadata():
    made = trigger(
        "service_bus", body=b"tea", message_id="m", delivery_count=2, enqueued_time_utc=NOW,
        application_properties={"a": 1}, session_id="s", correlation_id="c",
    )  # fmt: skip
    message = made.value
    assert isinstance(message, func.ServiceBusMessage)
    assert (message.get_body(), message.message_id, message.delivery_count) == (b"tea", "m", 2)
    assert (message.enqueued_time_utc, message.session_id, message.correlation_id) == (NOW, "s", "c")
    assert message.application_properties == {"a": 1}


def test_service_bus_messages_come_as_a_batch():
    messages = trigger("service_bus", cardinality="many", bodies=["tea", "milk"]).value
    assert [(one.get_body(), one.message_id) for one in messages] == [(b"tea", "1"), (b"milk", "2")]
    assert all(one.enqueued_time_utc for one in messages)


def test_an_event_of_event_hubs_has_its_metadata():
    event = trigger("event_hub", body="tea", enqueued_time=NOW, partition_key="p", sequence_number=9).value
    assert isinstance(event, func.EventHubEvent)
    assert (event.get_body(), event.enqueued_time, event.partition_key, event.sequence_number) == (b"tea", NOW, "p", 9)


def test_events_of_event_hubs_come_as_a_batch():
    events = trigger("event_hub", cardinality="many", bodies=[b"tea", b"milk"], enqueued_time=NOW).value
    assert [(one.get_body(), one.sequence_number, one.enqueued_time) for one in events] == [
        (b"tea", 1, NOW), (b"milk", 2, NOW),
    ]  # fmt: skip


def test_an_event_of_event_grid_has_its_data():
    event = trigger("event_grid", data={"a": 1}, event_time=NOW, subject="s").value
    assert isinstance(event, func.EventGridEvent)
    assert (event.get_json(), event.event_time, event.subject) == ({"a": 1}, NOW, "s")


def test_a_blob_has_its_name_and_properties():
    blob = trigger("blob", content="text", path="pictures/cat.png").value
    assert (blob.read(), blob.name, blob.length) == (b"text", "pictures/cat.png", 4)


def test_documents_are_documents():
    documents = trigger("cosmos_db", documents=[{"id": "1"}, {"id": "2"}]).value
    assert isinstance(documents, func.DocumentList)
    assert [one["id"] for one in documents] == ["1", "2"]


def test_events_of_kafka_come_one_by_one_and_as_a_batch():
    event = trigger("kafka", body="tea", topic="t", offset=5, key="k").value
    assert (event.get_body(), event.topic, event.offset, event.key) == (b"tea", "t", 5, "k")
    events = trigger("kafka", cardinality="many", bodies=["tea", "milk"], offset=5).value
    assert [(one.get_body(), one.offset) for one in events] == [(b"tea", 5), (b"milk", 6)]


@pytest.mark.parametrize("value", [None, 1, "text", {"a": [1]}])
def test_an_activity_takes_what_json_can_say(value):
    assert trigger("activity", input=value).value == value


def test_a_trigger_without_a_converter_has_its_value_as_it_is():
    made = trigger("generic", value="x", type="redisStreamTrigger")
    assert (made.value, made.trigger.type) == ("x", "redisStreamTrigger")


def test_each_value_is_a_new_one():
    made = trigger("blob")
    assert made.value is not made.value


@pytest.mark.parametrize(
    ("kind", "facts", "error", "said"),
    [
        ("htp", {}, ValueError, "There is no trigger 'htp': did you mean 'http'?"),
        (
            "x", {}, ValueError,
            "There is no trigger 'x': there are 'http', 'timer', 'queue', 'service_bus', 'event_hub', 'event_grid', "
            "'blob', 'cosmos_db', 'kafka', 'activity', 'generic'.",
        ),
        (
            "timer", {"late": True}, TypeError,
            "A trigger 'timer' has no 'late'. It has: past_due, schedule, schedule_status, name.",
        ),
        (
            "kafka", {"cardinality": "one", "bodies": ["a"]}, ValueError,
            'bodies=[...] are a batch: say cardinality="many", or give a single body.',
        ),
        ("kafka", {"cardinality": "few"}, ValueError, "cardinality is 'few'. Allowed: \"one\", \"many\"."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_there_is(kind, facts, error, said):
    with pytest.raises(error) as caught:
        trigger(kind, **facts)
    assert str(caught.value) == said


@pytest.mark.parametrize("kind", ["service_bus", "event_hub", "kafka"])
def test_several_bodies_are_a_batch_without_saying_so(kind):
    sent = trigger(kind, bodies=["tea", "milk"])
    assert [one.get_body() for one in sent.value] == [b"tea", b"milk"]
    assert sent.binding["cardinality"] == "many"
