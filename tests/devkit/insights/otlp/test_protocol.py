"""What the OTLP paths answer (OTLP specification, "OTLP/HTTP")."""

from __future__ import annotations

import gzip
import json
import sqlite3
from time import time_ns

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from ext_devkit.insights.otlp.answers import failure
from ext_devkit.insights.server import InsightsServer
from tests.support.otlp_http import JSON, PROTOBUF, as_json, export, logs, metric, send, traces

OLD = time_ns() - 72 * 3600 * 10**9


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_a_request_without_items_is_a_success(shared, signal, content_type):
    body = b"" if content_type == PROTOBUF else b"{}"

    status, headers, content = send(shared, signal, body, content_type)

    assert (status, headers["content-type"], content) == (200, content_type, body)


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_items_that_are_refused_are_counted_with_the_reason_of_the_first(shared, content_type):
    """They are no failure of the request: the client would send all of it again."""
    request = traces({}, {"trace_id": b"short"}, {"span_id": bytes(8)}, {"start_time_unix_nano": OLD})

    answer = export(shared, "traces", request, content_type)

    assert answer.partial_success.rejected_spans == 3
    assert answer.partial_success.error_message == (
        "3 of 4 spans were refused. The first one: "
        "The trace_id of a span must be 16 bytes that are not all zero, not '73686f7274' in hexadecimal."
    )


def test_old_log_records_are_refused_in_the_words_of_the_service(shared):
    answer = export(shared, "logs", logs({"body": "late", "time_unix_nano": OLD}, {"body": "in time"}))

    assert answer.partial_success.rejected_log_records == 1
    assert "103: Field 'time' on type 'Envelope' is older than the allowed min date." in (
        answer.partial_success.error_message
    )


def test_a_loose_server_takes_old_spans():
    with InsightsServer(strict=False) as server:
        assert not export(server, "traces", traces({"start_time_unix_nano": OLD})).partial_success.rejected_spans
        assert server.store.count("requests") == 1


@pytest.mark.parametrize(
    ("kind", "point", "why"),
    [
        ("gauge", {"as_double": float("nan")}, "The value of a data point of metric 'sales' is nan. "),
        ("gauge", {}, "A data point of metric 'sales' has no value."),
        ("histogram", {"count": 1}, "A data point of metric 'sales' has no sum."),
        (
            "exponential_histogram",
            {"count": 1, "sum": float("inf")},
            "The sum of a data point of metric 'sales' is inf.",
        ),
    ],
)
def test_a_data_point_that_no_column_can_hold_is_refused(shared, kind, point, why):
    answer = export(shared, "metrics", metric(kind, point))

    assert answer.partial_success.rejected_data_points == 1
    assert why in answer.partial_success.error_message


def test_a_span_is_stored_with_all_its_events_or_not_at_all(server):
    """Else a client could not tell from the count what is missing."""
    event = {"name": "late", "time_unix_nano": OLD}

    assert export(server, "traces", traces({"events": [event]})).partial_success.rejected_spans == 1
    assert not any(server.store.counts().values())


@pytest.mark.parametrize(
    ("signal", "body", "content_type", "status", "why"),
    [
        ("traces", b"hello", PROTOBUF, 400, "The body is not the protobuf message of this path. Send an export request of OTLP."),
        ("logs", b"hello", JSON, 400, "The body is not valid JSON: Expecting value (line 1, column 1)."),
        ("logs", b"", JSON, 400, "The body is empty. Send a JSON array, a JSON object, or one JSON object per line."),
        ("metrics", b"[]", JSON, 400, "The body is no JSON object. Send one with 'resourceMetrics'."),
        ("traces", b'{"resourceSpans": {}}', JSON, 400, "Field 'resourceSpans' must be an array of objects."),
        ("traces", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "CvdlGRbNQ92ESOshHIAxnA=="}]}]}]}', JSON, 400,
         "Field 'traceId' is 'CvdlGRbNQ92ESOshHIAxnA=='. In OTLP's JSON identifiers are hexadecimal, not base64."),
        ("traces", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": 7}]}]}]}', JSON, 400, "Field 'spans' cannot be read: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained_in_the_clients_content_type(shared, signal, body, content_type, status, why):
    answered, headers, content = send(shared, signal, body, content_type)

    assert (answered, headers["content-type"]) == (status, content_type)
    code, message = parsed(content, content_type)
    assert code == 3
    assert message.startswith(why)


def parsed(content, content_type):
    if content_type == JSON:
        found = json.loads(content)
        return found["code"], found["message"]
    status = Status.FromString(content)
    return status.code, status.message


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpc", ""])
def test_another_content_type_is_refused(shared, content_type):
    status, headers, content = send(shared, "traces", b"x", content_type)

    assert (status, headers["content-type"]) == (415, JSON)
    assert parsed(content, JSON) == (
        3,
        f"Content-Type '{content_type}' is not supported. Send application/x-protobuf or application/json.",
    )


@pytest.mark.parametrize("content_type", [PROTOBUF, f"{PROTOBUF}; charset=utf-8", "Application/X-Protobuf"])
def test_gzip_and_parameters_of_the_content_type_are_understood(shared, content_type):
    body = gzip.compress(traces({}).SerializeToString())

    assert send(shared, "traces", body, content_type, content_encoding="gzip")[0] == 200


def test_a_zip_bomb_is_refused(shared):
    status, _, content = send(shared, "logs", gzip.compress(bytes(40_000_000), 1), content_encoding="gzip")

    assert status == 413
    assert parsed(content, PROTOBUF) == (
        8,
        "The body is larger than 33554432 bytes unpacked. Send fewer items at once.",
    )


def test_what_cannot_be_stored_is_to_be_sent_again(server, monkeypatch):
    def fail(_rows):
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(server.store, "store", fail)

    status, headers, content = send(server, "traces", traces({}).SerializeToString())

    assert (status, headers["retry-after"]) == (503, "5")
    assert parsed(content, PROTOBUF)[0] == 14
    assert "could not be stored" in parsed(content, PROTOBUF)[1]


def test_json_may_have_numbers_as_text_and_unknown_fields(server):
    """64-bit integers are texts in protobuf's JSON, and newer SDKs know more fields."""
    body = json.loads(as_json(traces({}, service__name="shop")))
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert isinstance(span["startTimeUnixNano"], str)
    span |= {"endTimeUnixNano": int(span["endTimeUnixNano"]), "newField": {"x": 1}}
    span["traceId"] = span["traceId"].upper()
    span["links"] = [{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331"}]

    assert send(server, "traces", json.dumps(body).encode(), JSON)[0] == 200

    (row,) = server.store.rows("requests")
    assert (row["operation_Id"], row["duration"], row["cloud_RoleName"]) == (
        "0af7651916cd43dd8448eb211c80319c",
        2.0,
        "shop",
    )
    assert row["customDimensions"] == {
        "_MS.links": '[{"operation_Id": "0af7651916cd43dd8448eb211c80319c", "id": "b7ad6b7169203331"}]'
    }


def test_who_sent_it_is_told_by_the_resource(server):
    export(server, "logs", logs({"body": "a"}, telemetry__sdk__language="nodejs", telemetry__sdk__version="2.1.0"))
    export(server, "logs", logs({"body": "b"}))

    assert [row["sdkVersion"] for row in server.store.rows("traces")] == ["otelnodejs:2.1.0", None]


def test_the_identifiers_of_a_log_record_may_be_missing_or_wrong(server):
    """The protocol wants such a record to be taken as one without (logs.proto)."""
    export(server, "logs", logs({"body": "a", "trace_id": b"short", "span_id": bytes(8)}))

    (row,) = server.store.rows("traces")
    assert (row["operation_Id"], row["operation_ParentId"]) == (None, None)


@pytest.mark.parametrize(
    ("flags", "kind", "name"),
    [(0, 2, "child"), (0, 3, None), (0x100, 2, None), (0x300, 3, "child")],
    ids=["not said, entry", "not said, inside", "not remote", "remote"],
)
def test_an_operation_is_named_by_its_outermost_span_in_a_process(server, flags, kind, name):
    """Older SDKs do not say whether a parent is in another process; what enters a process has its parent outside."""
    export(server, "traces", traces({"parent_span_id": b"elsewher", "flags": flags, "kind": kind, "name": "child"}))

    (row,) = server.store.rows("requests" if kind == 2 else "dependencies")
    assert row["operation_Name"] == name


@given(st.text(max_size=300), st.integers(0, 127))
def test_a_status_is_what_googles_own_message_is(text, code):
    status = {3: 400, 8: 413, 14: 503, 4: 408}.get(code, 500)

    answered = Status.FromString(failure(status, text, PROTOBUF).body)

    assert answered == Status(code=code if status != 500 else 13, message=text)
