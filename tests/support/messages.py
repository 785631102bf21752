"""What triggers deliver, decoded by azure-functions' own converters from what a host sends."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum, get_binding_registry

SENDER = "00-11111111111111111111111111111111-2222222222222222-01"
SENT = "2026-01-02T03:04:05.678Z"
SENT_MS = 1_767_323_045_678


def traceparent(number: int) -> str:
    """Return the traceparent of a sender of its own."""
    return f"00-{number:032x}-{number:016x}-01"


def texts(*values: str) -> Datum:
    """Return a batch of texts, as the host sends it."""
    return Datum(SimpleNamespace(string=list(values)), "collection_string")


def decoded(trigger: str, value: Any, **metadata: Any) -> Any:
    """Return what a function gets for a trigger: `value` and `metadata` as JSON, unless they are text or a Datum."""
    given = {name: _datum(one) for name, one in metadata.items()}
    return get_binding_registry().get(trigger).decode(_datum(value), trigger_metadata=given)


def _datum(value: Any) -> Datum:
    if isinstance(value, Datum):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Datum(value, "int")
    return Datum(value, "string") if isinstance(value, str) else Datum(json.dumps(value), "json")


def service_bus(body: str = "order", properties: Any = None, **metadata: Any) -> Any:
    """Return one message of Service Bus."""
    described = {
        "MessageId": "m-1",
        "CorrelationId": "c-1",
        "DeliveryCount": 2,
        "EnqueuedTimeUtc": SENT,
        "ApplicationProperties": properties or {},
        "UserProperties": properties or {},
    }
    return decoded("serviceBusTrigger", body, **described | metadata)


def service_bus_batch(*properties: Any, **metadata: Any) -> Any:
    """Return a batch of messages of Service Bus with these properties."""
    described = {
        "ApplicationPropertiesArray": list(properties),
        "UserPropertiesArray": list(properties),
        "EnqueuedTimeUtcArray": [SENT] * len(properties),
        "MessageIdArray": texts(*(f"m-{number}" for number in range(len(properties)))),
    }
    return decoded("serviceBusTrigger", texts(*("order" for _ in properties)), **described | metadata)


PARTITION = {"PartitionContext": {"ConsumerGroup": "$Default", "EventHubName": "hub", "PartitionId": "3"}}


def event_hub(properties: Any = None, **metadata: Any) -> Any:
    """Return one event of Event Hubs."""
    described = {
        "SystemProperties": {"EnqueuedTimeUtc": SENT, "SequenceNumber": 7},
        "EnqueuedTimeUtc": SENT,
        "SequenceNumber": 7,
        "Offset": "70",
        "Properties": properties or {},
        **PARTITION,
    }
    return decoded("eventHubTrigger", "reading", **described | metadata)


def event_hub_batch(*properties: Any, **metadata: Any) -> Any:
    """Return a batch of events of Event Hubs with these properties."""
    described = {
        "SystemPropertiesArray": [{"EnqueuedTimeUtc": SENT, "SequenceNumber": 7, "Offset": 70} for _ in properties],
        "PropertiesArray": list(properties),
        **PARTITION,
    }
    return decoded("eventHubTrigger", texts(*("reading" for _ in properties)), **described | metadata)


def kafka(headers: Any = (), **metadata: Any) -> Any:
    """Return one event of Kafka."""
    described = {
        "Timestamp": SENT, "Key": "k-1", "Partition": 3, "Offset": 70, "Topic": "orders", "Headers": list(headers)
    }  # fmt: skip
    return decoded("kafkaTrigger", "order", **described | metadata)


def cloud_event(**more: Any) -> Any:
    """Return an event of Event Grid in the schema of CloudEvents."""
    event = {
        "specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.made", "subject": "7", "time": SENT,
        "data": {},
    }  # fmt: skip
    return decoded("eventGridTrigger", event | more)


def event_grid(**more: Any) -> Any:
    """Return an event of Event Grid in its own schema."""
    topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid/topics/orders"
    event = {
        "id": "e-1", "topic": topic, "subject": "7", "eventType": "order.made", "eventTime": SENT, "data": {},
        "dataVersion": "1",
    }  # fmt: skip
    return decoded("eventGridTrigger", event | more)
