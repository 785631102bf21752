"""What the span of an invocation says of its trigger, whose value azure-functions' own converters have made."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from azure.functions import KafkaEvent
from opentelemetry.trace import SpanKind

from ext_sdk.function import Trigger
from tests.support import messages
from tests.support.lifecycle import Context, invoke
from tests.support.messages import SENT_MS, decoded

ALWAYS = {"faas.name": "Job", "faas.invocation_id": "8f07ec1b"}
MESSAGE = ALWAYS | {
    "faas.trigger": "pubsub",
    "messaging.operation.type": "process",
    "messaging.operation.name": "process",
}


@pytest.fixture
def span_of(finished):
    """Invoke a function with a trigger's value; return its name, kind and attributes."""

    def run(trigger_type: str, binding: dict, value, context=None):
        trigger = Trigger("it", trigger_type, {"type": trigger_type, "name": "it", **binding})
        invoke(lambda it: None, name="Job", trigger=trigger, context=context, it=value)
        span = finished()[-1]
        attributes = dict(span.attributes)
        assert isinstance(attributes.pop("faas.coldstart"), bool)
        return span.name, span.kind, attributes

    return run


def test_a_timer_has_its_schedule_and_the_time(span_of):
    """Which a run that is late says too."""
    on_time = decoded("timerTrigger", {"IsPastDue": False, "Schedule": {"AdjustForDST": True}})
    name, kind, attributes = span_of("timerTrigger", {"schedule": "0 */5 * * * *"}, on_time)

    assert (name, kind) == ("Job", SpanKind.SERVER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attributes.pop("faas.time"))
    assert attributes == ALWAYS | {"faas.trigger": "timer", "faas.cron": "0 */5 * * * *"}

    late = decoded("timerTrigger", {"IsPastDue": True})
    assert span_of("timerTrigger", {}, late)[2]["azure.functions.past_due"] is True


def test_an_app_setting_in_a_binding_is_put_in(span_of, monkeypatch):
    """`%NAME%`, as the host does it; what is not set stays."""
    monkeypatch.setenv("SCHEDULE", "0 0 3 * * *")
    timer = decoded("timerTrigger", {})

    assert span_of("timerTrigger", {"schedule": "%SCHEDULE%"}, timer)[2]["faas.cron"] == "0 0 3 * * *"
    assert span_of("timerTrigger", {"schedule": "%OTHER%"}, timer)[2]["faas.cron"] == "%OTHER%"


def test_a_storage_queue_message(span_of):
    message = decoded("queueTrigger", "größe", Id="m-1", DequeueCount=3)

    assert span_of("queueTrigger", {"queueName": "orders"}, message) == (
        "Job",
        SpanKind.CONSUMER,
        MESSAGE
        | {
            "messaging.system": "azure_queue_storage",
            "messaging.destination.name": "orders",
            "messaging.message.id": "m-1",
            "messaging.message.body.size": 7,
            "azure.functions.dequeue_count": 3,
        },
    )


def test_a_service_bus_message(span_of):
    assert span_of("serviceBusTrigger", {"queueName": "orders"}, messages.service_bus()) == (
        "Job",
        SpanKind.CONSUMER,
        MESSAGE
        | {
            "messaging.system": "servicebus",
            "messaging.destination.name": "orders",
            "messaging.message.id": "m-1",
            "messaging.message.conversation_id": "c-1",
            "messaging.message.body.size": 5,
            "messaging.servicebus.message.delivery_count": 2,
            "messaging.servicebus.message.enqueued_time": SENT_MS // 1000,
        },
    )


def test_a_service_bus_batch_of_a_subscription(span_of):
    binding = {"topicName": "news", "subscriptionName": "all", "cardinality": "many"}

    assert span_of("serviceBusTrigger", binding, messages.service_bus_batch({}, {}, {}))[2] == MESSAGE | {
        "messaging.system": "servicebus",
        "messaging.destination.name": "news",
        "messaging.destination.subscription.name": "all",
        "messaging.batch.message_count": 3,
    }


EVENT_HUB = MESSAGE | {
    "messaging.system": "eventhubs",
    "messaging.destination.name": "hub",
    "messaging.destination.partition.id": "3",
}


def test_an_event_hub_event(span_of):
    """Its consumer group is the host's default, unless the binding names one."""
    assert span_of("eventHubTrigger", {"eventHubName": "hub"}, messages.event_hub())[2] == EVENT_HUB | {
        "messaging.consumer.group.name": "$Default",
        "messaging.message.body.size": 7,
        "messaging.eventhubs.message.enqueued_time": SENT_MS // 1000,
    }


def test_an_event_hub_batch(span_of):
    binding = {"eventHubName": "hub", "consumerGroup": "ours", "cardinality": "many"}

    assert span_of("eventHubTrigger", binding, messages.event_hub_batch({}, {}))[2] == EVENT_HUB | {
        "messaging.consumer.group.name": "ours",
        "messaging.batch.message_count": 2,
    }


def test_a_kafka_event(span_of):
    assert span_of("kafkaTrigger", {"topic": "orders", "consumerGroup": "ours"}, messages.kafka())[2] == MESSAGE | {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.consumer.group.name": "ours",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 70,
        "messaging.kafka.message.key": "k-1",
        "messaging.message.body.size": 5,
    }
    batch = [KafkaEvent(body=b"a", topic="orders"), KafkaEvent(body=b"b", topic="orders")]
    assert span_of("kafkaTrigger", {}, batch)[2] == MESSAGE | {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.batch.message_count": 2,
    }


def test_an_event_grid_event(span_of):
    """The topic's name, without the subscription and group in its path."""
    assert span_of("eventGridTrigger", {}, messages.event_grid())[2] == MESSAGE | {
        "messaging.system": "eventgrid",
        "messaging.destination.name": "orders",
        "messaging.message.id": "e-1",
    }


def test_a_cloud_event(span_of):
    assert span_of("eventGridTrigger", {}, messages.cloud_event())[2] == MESSAGE | {
        "messaging.system": "eventgrid",
        "messaging.message.id": "e-1",
        "cloudevents.event_id": "e-1",
        "cloudevents.event_source": "/shop",
        "cloudevents.event_spec_version": "1.0",
        "cloudevents.event_type": "order.made",
        "cloudevents.event_subject": "7",
    }


def test_a_blob(span_of):
    blob = decoded(
        "blobTrigger", "data",
        BlobTrigger="uploads/2026/a.png",
        Uri="https://shop.blob.core.windows.net/uploads/2026/a.png",
        Properties={"LastModified": "2026-01-02T03:04:05+00:00", "Length": 4},
    )  # fmt: skip

    assert span_of("blobTrigger", {"path": "uploads/{name}"}, blob) == (
        "Job",
        SpanKind.SERVER,
        ALWAYS
        | {
            "faas.trigger": "datasource",
            "faas.document.collection": "uploads",
            "faas.document.name": "2026/a.png",
            "faas.document.time": "2026-01-02T03:04:05+00:00",
        },
    )


def test_a_blob_that_the_host_says_nothing_of(span_of):
    """The binding names the container."""
    blob = decoded("blobTrigger", "data")

    assert span_of("blobTrigger", {"path": "uploads/{name}"}, blob)[2] == ALWAYS | {
        "faas.trigger": "datasource",
        "faas.document.collection": "uploads",
    }


@pytest.mark.parametrize("name", ["containerName", "collectionName"])
def test_a_changed_document_of_cosmos_db(span_of, name: str):
    """To the conventions the database is the collection; what is in a document, its id too, is not recorded."""
    document = {"id": "7", "_ts": 1_767_323_045}
    binding = {"databaseName": "shop", name: "items"}
    changes = ALWAYS | {
        "faas.trigger": "datasource",
        "faas.document.collection": "shop",
        "faas.document.name": "items",
    }

    assert span_of("cosmosDBTrigger", binding, decoded("cosmosDBTrigger", [document]))[2] == changes | {
        "faas.document.time": "2026-01-02T03:04:05Z",
        "azure.functions.document_count": 1,
    }
    several = decoded("cosmosDBTrigger", [document, document, document])
    assert span_of("cosmosDBTrigger", binding, several)[2] == changes | {"azure.functions.document_count": 3}


def test_changed_rows_of_a_table(span_of):
    """A function gets them as text."""
    rows = '[{"Operation": 0, "Item": {"id": 1}}]'

    assert span_of("sqlTrigger", {"tableName": "dbo.Items"}, rows)[2] == ALWAYS | {
        "faas.trigger": "datasource",
        "faas.document.collection": "dbo.Items",
    }


@pytest.mark.parametrize("trigger", ["activityTrigger", "entityTrigger", "mcpToolTrigger", ""])
def test_other_triggers_are_served_without_more(span_of, trigger: str):
    """What a Durable activity is given may be anything, a secret too."""
    assert span_of(trigger, {}, {"password": "x"}) == ("Job", SpanKind.SERVER, ALWAYS | {"faas.trigger": "other"})


def test_a_retry_says_which_one_it_is(span_of):
    """The first attempt says nothing."""
    first = Context(retry_context=SimpleNamespace(retry_count=0, max_retry_count=4))
    second = Context(retry_context=SimpleNamespace(retry_count=1, max_retry_count=4))
    timer = decoded("timerTrigger", {})

    assert "azure.functions.retry_count" not in span_of("timerTrigger", {}, timer, first)[2]
    attributes = span_of("timerTrigger", {}, timer, second)[2]
    assert (attributes["azure.functions.retry_count"], attributes["azure.functions.max_retry_count"]) == (1, 4)


class Hostile:
    """A value all of whose attributes raise."""

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize(
    "trigger",
    "queue serviceBus eventHub eventGrid kafka rabbitMQ blob cosmosDB sql timer http".split(),  # noqa: SIM905
)
def test_a_value_of_another_kind_costs_no_more_than_its_attributes(span_of, trigger: str, value: int):
    """Such as what the SDK bindings deliver, or what a test passes."""
    values = [None, 7, "text", b"", [], [None], {}, object(), Hostile(), [Hostile()]]
    _, _, attributes = span_of(f"{trigger}Trigger", {}, values[value])

    assert attributes.items() >= ALWAYS.items()


def test_messages_of_the_sdk_bindings_are_read_as_well(span_of):
    """azurefunctions-extensions-bindings-*: objects of the Azure SDKs."""
    message = SimpleNamespace(message_id="m-1", delivery_count=1, correlation_id=None)
    client = SimpleNamespace(container_name="uploads", blob_name="a/b.png")
    download = SimpleNamespace(container="uploads", name="a/b.png")

    found = span_of("serviceBusTrigger", {"queueName": "orders"}, message)[2]
    assert (found["messaging.message.id"], found["messaging.servicebus.message.delivery_count"]) == ("m-1", 1)
    for blob in (client, download):
        found = span_of("blobTrigger", {}, blob)[2]
        assert (found["faas.document.collection"], found["faas.document.name"]) == ("uploads", "a/b.png")


def test_a_function_that_is_loaded_again_is_read_anew(span_of):
    """With another binding."""
    message = decoded("queueTrigger", "x")

    before = span_of("queueTrigger", {"queueName": "a"}, message)[2]
    after = span_of("queueTrigger", {"queueName": "b"}, message)[2]
    assert [one["messaging.destination.name"] for one in (before, after)] == ["a", "b"]
