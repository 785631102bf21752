"""No bytes make the server fail, hang or fill its memory."""

from __future__ import annotations

import json
import tracemalloc
from types import SimpleNamespace

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from ext_devkit.insights.ingest.document import MOST_ITEMS
from ext_devkit.insights.ingest.receiving import Intake
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.otlp import values as reading_values
from ext_devkit.insights.otlp.exporting import export
from ext_devkit.insights.otlp.reading import MOST_BYTES_OF_ITEM
from ext_devkit.insights.otlp.wire import parts
from tests.support.otlp_http import REQUESTS, as_json, logs, metric, traces

FUZZ = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

ATTRIBUTES = {"http__request__method": "GET", "url__full": "http://a/b?c=d", "exception__type": "E", "a": "b"}
EXAMPLES = {
    "traces": traces(
        {"events": [{"name": "exception", "time_unix_nano": 1}, {"name": "e"}], "links": [{"trace_id": b"x"}]},
        {"kind": 3, "parent_span_id": b"12345678"},
        **ATTRIBUTES,
    ),
    "logs": logs({"body": "a", "severity_number": 9}, {"event_name": "x"}, **ATTRIBUTES),
    "metrics": metric(
        "exponential_histogram", {"count": 3, "sum": 5.0, "start_time_unix_nano": 1, "attributes": {"a": "b"}}
    ),
}


@pytest.fixture(scope="module")
def intake(shared):
    return SimpleNamespace(strict=True, store=shared.store, totals=Intake(shared.store).totals)


def outcome(intake, signal, body, *, as_json=False):
    """Return what becomes of a body; a body that is refused has a reason and a status of its own."""
    found = refusal = None
    try:
        found = export(body, signal, as_json=as_json, intake=intake)
    except RejectedError as error:
        refusal = error
    if found is not None:
        assert 0 <= found.rejected <= found.received
        return found
    assert refusal.status in (400, 413)
    return str(refusal)


signals = st.sampled_from(sorted(REQUESTS))


@given(signal=signals, body=st.binary(max_size=200))
@FUZZ
def test_any_bytes_are_taken_or_refused_with_a_reason(intake, signal, body):
    assert outcome(intake, signal, body)


@given(signal=signals, data=st.data())
@FUZZ
def test_a_request_with_a_few_other_bytes_is_taken_or_refused_with_a_reason(intake, signal, data):
    body = bytearray(EXAMPLES[signal].SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))

    assert outcome(intake, signal, bytes(body))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("\ud800") | st.just("9" * 400),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3),
    max_leaves=8,
)


@given(signal=signals, data=st.data())
@FUZZ
def test_a_request_in_json_with_other_values_is_taken_or_refused_with_a_reason(intake, signal, data):
    document = json.loads(as_json(EXAMPLES[signal]))
    for _ in range(data.draw(st.integers(1, 3))):
        container = document
        while True:
            key = data.draw(st.sampled_from(sorted(container))) if isinstance(container, dict) else 0
            inner = container[key]
            if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 4)) == 0:
                break
            container = inner
        container[key] = data.draw(json_values)

    assert outcome(intake, signal, json.dumps(document).encode(), as_json=True)


any_value = st.recursive(
    st.builds(AnyValue, string_value=st.text(max_size=20))
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, double_value=st.floats())
    | st.builds(AnyValue, bool_value=st.booleans())
    | st.builds(AnyValue, bytes_value=st.binary(max_size=20))
    | st.just(AnyValue()),
    lambda inside: st.lists(inside, max_size=3).map(lambda some: AnyValue(array_value={"values": some})),
    max_leaves=6,
)
KEYS = [
    "http.request.method", "http.method", "http.route", "http.response.status_code", "http.status_code", "url.full",
    "http.url", "url.path", "server.address", "server.port", "db.system", "db.statement", "messaging.system",
    "messaging.destination.name", "az.namespace", "rpc.system", "exception.type", "exception.message",
    "exception.stacktrace", "enduser.id", "session.id", "client.address", "user_agent.original", "_MS.sampleRate",
    "microsoft.custom_measurements", "microsoft.custom_event.name", "microsoft.availability.id",
    "microsoft.availability.name", "microsoft.availability.duration", "microsoft.availability.success",
    "microsoft.dependency.type", "net.peer.port", "enqueuedTime", "service.name", "telemetry.sdk.version", "faas.name",
    "gen_ai.system", "k8s.pod.name",
]  # fmt: skip
attributes = st.lists(st.builds(KeyValue, key=st.sampled_from(KEYS) | st.text(max_size=9), value=any_value), max_size=8)
times = st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)


@given(of_resource=attributes, of_span=attributes, of_event=attributes, kind=st.integers(0, 7), start=times, end=times)
@FUZZ
def test_any_span_is_stored_or_refused_with_a_reason(intake, of_resource, of_span, of_event, kind, start, end):
    """Whatever type an attribute has that the mapping knows with another one."""
    request = traces(
        {
            "kind": kind,
            "attributes": of_span,
            "events": [{"name": "exception", "attributes": of_event}, {"time_unix_nano": start}],
            "links": [{"attributes": of_event}],
        }
        | ({"start_time_unix_nano": start, "end_time_unix_nano": end} if start else {})
    )
    request.resource_spans[0].resource.attributes.extend(of_resource)

    assert outcome(intake, "traces", request.SerializeToString())


@given(of_record=attributes, body=any_value, time=times, severity=st.integers(-5, 2**31 - 1))
@FUZZ
def test_any_log_record_is_stored_or_refused_with_a_reason(intake, of_record, body, time, severity):
    record = {"attributes": of_record, "severity_number": severity}
    request = logs(record | ({"time_unix_nano": time} if time else {}))
    request.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(body)

    assert outcome(intake, "logs", request.SerializeToString())


numbers = st.floats() | st.integers(0, 2**63 - 1).map(float)


@given(kind=st.sampled_from(["histogram", "exponential_histogram", "summary"]), of_point=attributes,
       points=st.lists(st.tuples(st.integers(0, 2**64 - 1), numbers, times), min_size=1, max_size=4),
       temporality=st.integers(0, 3))  # fmt: skip
@FUZZ
def test_any_distribution_is_stored_or_refused_with_a_reason(intake, kind, of_point, points, temporality):
    """In any order of times, and as totals that shrink and grow beyond all bounds."""
    data = {} if kind == "summary" else {"aggregation_temporality": temporality}
    request = metric(
        kind, *[{"count": count, "sum": total, "start_time_unix_nano": time} for count, total, time in points], **data
    )
    inside = request.resource_metrics[0].scope_metrics[0].metrics[0]
    for point in getattr(inside, kind).data_points:
        point.attributes.extend(of_point)

    assert outcome(intake, "metrics", request.SerializeToString())


@given(points=st.lists(st.tuples(st.floats() | st.integers(-(2**63), 2**63 - 1), times), min_size=1, max_size=4))
@FUZZ
def test_any_total_is_stored_or_refused_with_a_reason(intake, points):
    given = [
        {"as_int" if isinstance(value, int) else "as_double": value, "start_time_unix_nano": time}
        for value, time in points
    ]

    request = metric("sum", *given, aggregation_temporality=2, is_monotonic=True)

    assert outcome(intake, "metrics", request.SerializeToString())


@given(body=st.binary(max_size=60))
@example(b"\xd1\x80\x80\x80\x10" + bytes(8))
@FUZZ
def test_the_outer_layers_are_read_as_protobuf_reads_them(body):
    """What our reader takes apart, protobuf takes as well; it knows groups besides, which OTLP has none of."""
    try:
        found = list(parts(memoryview(body)))
    except RejectedError:
        return

    message = KeyValue()
    if all(bytes(content).isascii() for number, content in found if number == 1):
        try:
            message.ParseFromString(body)
        except DecodeError:
            assert any(number == 2 for number, _ in found)  # its value is looked into by protobuf alone
        else:
            keys = [bytes(content) for number, content in found if number == 1]
            assert message.key.encode() == (keys[-1] if keys else b"")


def layers(content, times=1):
    """Return an export request with content inside of one scope of one resource."""
    return field(1, field(2, content * times))


def field(number, content):
    size = bytearray()
    rest = len(content)
    while rest > 0x7F:
        size.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2]) + bytes(size) + bytes([rest]) + content


def peak(intake, signal, body):
    """Return what is said of a body, and how many bytes of memory reading it took."""
    tracemalloc.start()
    try:
        return outcome(intake, signal, body), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


TOO_MANY = f"The body has more than {MOST_ITEMS} items. Send fewer items at once."


def test_very_many_empty_items_are_refused_before_they_fill_the_memory(intake):
    """Two bytes each on the wire, a hundred in memory."""
    said, most = peak(intake, "traces", layers(b"\x12\x00", 60_000))

    assert said == TOO_MANY
    assert most < 20_000_000


@pytest.mark.parametrize("body", [b"\x0a\x00" * 60_000, field(1, b"\x12\x00" * 60_000)])
def test_very_many_empty_layers_are_refused(intake, body):
    """They would be read for minutes."""
    assert outcome(intake, "traces", body) == TOO_MANY


@pytest.mark.parametrize(
    ("signal", "item"),
    [
        ("traces", field(1, b"t" * 16) + field(2, b"s" * 8) + b"\x5a\x00" * (MOST_ITEMS + 1)),
        ("traces", field(1, b"t" * 16) + field(2, b"s" * 8) + b"\x6a\x00" * (MOST_ITEMS + 1)),
        ("metrics", field(5, b"\x0a\x00" * (MOST_ITEMS + 1))),
    ],
    ids=["events", "links", "data points"],
)
def test_very_many_parts_of_one_item_are_refused(intake, signal, item):
    assert outcome(intake, signal, layers(field(2, item))) == TOO_MANY


def test_an_item_that_is_too_large_is_refused(intake):
    item = field(2, b"\x4a\x00" * (MOST_BYTES_OF_ITEM // 2 + 1))

    assert outcome(intake, "traces", layers(item)) == (
        f"The body has an item of {MOST_BYTES_OF_ITEM + 2} bytes. Send items of at most {MOST_BYTES_OF_ITEM} bytes."
    )


def test_very_many_values_are_refused(intake, monkeypatch):
    monkeypatch.setattr(reading_values, "MOST_VALUES", 10)
    request = traces({"attributes": [KeyValue(key=str(n), value=AnyValue(int_value=n)) for n in range(11)]})

    assert outcome(intake, "traces", request.SerializeToString()) == (
        "The body has too many values. Send fewer items at once."
    )


def test_very_many_values_in_json_are_refused(intake):
    """They are slower to read."""
    body = b'{"resourceLogs":[' + b"{}," * 300_000 + b"{}]}"

    assert outcome(intake, "logs", body, as_json=True) == "The body has too many JSON values. Send fewer items at once."


def nested(depth):
    value = AnyValue(int_value=1)
    for _ in range(depth):
        value = AnyValue(array_value={"values": [value]})
    return value


def test_values_may_be_nested_but_not_endlessly(intake):
    body = b"\x0a\x00"
    for _ in range(5_000):
        body = field(5, field(1, body))

    assert outcome(intake, "logs", layers(field(2, field(5, body)))).startswith("The body is not the protobuf message")
    deep = '{"arrayValue":{"values":[' * 5_000
    assert "nested" in outcome(
        intake, "logs", b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + deep.encode(), as_json=True
    )
    request = logs({})
    request.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(nested(20))
    assert outcome(intake, "logs", request.SerializeToString()).rejected == 0


def test_half_a_character_in_json_is_refused(intake):
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"\\ud800"}}]}]}]}'

    assert outcome(intake, "logs", body, as_json=True) == (
        "The item has half of a surrogate pair (\\ud800-\\udfff), which is no character."
    )


def test_nul_is_replaced_as_sqlite_would_stop_at_it(server):
    intake = SimpleNamespace(strict=True, store=server.store, totals=None)

    outcome(intake, "logs", logs({"body": "a\0b"}).SerializeToString())

    assert server.store.rows("traces")[0]["message"] == "a\N{REPLACEMENT CHARACTER}b"
