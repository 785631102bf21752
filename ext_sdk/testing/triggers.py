"""What starts a function, as the Functions host sends it: values and metadata for azure-functions' own converters.

The names and forms of metadata are those that the converters read (azure/functions/queue.py, servicebus.py,
eventhub.py, eventgrid.py, kafka.py, blob.py, timer.py, cosmosdb.py, http.py, durable_functions.py).
"""

from __future__ import annotations

import inspect
import json as jsons
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from warnings import catch_warnings, simplefilter

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from ext_sdk.function import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Text = str | bytes

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class TriggerValue:
    """What starts one invocation."""

    name: str
    """The function's parameter, e.g. `"req"`."""

    type: str
    """The binding's type as in function.json, e.g. `"httpTrigger"`."""

    datum: Datum
    """The value as the host sends it."""

    metadata: Mapping[str, Datum] = field(default_factory=dict)
    """What the host says of it."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    """Further properties of the binding: `route`, `queueName`, `schedule` ..."""

    @property
    def binding(self) -> dict[str, Any]:
        """The binding's object as in function.json."""
        return {"type": self.type, "direction": "in", "name": self.name, **self.properties}

    @property
    def trigger(self) -> Trigger:
        """What hooks see as `invocation.trigger`."""
        return Trigger(self.name, self.type, self.binding)

    @property
    def value(self) -> Any:
        """The value as the function receives it: made by azure-functions' converter, a new one each time."""
        converter = get_binding_registry().get(self.type)  # type: ignore[no-untyped-call]
        if converter is None:
            return self.datum.value
        with catch_warnings():  # of an activity's input it says once in a process that no type is given to it
            simplefilter("ignore", DeprecationWarning)
            return converter.decode(self.datum, trigger_metadata=self.metadata)


def trigger(kind: str = "http", /, **facts: Any) -> TriggerValue:
    """Return what starts a function, with sensible defaults for all that is not given.

    `kind` is `"http"`, `"timer"`, `"queue"`, `"service_bus"`, `"event_hub"`, `"event_grid"`, `"blob"`, `"cosmos_db"`,
    `"kafka"`, `"activity"` or `"generic"`; the facts of each are the arguments of the function of this module that
    has its name. `bodies=[...]` are a batch of Service Bus, Event Hubs and Kafka messages; `cardinality="many"` makes
    a batch of a single `body`.

    Raises ValueError for another kind, TypeError for a fact that the kind has not.
    """
    make = KINDS.get(kind)
    if make is None:
        near = get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, KINDS))}."
        raise ValueError(f"There is no trigger {kind!r}: {hint}")
    known = list(inspect.signature(make).parameters)
    for fact in facts:
        if fact not in known:
            raise TypeError(f"A trigger {kind!r} has no {fact!r}. It has: {', '.join(known)}.")
    return make(**facts)


def http(
    *,
    method: str = "GET",
    url: str = "/api/HttpTrigger",
    body: Text = b"",
    json: Any = None,
    headers: Mapping[str, str] = _NONE,
    params: Mapping[str, str] = _NONE,
    route_params: Mapping[str, str] = _NONE,
    route: str | None = None,
    name: str = "req",
) -> TriggerValue:
    """Return an HTTP request. `json` is a body, with its content type; `url` may leave out scheme and host.

    `params` are added to the query of `url`. The request has all of it as parameters, as the host sends them: without
    those that are empty, and with the values of one name as one text, `"1,2"`.
    """
    sent = dict(headers)
    if json is not None:
        body = jsons.dumps(json)
        sent.setdefault("content-type", "application/json")
    whole = url if "://" in url else f"http://localhost:7071/{url.lstrip('/')}"
    if params:
        whole += ("&" if urlsplit(whole).query else "?") + urlencode(params)
    query: dict[str, str] = {}
    for key, one in parse_qsl(urlsplit(whole).query):
        query[key] = f"{query[key]},{one}" if key in query else one
    value = {
        **_texts({"method": method.upper(), "url": whole}),
        "headers": _texts(sent),
        "query": _texts(query),
        "params": _texts(route_params),
        "body": Datum(_bytes(body), "bytes"),
    }
    told = {"route": route} if route is not None else {}
    return TriggerValue(name, "httpTrigger", Datum(value, "http"), {}, told)


def timer(
    *,
    past_due: bool = False,
    schedule: str = "0 */5 * * * *",
    schedule_status: Mapping[str, str] | None = None,
    name: str = "timer",
) -> TriggerValue:
    """Return a timer's request, due now."""
    now = datetime.now(timezone.utc)
    status = schedule_status or {"Last": _iso(now - timedelta(minutes=5)), "Next": _iso(now), "LastUpdated": _iso(now)}
    value = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": dict(status), "IsPastDue": past_due}
    return TriggerValue(name, "timerTrigger", _json(value), {}, {"schedule": schedule})


def queue(
    *,
    body: Text = "message",
    id: str = "1",  # noqa: A002 - as QueueMessage has it
    dequeue_count: int = 1,
    insertion_time: datetime | None = None,
    pop_receipt: str = "receipt",
    queue_name: str = "orders",
    name: str = "msg",
) -> TriggerValue:
    """Return a message of Azure Queue storage, sent now."""
    sent = insertion_time or datetime.now(timezone.utc)
    metadata = {
        "Id": _text(id),
        "DequeueCount": _json(dequeue_count),
        # Without parts of a second, as the service has it.
        "InsertionTime": _json(_whole(sent)),
        "ExpirationTime": _json(_whole(sent + timedelta(days=7))),
        "NextVisibleTime": _json(_whole(sent + timedelta(minutes=10))),
        "PopReceipt": _text(pop_receipt),
    }
    return TriggerValue(name, "queueTrigger", _body(body), metadata, {"queueName": queue_name})


def service_bus(
    *,
    body: Text = "message",
    bodies: Sequence[Text] | None = None,
    cardinality: str | None = None,
    message_id: str = "1",
    delivery_count: int = 1,
    enqueued_time_utc: datetime | None = None,
    application_properties: Mapping[str, Any] = _NONE,
    session_id: str | None = None,
    correlation_id: str | None = None,
    queue_name: str = "orders",
    name: str = "msg",
) -> TriggerValue:
    """Return a message of Service Bus, sent now, or a batch of them, the ids of which count on."""
    cardinality, all_of_them = _batch(body, bodies, cardinality)
    sent = _iso(enqueued_time_utc or datetime.now(timezone.utc))
    properties = dict(application_properties)
    told = {
        "ApplicationProperties": properties, "UserProperties": properties, "DeliveryCount": delivery_count,
        "EnqueuedTimeUtc": sent, "SessionId": session_id, "CorrelationId": correlation_id,
    }  # fmt: skip
    binding = {"queueName": queue_name, "cardinality": cardinality}
    if cardinality == "one":
        metadata = {key: _json(value) for key, value in told.items() if value is not None}
        return TriggerValue(
            name, "serviceBusTrigger", _body(body), {**metadata, "MessageId": _text(message_id)}, binding
        )
    count = len(all_of_them)
    arrays = {f"{key}Array": _json([value] * count) for key, value in told.items() if value is not None}
    arrays["MessageIdArray"] = _json([_counted(message_id, number) for number in range(count)])
    return TriggerValue(name, "serviceBusTrigger", _collection(all_of_them), arrays, binding)


def event_hub(
    *,
    body: Text = "event",
    bodies: Sequence[Text] | None = None,
    cardinality: str | None = None,
    enqueued_time: datetime | None = None,
    partition_key: str | None = None,
    sequence_number: int = 1,
    offset: str = "0",
    properties: Mapping[str, Any] = _NONE,
    event_hub_name: str = "events",
    name: str = "event",
) -> TriggerValue:
    """Return an event of Event Hubs, sent now, or a batch of them, whose sequence numbers count on."""
    cardinality, all_of_them = _batch(body, bodies, cardinality)
    sent = _iso(enqueued_time or datetime.now(timezone.utc))
    binding = {"eventHubName": event_hub_name, "cardinality": cardinality}
    if cardinality == "one":
        told = {
            "EnqueuedTimeUtc": sent, "PartitionKey": partition_key, "SequenceNumber": sequence_number,
            "Properties": dict(properties),
        }  # fmt: skip
        metadata = {key: _json(value) for key, value in told.items() if value is not None}
        metadata |= {"Offset": _text(offset), "SystemProperties": _json({})}
        return TriggerValue(name, "eventHubTrigger", _body(body), metadata, binding)
    system = [
        {
            "EnqueuedTimeUtc": sent, "SequenceNumber": sequence_number + number, "Offset": offset,
            "PartitionKey": partition_key,
        }
        for number in range(len(all_of_them))
    ]  # fmt: skip
    arrays = {
        "SystemPropertiesArray": _json(system),
        "PropertiesArray": _json([dict(properties)] * len(all_of_them)),
    }
    return TriggerValue(name, "eventHubTrigger", _collection(all_of_them), arrays, binding)


def event_grid(
    *,
    data: Any = None,
    id: str = "1",  # noqa: A002 - as EventGridEvent has it
    topic: str = "/topics/orders",
    subject: str = "orders/1",
    event_type: str = "Order.Placed",
    event_time: datetime | None = None,
    name: str = "event",
) -> TriggerValue:
    """Return an event of Event Grid, of now."""
    event = {
        "id": id, "topic": topic, "subject": subject, "eventType": event_type, "dataVersion": "1.0",
        "eventTime": _iso(event_time or datetime.now(timezone.utc)), "data": {} if data is None else data,
    }  # fmt: skip
    return TriggerValue(name, "eventGridTrigger", _json(event))


def blob(
    *,
    content: Text = b"content",
    path: str = "container/blob.txt",
    properties: Mapping[str, Any] = _NONE,
    metadata: Mapping[str, str] = _NONE,
    name: str = "blob",
) -> TriggerValue:
    """Return a blob; `path` begins with its container."""
    data = _bytes(content)
    told = {"Length": len(data), "LastModified": _iso(datetime.now(timezone.utc)), **properties}
    sent = {
        "BlobTrigger": _text(path),
        "Uri": _json(f"https://account.blob.core.windows.net/{path}"),
        "Properties": _json(told),
        "Metadata": _json(dict(metadata)),
    }
    return TriggerValue(name, "blobTrigger", Datum(data, "bytes"), sent, {"path": path.partition("/")[0] + "/{name}"})


def cosmos_db(
    *,
    documents: Sequence[Mapping[str, Any]] = ({"id": "1"},),
    database_name: str = "shop",
    container_name: str = "orders",
    name: str = "documents",
) -> TriggerValue:
    """Return documents that changed in Azure Cosmos DB."""
    value = [dict(one) for one in documents]
    binding = {"databaseName": database_name, "containerName": container_name}
    return TriggerValue(name, "cosmosDBTrigger", _json(value), {}, binding)


def kafka(
    *,
    body: Text = "event",
    bodies: Sequence[Text] | None = None,
    cardinality: str | None = None,
    key: str | None = None,
    topic: str = "orders",
    partition: int = 0,
    offset: int = 0,
    name: str = "event",
) -> TriggerValue:
    """Return an event of Kafka, sent now, or a batch of them, whose offsets count on."""
    cardinality, all_of_them = _batch(body, bodies, cardinality)
    sent = _iso(datetime.now(timezone.utc))
    binding = {"topic": topic, "cardinality": cardinality}
    if cardinality == "one":
        told: dict[str, Any] = {"Timestamp": sent, "Key": key, "Partition": partition, "Offset": offset, "Headers": []}
        metadata = {name: _json(value) for name, value in told.items() if value is not None}
        return TriggerValue(name, "kafkaTrigger", _body(body), {**metadata, "Topic": _text(topic)}, binding)
    count = len(all_of_them)
    arrays = {
        "TimestampArray": _json([sent] * count),
        "KeyArray": _json([key] * count),
        "PartitionArray": _json([partition] * count),
        "OffsetArray": Datum(SimpleNamespace(sint64=[offset + number for number in range(count)]), "collection_sint64"),
        "TopicArray": Datum(SimpleNamespace(string=[topic] * count), "collection_string"),
        "HeadersArray": _json([[]] * count),
    }
    return TriggerValue(name, "kafkaTrigger", _collection(all_of_them), arrays, binding)


def activity(*, input: Any = None, name: str = "input") -> TriggerValue:  # noqa: A002 - as Durable has it
    """Return what an orchestrator hands to an activity: anything that JSON can say."""
    return TriggerValue(name, "activityTrigger", _json(input))


def generic(*, value: Any = None, type: str = "genericTrigger", name: str = "value") -> TriggerValue:  # noqa: A002
    """Return anything, for a trigger that azure-functions has no converter for."""
    kind = "bytes" if isinstance(value, bytes) else "string"
    return TriggerValue(name, type, Datum(value, kind))


KINDS: dict[str, Callable[..., TriggerValue]] = {
    make.__name__: make
    for make in (http, timer, queue, service_bus, event_hub, event_grid, blob, cosmos_db, kafka, activity, generic)
}


def _batch(body: Text, bodies: Sequence[Text] | None, cardinality: str | None) -> tuple[str, Sequence[Text]]:
    """Return the cardinality, which `bodies` say if it is not given, and the bodies."""
    cardinality = cardinality or ("one" if bodies is None else "many")
    if cardinality not in ("one", "many"):
        raise ValueError(f'cardinality is {cardinality!r}. Allowed: "one", "many".')
    if cardinality == "one" and bodies is not None:
        raise ValueError('bodies=[...] are a batch: say cardinality="many", or give a single body.')
    return cardinality, [body] if bodies is None else bodies


def _counted(first: str, number: int) -> str:
    return str(int(first) + number) if first.isdecimal() else f"{first}-{number + 1}" if number else first


def _collection(bodies: Sequence[Text]) -> Datum:
    if any(isinstance(one, bytes) for one in bodies):
        return Datum(SimpleNamespace(bytes=[_bytes(one) for one in bodies]), "collection_bytes")
    return Datum(SimpleNamespace(string=list(bodies)), "collection_string")


def _body(body: Text) -> Datum:
    return Datum(body, "bytes" if isinstance(body, bytes) else "string")


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(str(value), "string") for name, value in values.items()}


def _json(value: Any) -> Datum:
    return Datum(jsons.dumps(value), "json")


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _whole(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")
