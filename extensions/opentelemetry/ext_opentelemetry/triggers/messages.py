"""Messages: where they come from, and what a single one or a batch of them tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_opentelemetry.triggers.expressions import told_by
from ext_opentelemetry.triggers.values import epoch_seconds, first, is_batch, metadata_of, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[Any, dict[str, Any]], None]

SYSTEMS = {
    "queuetrigger": "azure_queue_storage",
    "servicebustrigger": "servicebus",
    "eventhubtrigger": "eventhubs",
    "eventgridtrigger": "eventgrid",
    "kafkatrigger": "kafka",
    "rabbitmqtrigger": "rabbitmq",
}
"""Trigger -> messaging.system."""

_FROM_BINDING = {
    "messaging.destination.name": ("queueName", "topicName", "eventHubName", "topic"),
    "messaging.destination.subscription.name": ("subscriptionName",),
    "messaging.consumer.group.name": ("consumerGroup",),
}
"""Attribute -> the properties of the binding that can give it."""


def source(system: str, binding: Mapping[str, Any]) -> tuple[dict[str, Any], Reader]:
    """Return the attributes of all invocations, and what reads the messages of a single one."""
    attributes: dict[str, Any] = {
        "messaging.system": system,
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
    }
    attributes.update(told_by(binding, _FROM_BINDING))
    single, all_of_them = _SINGLE.get(system), _ALL.get(system)

    def read(value: Any, attributes: dict[str, Any]) -> None:
        if is_batch(value):
            attributes["messaging.batch.message_count"] = len(value)
        elif value is not None:
            _put(attributes, "messaging.message.body.size", size_of(value))
            if single is not None:
                single(value, attributes)
        if all_of_them is not None:
            all_of_them(value, attributes)

    return attributes, read


def _put(attributes: dict[str, Any], name: str, value: Any) -> None:
    if value not in (None, ""):
        attributes[name] = value if isinstance(value, (str, int)) else str(value)


def _queue(message: Any, attributes: dict[str, Any]) -> None:
    _put(attributes, "messaging.message.id", getattr(message, "id", None))
    _put(attributes, "azure.functions.dequeue_count", getattr(message, "dequeue_count", None))


def _service_bus(message: Any, attributes: dict[str, Any]) -> None:
    _put(attributes, "messaging.message.id", getattr(message, "message_id", None))
    _put(attributes, "messaging.message.conversation_id", getattr(message, "correlation_id", None))
    _put(attributes, "messaging.servicebus.message.delivery_count", getattr(message, "delivery_count", None))
    enqueued = epoch_seconds(getattr(message, "enqueued_time_utc", None))
    _put(attributes, "messaging.servicebus.message.enqueued_time", enqueued)


def _event_hub(event: Any, attributes: dict[str, Any]) -> None:
    enqueued = epoch_seconds(getattr(event, "enqueued_time", None))
    _put(attributes, "messaging.eventhubs.message.enqueued_time", enqueued)


def _partition(value: Any, attributes: dict[str, Any]) -> None:
    """All events of a batch are of one partition."""
    metadata = metadata_of(value)
    partition = metadata.get("PartitionContext") or metadata.get("TriggerPartitionContext")
    if isinstance(partition, dict):
        _put(attributes, "messaging.destination.partition.id", partition.get("PartitionId"))
        if "messaging.consumer.group.name" not in attributes:
            _put(attributes, "messaging.consumer.group.name", partition.get("ConsumerGroup"))


def _kafka(event: Any, attributes: dict[str, Any]) -> None:
    _put(attributes, "messaging.kafka.message.key", getattr(event, "key", None))
    _put(attributes, "messaging.kafka.offset", getattr(event, "offset", None))
    partition = getattr(event, "partition", None)
    if partition is not None:
        attributes["messaging.destination.partition.id"] = str(partition)


def _kafka_topic(value: Any, attributes: dict[str, Any]) -> None:
    _put(attributes, "messaging.destination.name", getattr(first(value), "topic", None))


def _event_grid(event: Any, attributes: dict[str, Any]) -> None:
    """`event` is an EventGridEvent or, as some topics send them, a CloudEvent."""
    _put(attributes, "messaging.message.id", getattr(event, "id", None))
    if getattr(event, "specversion", None) is None:
        topic = str(getattr(event, "topic", None) or "")  # the whole path of the resource
        _put(attributes, "messaging.destination.name", topic.rpartition("/")[2])
        return
    _put(attributes, "cloudevents.event_id", event.id)
    _put(attributes, "cloudevents.event_source", event.source)
    _put(attributes, "cloudevents.event_spec_version", event.specversion)
    _put(attributes, "cloudevents.event_type", event.type)
    _put(attributes, "cloudevents.event_subject", event.subject)


_SINGLE: dict[str, Reader] = {
    "azure_queue_storage": _queue,
    "servicebus": _service_bus,
    "eventhubs": _event_hub,
    "eventgrid": _event_grid,
    "kafka": _kafka,
}
_ALL: dict[str, Reader] = {"eventhubs": _partition, "kafka": _kafka_topic}
