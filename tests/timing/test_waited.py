"""How long a message waited, as the real converters of azure-functions tell when it was sent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from azure.functions import meta
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.queue import QueueMessageInConverter
from azure.functions.servicebus import ServiceBusMessageInConverter

from ext_sdk.function import Trigger
from ext_timing import waited
from tests.support.lifecycle import invoke


def ago(seconds, form="%Y-%m-%dT%H:%M:%S.%fZ"):
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).strftime(form)


def datum(value, kind="json"):
    return meta.Datum(json.dumps(value) if kind == "json" else value, kind)


def queue(seconds):
    # As the host sends it: without parts of a second.
    told = {"InsertionTime": datum(ago(seconds, "%Y-%m-%dT%H:%M:%S+00:00"))}
    return QueueMessageInConverter.decode(datum("x", "string"), trigger_metadata=told)


def service_bus(seconds):
    told = {"EnqueuedTimeUtc": datum(ago(seconds)), "UserProperties": datum({})}
    return ServiceBusMessageInConverter.decode(datum("x", "string"), trigger_metadata=told)


def event_hub(seconds):
    told = {"EnqueuedTimeUtc": datum(ago(seconds)), "SystemProperties": datum({})}
    return EventHubTriggerConverter.decode(datum("x", "string"), trigger_metadata=told)


def event_grid(seconds):
    event = {"id": "1", "topic": "t", "subject": "s", "eventType": "e", "eventTime": ago(seconds), "dataVersion": "1"}
    return EventGridEventInConverter.decode(datum({**event, "data": {}}), trigger_metadata={})


KINDS = {
    "queueTrigger": queue, "serviceBusTrigger": service_bus, "eventHubTrigger": event_hub, "eventGridTrigger": event_grid,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_waited_since_it_was_sent(kind, caplog):
    invoke(lambda message: None, trigger=Trigger("message", kind, {}), message=KINDS[kind](60))
    (record,) = caplog.records
    assert 60_000 <= record.custom_dimensions["waited_ms"] < 75_000
    assert ", waited 6" in record.getMessage() or ", waited 7" in record.getMessage()


def test_of_a_batch_it_is_the_message_that_waited_longest():
    assert 60_000 <= waited.milliseconds([event_hub(5), event_hub(60), event_hub(10)]) < 75_000


def test_a_sender_whose_clock_is_ahead_makes_no_negative_time():
    assert waited.milliseconds(service_bus(-30)) == 0.0


def test_a_time_without_a_zone_is_utc():
    message = service_bus(0)
    assert waited.milliseconds(type("Message", (), {"enqueued_time_utc": datetime(2000, 1, 1)})()) > 1e11
    assert waited.milliseconds(message) < 15_000


def test_a_time_that_the_host_does_not_know_is_left_out():
    """It sends what .NET has where there is none, as for an event that was not enqueued."""
    unknown = {"EnqueuedTimeUtc": datum("0001-01-01T00:00:00Z"), "SystemProperties": datum({})}
    assert waited.milliseconds(EventHubTriggerConverter.decode(datum("x", "string"), trigger_metadata=unknown)) is None


@pytest.mark.parametrize("value", ["text", b"bytes", None, [], ["text"], {"a": 1}, object()])
def test_what_does_not_tell_is_left_out(value):
    assert waited.milliseconds(value) is None


def test_a_trigger_that_knows_no_messages_is_not_asked(caplog):
    invoke(lambda req: None, req=service_bus(60))
    assert "waited_ms" not in caplog.records[0].custom_dimensions
