"""A span becomes an item, and items of what happened in it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencensus.trace.attributes import Attributes
from opencensus.trace.link import Link
from opencensus.trace.span import SpanKind
from opencensus.trace.status import Status
from opencensus.trace.time_event import MessageEvent, Type

from ext_appinsights.redaction import Redactor
from ext_opencensus.context import InvocationSpanContext
from ext_opencensus.mapping import Mapper, nanoseconds
from ext_opencensus.plain import Plain
from ext_opencensus.spans import InvocationSpan
from ext_opencensus.tracer import SpanTracer
from tests.support.secrets import JWT, KEY, SECRETS, S

TAGS = {"ai.cloud.role": "shop", "ai.cloud.roleInstance": "one"}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STARTED = 1_767_323_045_678_901_000


def ended(name="work", *, kind=SpanKind.UNSPECIFIED, attributes=None, change=None, operation="HttpTrigger"):
    """A span of ours as it is when it has ended after 1.5 s."""
    context = InvocationSpanContext(TRACE, CALLER, sampled=True)
    context.operation_name = operation
    tracer = SpanTracer(SimpleNamespace(export=lambda _: None), context)
    span = InvocationSpan(name, SimpleNamespace(span_id=CALLER, context_tracer=None, parent_span=None), tracer)
    span.span_kind = kind
    span._started, span._ended = STARTED, STARTED + 1_500_000_000
    for key, value in (attributes or {}).items():
        span.add_attribute(key, value)
    if change is not None:
        change(span)
    return span


def items(span, *, redact=True):
    return [json.loads(line) for line in Mapper(TAGS, redact=redact).lines(span)]


def test_a_plain_span_is_a_part_of_the_work():
    (item,) = items(ended(attributes={"rows": 7, "fast": True, "list": [1, "a"]}))

    identifier = item["data"]["baseData"].pop("id")
    assert len(identifier) == 16
    assert item == {
        "name": "Microsoft.ApplicationInsights.RemoteDependency",
        "time": "2026-01-02T03:04:05.678901Z",
        "sampleRate": 100.0,
        "tags": {
            **TAGS,
            "ai.operation.id": TRACE,
            "ai.operation.parentId": CALLER,
            "ai.operation.name": "HttpTrigger",
        },
        "data": {
            "baseType": "RemoteDependencyData",
            "baseData": {
                "ver": 2,
                "name": "work",
                "duration": "0.00:00:01.500",
                "success": True,
                "resultCode": "0",
                "type": "INPROC",
                "properties": {"rows": "7", "fast": "true", "list": '[1,"a"]'},
            },
        },
    }


def test_annotations_and_message_events_are_messages_of_their_span():
    """AzureExporter leaves them out."""

    def change(span):
        span.add_annotation("half way", done=3, password="x")
        moment = datetime(2026, 1, 2, 3, 4, 6, 5, timezone.utc)
        span.add_message_event(MessageEvent(moment, "m1", Type.SENT, uncompressed_size_bytes=100))

    span = ended(change=change)
    annotation, event, item = items(span)

    assert item["data"]["baseType"] == "RemoteDependencyData"
    assert annotation["data"]["baseData"] == {
        "ver": 2, "message": "half way", "severityLevel": 1, "properties": {"done": "3", "password": "REDACTED"},
    }  # fmt: skip
    assert event["time"] == "2026-01-02T03:04:06.000005Z"
    assert event["data"]["baseData"]["message"] == "SENT m1"
    assert event["data"]["baseData"]["properties"] == {
        "message.event.type": "SENT",
        "message.event.id": "m1",
        "message.event.size.uncompressed": "100",
        "message.event.size.compressed": "100",
    }
    assert {one["tags"]["ai.operation.parentId"] for one in (annotation, event)} == {span.span_id}


def test_a_failure_is_an_exception_with_its_cause_told_once():
    """By the innermost span that it left; those around it have failed as well."""
    context = InvocationSpanContext(TRACE, CALLER, sampled=True)
    taken = []
    tracer = SpanTracer(SimpleNamespace(export=taken.extend), context)
    try:
        with tracer.span("outer"), tracer.span("inner") as inner:
            try:
                raise KeyError("a")
            except KeyError as error:
                raise ValueError("password=very-secret") from error
    except ValueError:
        pass

    exception, *spans = [item for span in taken for item in items(span)]

    assert [item["data"]["baseData"]["success"] for item in spans] == [False, False]
    assert exception["tags"]["ai.operation.parentId"] == inner.span_id
    data = exception["data"]["baseData"]
    assert data["severityLevel"] == 3
    assert [(one["typeName"], one["message"], one["outerId"]) for one in data["exceptions"]] == [
        ("ValueError", "password=REDACTED", 0),
        ("KeyError", "'a'", 1),
    ]
    assert (
        data["exceptions"][0]["parsedStack"][0]["method"] == "test_a_failure_is_an_exception_with_its_cause_told_once"
    )


def test_of_failures_beside_each_other_each_is_told_once(fresh):
    """The first of them is what leaves the span around."""
    taken = []
    tracer = SpanTracer(SimpleNamespace(export=taken.extend), InvocationSpanContext(TRACE, CALLER, sampled=True))

    async def step(name):
        with tracer.span(name):
            await asyncio.sleep(0)
            raise ValueError(name)

    async def both():
        with tracer.span("outer"):
            await asyncio.gather(step("one"), step("two"))

    with pytest.raises(ValueError, match="one"):
        asyncio.run(both())

    data = [item["data"]["baseData"] for span in taken for item in items(span)]
    assert [one["exceptions"][0]["message"] for one in data if "exceptions" in one] == ["one", "two"]
    assert [one["name"] for one in data if one.get("success") is False] == ["one", "two", "outer"]


def test_an_exception_is_told_anew_in_another_trace():
    """As one that a module makes once and raises again and again."""
    boom = LookupError("no such item")
    told = []
    for trace in (TRACE, "f" * 32):
        tracer = SpanTracer(SimpleNamespace(export=told.extend), InvocationSpanContext(trace, CALLER, sampled=True))
        with pytest.raises(LookupError), tracer.span("work"):
            raise boom

    assert [len(items(span)) for span in told] == [2, 2]


def test_an_exception_whose_text_cannot_be_made_is_told_all_the_same():
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError

    span = ended(change=lambda span: span.fail(Unspeakable(), None))
    exception, item = items(span)

    assert exception["data"]["baseData"]["exceptions"][0]["typeName"].endswith("Unspeakable")
    said = "<the text of this Unspeakable could not be made>"
    assert item["data"]["baseData"]["properties"] == {"status.message": said}


def test_links_are_told_as_the_service_knows_them():
    (item,) = items(ended(change=lambda span: span.add_link(Link("a" * 32, "b" * 16, attributes=Attributes()))))

    assert item["data"]["baseData"]["properties"] == {
        "_MS.links": f'[{{"operation_Id": "{"a" * 32}", "id": "{"b" * 16}"}}]'
    }


def test_more_links_than_a_property_holds_are_left_out_whole():
    span = ended()
    span.links = [Link(f"{number:032x}", f"{number:016x}") for number in range(200)]

    (item,) = items(span)

    told = json.loads(item["data"]["baseData"]["properties"]["_MS.links"])
    assert told == [{"operation_Id": f"{number:032x}", "id": f"{number:016x}"} for number in range(100)]


def test_all_items_of_a_span_say_for_how_many_they_stand():
    def change(span):
        span.context.sample_rate = 25.0
        span.add_annotation("half way")
        span.fail(ValueError("bad"), None)

    assert [item["sampleRate"] for item in items(ended(change=change))] == [25.0] * 3


def test_a_call_of_a_url_that_cannot_be_read_is_stored():
    (item,) = items(ended(kind=SpanKind.CLIENT, attributes={"http.url": "http://[nonsense/x", "http.method": "GET"}))

    data = item["data"]["baseData"]
    assert (data["name"], data["type"], data["data"]) == ("GET /", "HTTP", "http://[nonsense/x")
    assert "target" not in data


def test_keys_and_names_that_callers_choose_are_not_remembered_without_end():
    plain = Plain(TAGS, redact=True)
    for number in range(3000):
        assert plain.line(ended(attributes={f"key {number}": 1}, operation=f"name {number}")) is not None

    assert len(plain._keys) <= 2048
    assert len(plain._names) <= 2048


def test_a_clock_that_is_set_back_makes_no_negative_duration():
    def change(span):
        span._ended = STARTED - 1
        span.set_status(Status(2, "no"))

    for span in (ended(change=change), ended(change=lambda span: setattr(span, "_ended", STARTED - 1))):
        (item,) = items(span)
        assert item["data"]["baseData"]["duration"] == "0.00:00:00.000"


def test_credentials_in_urls_and_attributes_are_taken_out():
    span = ended(
        kind=SpanKind.CLIENT,
        attributes={
            "component": "HTTP",
            "http.method": "GET",
            "http.url": "https://me:word@shop.example:8443/items?code=abc&sig=def&size=2",
            "x-functions-key": "abc",
            "note": "Authorization: Bearer abcdefgh12345678",
            "store": "AccountName=shop;AccountKey=abc==;EndpointSuffix=x",
        },
    )

    (item,) = items(span)
    data = item["data"]["baseData"]
    assert (data["name"], data["target"]) == ("GET /items", "shop.example:8443")
    assert data["data"] == "https://shop.example:8443/items?code=REDACTED&sig=REDACTED&size=2"
    assert data["properties"] == {
        "component": "HTTP",
        "x-functions-key": "REDACTED",
        "note": "Authorization: REDACTED",
        "store": "AccountName=shop;AccountKey=REDACTED;EndpointSuffix=x",
    }
    (plain,) = items(span, redact=False)
    assert plain["data"]["baseData"]["properties"]["x-functions-key"] == "abc"


@pytest.mark.parametrize("text", SECRETS)
def test_no_credential_is_in_any_field_of_an_item(text):
    def change(span):
        span.add_annotation(text, said=text)
        span.fail(ValueError(text), None)

    for kind in (SpanKind.UNSPECIFIED, SpanKind.CLIENT, SpanKind.SERVER):
        for attributes in (
            {"said": text, "component": text, "http.url": text},
            {"http.method": "GET", "http.url": text, "list": [text]},
            {"http.method": text, "http.route": text, "error.message": text, "stacktrace": text},
        ):
            span = ended(text, kind=kind, attributes=attributes, change=change, operation=text)
            lines = b"".join(Mapper(TAGS).lines(span)).decode()
            assert not [one for one in (S, KEY, JWT, "bWU6aHVudGVyMlp4OQ", "1234567") if one in lines]


def test_keys_and_patterns_can_be_added_and_names_kept():
    redactor = Redactor(keys=["iban"], patterns=[r"\bcus_\w+"], keep=["csrf-token"])

    (item,) = items(ended("for cus_1", attributes={"iban": "DE1", "csrf_token": "a", "rows": 7}), redact=redactor)

    data = item["data"]["baseData"]
    assert data["name"] == "for REDACTED"
    assert data["properties"] == {"iban": "REDACTED", "csrf_token": "a", "rows": "7"}


@pytest.mark.parametrize(
    ("attributes", "name", "code", "success"),
    [
        ({"http.method": "GET", "http.route": "/items/{id}", "http.path": "/items/7"}, "GET /items/{id}", "0", True),
        ({"http.method": "GET", "http.path": "/items/7", "http.status_code": 404}, "GET /items/7", "404", False),
        ({"http.method": "GET", "http.status_code": "302"}, "GET", "302", True),
        ({"http.method": "GET", "http.status_code": 399}, "GET", "399", True),
        ({"http.method": "GET", "http.status_code": 400}, "GET", "400", False),
        ({"http.route": "/items"}, "/items", "0", True),
        ({"http.status_code": "odd"}, "work", "odd", True),
        ({}, "work", "0", True),
    ],
)
def test_a_servers_span_is_a_request(attributes, name, code, success):
    (item,) = items(ended(kind=SpanKind.SERVER, attributes=attributes))

    data = item["data"]["baseData"]
    assert item["data"]["baseType"] == "RequestData"
    assert (data["name"], data["responseCode"], data["success"]) == (name, code, success)
    assert item["tags"]["ai.operation.name"] == (name if "http.route" in attributes else "HttpTrigger")


def test_a_span_that_has_not_ended_has_no_length():
    def change(span):
        span._ended = 0
        span.start_time = "2026-01-02T03:04:05.000000Z"

    (item,) = items(ended(change=change))

    assert (item["time"], item["data"]["baseData"]["duration"]) == ("2026-01-02T03:04:05.000000Z", "0.00:00:00.000")


texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["", " ", "password=x", "https://u:p@h/?code=1", "Bearer abcdefgh1", "eyJhbGciOi.eyJzdWIiOi.x", "x" * 9000]
)
values = texts | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=True) | st.lists(st.integers())
keys = texts | st.sampled_from(["http.url", "password", "k" * 151, "rows"])


@given(texts, st.dictionaries(keys, values, max_size=6), texts, st.booleans())
def test_the_quick_way_of_writing_a_span_is_the_thorough_one(name, attributes, operation, redact):
    span = ended(name, attributes=attributes, operation=operation)
    mapper = Mapper(TAGS, redact=redact)

    quick = Plain(TAGS, redact=redact).line(span)

    assert quick is None or json.loads(quick) == json.loads(mapper._item(span))


def test_the_usual_span_goes_the_quick_way():
    assert Plain(TAGS, redact=True).line(ended(attributes={"rows": 7, "name": "x", "fast": True})) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda span: span.set_status(Status(2, "no")),
        lambda span: span.add_annotation("x"),
        lambda span: span.add_link(Link("a" * 32, "b" * 16)),
        lambda span: setattr(span, "span_kind", SpanKind.CLIENT),
        lambda span: setattr(span, "start_time", "2026-01-02T03:04:05.000000Z"),
        lambda span: span.fail(ValueError(), None),
        lambda span: span.add_attribute("password", "x"),
        lambda span: span.add_attribute("http.url", "x"),
    ],
)
def test_whatever_else_a_span_tells_goes_the_thorough_way(change):
    assert Plain(TAGS, redact=True).line(ended(change=change)) is None


def test_names_and_keys_that_are_no_texts_are_written_as_such():
    (item,) = items(ended(7, attributes={8: "eight"}))

    data = item["data"]["baseData"]
    assert (data["name"], data["properties"]) == ("7", {"8": "eight"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-02T03:04:05.678901Z", STARTED),
        ("2026-01-02T03:04:05.5Z", 1_767_323_045_500_000_000),
        ("nonsense", 0),
        (None, 0),
    ],
)
def test_times_are_read_as_opencensus_writes_them(text, found):
    assert nanoseconds(text) == found
