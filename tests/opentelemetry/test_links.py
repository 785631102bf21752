"""Invocations for messages are linked to those who sent them, whatever these wrote into their messages."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.propagators.textmap import default_getter
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ext_opentelemetry.carried import span_of
from ext_opentelemetry.links import origin_of
from ext_sdk.function import Trigger
from tests.support import messages
from tests.support.invocations import PARENT, TRACE
from tests.support.lifecycle import Context, invoke
from tests.support.messages import SENDER, SENT_MS, traceparent

HOST = SpanContext(TRACE, PARENT, is_remote=True)
NO_HOST = SimpleNamespace(trace_parent="", trace_state="", attributes={})


def senders(origin):
    return [link.context.span_id for link in origin.links]


def as_list(*properties):
    """Kafka's headers as the host delivers them."""
    return [{"Key": key, "Value": value} for one in properties for key, value in one.items()]


@pytest.mark.parametrize("name", ["traceparent", "Diagnostic-Id"])
@pytest.mark.parametrize(
    ("system", "batch"),
    [("servicebus", messages.service_bus_batch), ("eventhubs", messages.event_hub_batch)],
)
def test_a_batch_is_linked_to_the_sender_of_each_message(system: str, batch, name: str):
    """And continues the host's trace. What has no sender has no link."""
    value = batch({name: traceparent(1)}, {}, {name: traceparent(3)})

    origin = origin_of(system, value, HOST)

    assert origin.parent is HOST
    assert senders(origin) == [1, 3]
    assert [link.attributes for link in origin.links] == [{"enqueuedTime": SENT_MS}] * 2


def test_a_batch_without_a_trace_of_the_host_begins_one():
    """There is no one message to continue."""
    origin = origin_of("servicebus", messages.service_bus_batch({"traceparent": SENDER}), None)

    assert origin.parent is None
    assert len(origin.links) == 1


SINGLE = [
    ("servicebus", lambda: messages.service_bus(properties={"Diagnostic-Id": SENDER}), SENT_MS),
    ("eventhubs", lambda: messages.event_hub({"Diagnostic-Id": SENDER}), SENT_MS),
    ("eventgrid", lambda: messages.cloud_event(traceparent=SENDER), SENT_MS),
    ("kafka", lambda: messages.kafka(as_list({"traceparent": SENDER})), SENT_MS),
    ("kafka", lambda: messages.kafka(as_list({"traceparent": base64.b64encode(SENDER.encode()).decode()})), SENT_MS),
]


@pytest.mark.parametrize(("system", "make", "sent"), SINGLE)
def test_a_single_message_is_linked_to_its_sender_within_the_hosts_trace(system: str, make, sent: int):
    """With the time at which it was queued."""
    origin = origin_of(system, make(), HOST)

    assert origin.parent is HOST
    assert [(f"{link.context.trace_id:032x}", link.attributes) for link in origin.links] == [
        ("1" * 32, {"enqueuedTime": sent})
    ]


@pytest.mark.parametrize(("system", "make", "sent"), SINGLE)
def test_a_single_message_continues_its_senders_trace_where_the_host_has_none(system: str, make, sent: int):
    """The link stays for the time in the queue."""
    origin = origin_of(system, make(), None)

    assert f"{origin.parent.span_id:016x}" == "2" * 16
    assert origin.parent.is_remote
    assert [link.attributes for link in origin.links] == [{"enqueuedTime": sent}]


def test_a_sender_that_the_host_continued_itself_is_no_link():
    """It is the parent already."""
    host = span_of(SENDER)

    assert origin_of("servicebus", messages.service_bus(properties={"traceparent": SENDER}), host) == (host, ())


def test_messages_of_a_storage_queue_carry_no_sender():
    """They are text and nothing else."""
    value = messages.decoded("queueTrigger", json.dumps({"traceparent": SENDER}), Id="1")

    assert origin_of("azure_queue_storage", value, HOST) == (HOST, ())
    assert origin_of("azure_queue_storage", value, None) == (None, ())


def test_the_older_name_of_the_properties_is_read_as_well():
    """`user_properties`, where `application_properties` are not delivered."""
    value = messages.decoded(
        "serviceBusTrigger", "x", MessageId="1", UserProperties={"Diagnostic-Id": SENDER}
    )  # fmt: skip

    assert len(origin_of("servicebus", value, HOST).links) == 1


def test_messages_of_the_sdk_bindings_have_bytes_for_names():
    """As AMQP delivers them to the Azure SDKs."""
    message = SimpleNamespace(application_properties={b"Diagnostic-Id": SENDER.encode()}, enqueued_time_utc=None)
    event = SimpleNamespace(properties={b"traceparent": SENDER.encode()}, enqueued_time=None)

    for system, value in (("servicebus", message), ("servicebus", [message]), ("eventhubs", [event])):
        (link,) = origin_of(system, value, HOST).links
        assert (f"{link.context.span_id:016x}", link.attributes) == ("2" * 16, None)


def test_the_senders_trace_state_is_kept():
    value = messages.service_bus(properties={"traceparent": SENDER, "tracestate": "vendor=1"})

    (link,) = origin_of("servicebus", value, HOST).links
    assert link.context.trace_state.to_header() == "vendor=1"


def test_a_thousand_messages_are_as_many_links_as_a_span_takes(finished):
    """The SDK's limit is 128; the invocation says how many there were."""
    value = messages.service_bus_batch(*({"traceparent": traceparent(number + 1)} for number in range(1000)))
    trigger = Trigger("msgs", "serviceBusTrigger", {"queueName": "q"})
    invoke(lambda msgs: None, name="Job", trigger=trigger, msgs=value)

    (span,) = finished()
    assert span.attributes["messaging.batch.message_count"] == 1000
    assert len(span.links) == 128


def test_the_function_runs_in_the_senders_trace(finished):
    """From the message to what the function does."""

    def main(msg, context):
        with context.tracer.span("inside"):
            pass

    trigger = Trigger("msg", "serviceBusTrigger", {"queueName": "q"})
    value = messages.service_bus(properties={"traceparent": SENDER})
    invoke(main, name="Job", trigger=trigger, context=Context(trace_context=NO_HOST), msg=value)

    inside, job = finished()
    assert {f"{span.context.trace_id:032x}" for span in (inside, job)} == {"1" * 32}
    assert (f"{job.parent.span_id:016x}", inside.parent.span_id) == ("2" * 16, job.context.span_id)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.just(SENDER),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["traceparent", "tracestate", "Diagnostic-Id", "Key", "Value", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JUNK)
def test_no_properties_are_too_strange(junk):
    """They are written by whoever may send messages."""
    made = SimpleNamespace(
        application_properties=junk, user_properties=junk, enqueued_time_utc=junk, enqueued_time=junk, properties=None,
        metadata={"Properties": junk, "PropertiesArray": junk}, headers=junk, timestamp=junk, extension_attrs=junk,
        time=junk,
    )  # fmt: skip
    for system in ("servicebus", "eventhubs", "eventgrid", "kafka", "azure_queue_storage", "rabbitmq"):
        for value in (made, [made], [made, junk], junk, [junk]):
            origin = origin_of(system, value, HOST)
            assert origin.parent is HOST
            assert all(link.context.is_valid for link in origin.links)


def test_properties_that_cannot_be_read_are_no_senders():
    """The metadata of Event Hubs is decoded only when somebody asks."""
    broken = messages.event_hub(Properties=messages.Datum("{", "json"))

    assert origin_of("eventhubs", broken, HOST) == (HOST, [])


HEX = "0123456789abcdef"


def like(size: int):
    return st.text(HEX + "0" * 8, min_size=size, max_size=size) | st.text(HEX + "G-_ +A", min_size=size, max_size=size)


TRACEPARENTS = st.one_of(
    st.text(max_size=80),
    st.builds(
        "{}-{}-{}-{}{}".format,
        st.sampled_from(["00", "00", "01", "cc", "ff", "0", "0x"]),
        like(32),
        like(16),
        st.sampled_from(["00", "01", "03", "ff", "1", "0G"]),
        st.sampled_from(["", "", "-", "-more", " ", "more"]),
    ),
)


@given(TRACEPARENTS, st.sampled_from(["", "a=1", "a=1,b=2", "=", "ä"]))
def test_a_traceparent_is_read_as_opentelemetry_reads_it(header: str, state: str):
    """Only quicker."""
    carrier = {"traceparent": header, "tracestate": state}
    expected = get_current_span(
        TraceContextTextMapPropagator().extract(carrier, getter=default_getter)
    ).get_span_context()

    found = span_of(header, state)

    assert found == (expected if expected.is_valid else None)


@pytest.mark.parametrize("value", [None, 7, b"00", [], "0" * 100_000])
def test_what_is_no_text_or_far_too_long_is_no_traceparent(value):
    assert span_of(value) is None
    assert span_of(SENDER, value).trace_state.to_header() == ""
