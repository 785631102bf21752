"""Our items of log records are those of Microsoft's exporter, but for the differences here, each with its reason."""

from __future__ import annotations

import json
import traceback
import warnings
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from ext_opentelemetry.as_log import LogMapper
from tests.support.signals import MOMENT, record_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from azure.monitor.opentelemetry.exporter.export.logs._exporter import _convert_log_to_envelope

LEFT_OUT_TAGS = {"ai.device.id", "ai.device.locale", "ai.device.type", "ai.device.osVersion", "ai.internal.sdkVersion"}
"""The device is the one that the end user holds, and a server does not know it; the SDK version is each one's own."""

EVENT, MARKER = "microsoft.custom_event.name", "APPLICATION_INSIGHTS_EVENT_MARKER_ATTRIBUTE"
AVAILABILITY = "microsoft.availability."
AVAILABLE = {
    AVAILABILITY + key: value
    for key, value in {"id": "i", "name": "n", "duration": "00:00:01", "success": "true"}.items()
}


def no_operation(theirs, record):
    if not record.trace_id:
        del theirs["tags"]["ai.operation.id"]
    if not record.span_id:
        del theirs["tags"]["ai.operation.parentId"]


def limits_of_tags(theirs, record):
    limits = {"ai.user.authUserId": 1024, "ai.user.id": 128, "ai.session.id": 64, "ai.location.ip": 45}
    theirs["tags"] = {key: str(value)[: limits.get(key, 1024)] for key, value in theirs["tags"].items()}


def one_hundred(theirs, record):
    theirs["sampleRate"] = 100.0


def as_json_text(theirs, record):
    for key in list(theirs["properties"]):
        if key in record.attributes:
            del theirs["properties"][key]
    for key, value in record.attributes.items():
        if key != MARKER and not key.startswith(("exception.", "microsoft.", "enduser.", "session.id")):
            theirs["properties"][key[:150]] = text_of(value)[:8192]


def event_name_kept(theirs, record):
    if record.event_name:
        theirs["properties"].setdefault("event.name", record.event_name)


def message_kept(theirs, record):
    said, body = record.attributes.get("exception.message"), body_of(record.body)
    if theirs["type"] == "ExceptionData" and said and body and str(said) not in body:
        theirs["properties"]["exception.message"] = str(said)[:8192]


def stack_parsed(theirs, record):
    if theirs["type"] != "ExceptionData":
        return
    (details,) = theirs["data"]["exceptions"]
    stack = details.pop("stack")
    details["hasFullStack"] = False
    if record.attributes.get("exception.stacktrace"):
        details |= {"hasFullStack": True, "stack": stack}
    if stack.startswith("Traceback "):
        del details["stack"]
        details["parsedStack"] = [{"level": 0, "method": "raised", "fileName": __file__, "line": LINE}]


def body_as_json(theirs, record):
    body = body_of(record.body)
    if theirs["type"] == "MessageData":
        theirs["data"]["message"] = body.strip()[:32768] or "n/a"
    elif theirs["type"] == "ExceptionData":
        said = record.attributes.get("exception.message")
        message = (body or str(said or "") or "Exception")[:32768]
        type_name = record.attributes.get("exception.type") or "Exception"
        theirs["data"]["exceptions"][0]["message"] = message if message.strip() else type_name
    elif theirs["type"] == "EventData" and not record.attributes.get(EVENT):
        theirs["data"]["name"] = body
    elif theirs["type"] == "AvailabilityData" and AVAILABILITY + "message" not in record.attributes:
        theirs["data"]["message"] = body


def limits_of_names(theirs, record):
    if theirs["type"] == "EventData":
        name = theirs["data"]["name"][:512]
        theirs["data"]["name"] = name if name.strip() else "n/a"
    if theirs["type"] == "AvailabilityData":
        limits = {"id": 128, "name": 1024, "runLocation": 1024, "message": 8192}
        for key, limit in limits.items():
            if key in theirs["data"]:
                theirs["data"][key] = theirs["data"][key][:limit]
        for key in ("runLocation", "message"):
            if not theirs["data"].get(key):
                theirs["data"].pop(key, None)
        for key in ("id", "name"):
            if not theirs["data"][key].strip():
                theirs["data"][key] = "n/a"
    if theirs["type"] == "ExceptionData":
        details = theirs["data"]["exceptions"][0]
        if not details["typeName"].strip():
            details["typeName"] = "n/a"
        if not details["message"].strip():
            details["message"] = "n/a"


def duration_normal(theirs, record):
    if theirs["type"] == "AvailabilityData":
        given = theirs["data"]["duration"]
        spans = {"00:00:01": "0.00:00:01.000", "1.00:00:00.25": "1.00:00:00.250"}
        theirs["data"]["duration"] = spans.get(given, "0.00:00:00.000")
        if given not in spans:
            theirs["properties"][AVAILABILITY + "duration"] = given


DEVIATIONS = {
    no_operation: "a record outside any operation names none: theirs put all of them into one, called 0",
    limits_of_tags: "tags have limits too",
    one_hundred: "sampleRate is on every item",
    as_json_text: "dimensions that are no text are JSON, no Python repr; a long key is cut, its value is not lost",
    event_name_kept: "the name of an OpenTelemetry event is not lost",
    body_as_json: "a body of 0, False or [] is one; letters of JSON are left readable; bytes are text",
    message_kept: "where the body is the message, what the exception itself says is not lost",
    stack_parsed: "frames are parsed; a missing stack is left out, and is not the text None",
    limits_of_names: "names, ids and messages have limits too, and what is required is not empty",
    duration_normal: "a duration is in the form of the protocol; what is none is kept as a property",
}
"""What changes theirs into ours -> the reason."""


def body_of(body):
    if body is None:
        return ""
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def raised():
    try:
        raise ValueError("bad order")
    except ValueError as error:
        return error


ERROR = raised()
LINE = ERROR.__traceback__.tb_lineno
STACK = "".join(traceback.format_exception(ValueError, ERROR, ERROR.__traceback__))


def theirs_of(data):
    item = _convert_log_to_envelope(data)
    return flat({**item.as_dict(), "tags": {getattr(k, "value", k): v for k, v in item.tags.items()}})


def expected(data, left_out=()):
    theirs = theirs_of(data)
    for deviate in DEVIATIONS:
        if deviate not in left_out:
            deviate(theirs, data.log_record)
    return theirs


def flat(item):
    data = {key: value for key, value in item["data"]["baseData"].items() if value is not None}
    data.pop("kind", None)  # of their Python classes, not of the protocol
    return {
        "name": item["name"],
        "type": item["data"]["baseType"],
        "moment": datetime.fromisoformat(item["time"].replace("Z", "+00:00")),
        "sampleRate": item.get("sampleRate"),
        "tags": {key: value for key, value in item["tags"].items() if key not in LEFT_OUT_TAGS and value},
        "properties": data.pop("properties", None) or {},
        "measurements": data.pop("measurements", None) or {},
        "data": data,
    }


def compare(data):
    (item,) = LogMapper(None).envelopes(data)
    assert flat(item) == expected(data)


texts = st.text(max_size=30) | st.sampled_from(["v" * 8192, "v" * 8193, "ü" * 8193, "🎉", " ", "AlwaysOn"])
long = texts | st.sampled_from(["m" * 32767, "m" * 32768, "m" * 32769, "n" * 512, "n" * 513, "n" * 1025])
filled = st.text("abcü🎉 ", min_size=1, max_size=9).filter(str.strip) | st.sampled_from(
    ["n" * 128, "n" * 129, "n" * 1025]
)
plain = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
bodies = long | plain | st.none() | st.lists(plain, max_size=3) | st.dictionaries(texts, plain, max_size=3)
keys = st.text("abc.ü", min_size=1, max_size=9) | st.sampled_from(["k" * 150, "j" * 151, "logger_name", "http.route"])
visitor = st.fixed_dictionaries(
    {},
    optional={
        "enduser.id": filled,
        "enduser.pseudo.id": filled,
        "session.id": filled,
        "client.address": filled,
        "net.peer.ip": filled,
        "user_agent.synthetic.type": st.sampled_from(["bot", "test", "other"]),
        "user_agent.original": texts,
        "ai.operation.name": filled,
        "microsoft.custom_measurements": st.sampled_from(
            ['{"rows": 3, "bad": "x"}', "no JSON", '{"' + "k" * 151 + '": 1.5}']
        ),
    },
)
exceptions = st.fixed_dictionaries(
    {},
    optional={
        "exception.type": long,
        "exception.message": long,
        "exception.stacktrace": st.sampled_from([STACK, "at Main()"]),
    },
)
events = st.fixed_dictionaries({}, optional={EVENT: long, MARKER: st.booleans() | texts})
results = st.fixed_dictionaries(
    {AVAILABILITY + "id": filled, AVAILABILITY + "name": filled},
    optional={
        AVAILABILITY + "duration": st.sampled_from(["00:00:01", "1.00:00:00.25", "1500", "soon"]),
        AVAILABILITY + "success": st.sampled_from(["true", "True", "no", True, False, ""]),
        AVAILABILITY + "runLocation": long,
        AVAILABILITY + "message": long,
    },
)
special = st.just({}) | exceptions | events | results
parents = st.none() | st.just(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a failing example: texts at their limits
@settings(max_examples=500, deadline=None)
@given(
    body=bodies,
    custom=st.dictionaries(keys, plain | st.lists(texts, max_size=3).map(tuple), max_size=3),
    visitor=visitor,
    special=special,
    severity=st.none() | st.sampled_from(SeverityNumber),
    parent=parents,
    name=st.none() | st.sampled_from(["user.login", ""]),
    at=st.none() | st.integers(0, 10**9).map(lambda milliseconds: MOMENT + milliseconds * 1_000_000),
)
@example("x", {}, {}, {"exception.type": ""}, None, None, None, None)
@example("x", {}, {}, {MARKER: False}, None, None, None, None)
@example(" ", {}, {}, {"exception.type": "t" * 1025}, None, None, None, None)
def test_our_item_is_theirs_but_for_named_differences(body, custom, visitor, special, severity, parent, name, at):
    """Every field, of every kind of item."""
    with trace.use_span(NonRecordingSpan(parent or trace.INVALID_SPAN_CONTEXT)):
        data = record_of(body, custom | visitor | special, severity, timestamp=at, event_name=name)
    compare(data)


IN_A_SPAN = NonRecordingSpan(SpanContext(1, 2, is_remote=False))
EXAMPLES = {
    no_operation: lambda: record_of("x"),
    limits_of_tags: lambda: record_of("x", {"session.id": "s" * 65}),
    one_hundred: lambda: record_of("x"),
    as_json_text: lambda: record_of("x", {"flag": True}),
    event_name_kept: lambda: record_of("x", event_name="user.login"),
    body_as_json: lambda: record_of(0),
    message_kept: lambda: record_of("x", {"exception.message": "bad order"}),
    stack_parsed: lambda: record_of("x", {"exception.type": "ValueError", "exception.stacktrace": STACK}),
    limits_of_names: lambda: record_of("x", {EVENT: "n" * 513}),
    duration_normal: lambda: record_of("x", AVAILABLE),
}


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_no_deviation_outlives_its_case(deviation):
    """Each is needed: without it there is a difference."""
    data = EXAMPLES[deviation]()
    (item,) = LogMapper(None).envelopes(data)
    assert flat(item) == expected(data)
    assert flat(item) != expected(data, left_out={deviation})
    assert DEVIATIONS[deviation]


def test_theirs_has_no_name_of_the_operation_and_no_rate():
    """What ours inherits: see test_logs.py."""
    with trace.use_span(IN_A_SPAN):
        theirs = theirs_of(record_of("x"))
    assert "ai.operation.name" not in theirs["tags"]
    assert theirs["sampleRate"] is None
