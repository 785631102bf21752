"""Our items beside those of opencensus-ext-azure, for spans of every kind that hypothesis thinks of.

A rule says what AzureExporter would have to make of its items for them to be ours, and why. Where no rule changes
anything the items are equal.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opencensus.trace.link import Link
from opencensus.trace.span import SpanKind
from opencensus.trace.span_context import SpanContext
from opencensus.trace.span_data import SpanData
from opencensus.trace.status import Status

from ext_appinsights import redaction
from ext_appinsights.fields import properties as limited
from ext_opencensus.mapping import Mapper

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opencensus.ext.azure.common import utils as official_utils
    from opencensus.ext.azure.trace_exporter import AzureExporter

TAGS = {"ai.cloud.role": "shop", "ai.cloud.roleInstance": "one"}
TRACE, CALLER, OWN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
KEY = "11111111-2222-3333-4444-555555555555"


def span_of(name="work", kind=SpanKind.UNSPECIFIED, attributes=None, status=0, links=0, parent=True, length=1500):
    return SpanData(
        name=name,
        context=SpanContext(trace_id=TRACE),
        span_id=OWN,
        parent_span_id=CALLER if parent else None,
        attributes=dict(attributes or {}),
        start_time="2026-01-02T03:04:05.678901Z",
        end_time=f"2026-01-02T03:04:{5 + (678901 + length * 1000) // 1_000_000:02d}.{(678901 + length * 1000) % 1_000_000:06d}Z",
        child_span_count=0,
        stack_trace=None,
        annotations=[],
        message_events=[],
        links=[Link(f"{n + 1:032x}", f"{n + 1:016x}") for n in range(links)],
        status=Status(status),
        same_process_as_parent_span=None,
        span_kind=kind,
    )


class Official(AzureExporter):
    """AzureExporter without threads, storage and statistics."""

    def __init__(self):
        self.options = type("O", (), {"instrumentation_key": KEY})


def theirs(span):
    made = []
    for one in list(Official().span_data_to_envelope(span)):  # an exception shares the tags of what follows
        whole = json.loads(json.dumps(dict(one)))
        made.append(
            {
                "name": whole["name"],
                "time": whole["time"],
                "tags": whole["tags"],
                "type": whole["data"]["baseType"],
                "data": {key: value for key, value in whole["data"]["baseData"].items() if value is not None},
            }
        )
    return made


def ours(span):
    made = []
    for line in Mapper(TAGS).lines(span):
        whole = json.loads(line)
        made.append(
            {"name": whole["name"], "time": whole["time"], "tags": whole["tags"], "type": whole["data"]["baseType"],
             "data": whole["data"]["baseData"], "sampleRate": whole["sampleRate"]}
        )  # fmt: skip
    return made


@dataclass
class Rule:
    reason: str
    fix: object


RULES: list[Rule] = []


def rule(reason):
    def made(fix):
        RULES.append(Rule(reason, fix))
        return fix

    return made


@rule("the rate is on every item, so that counts are right where there is sampling")
def rates(span, items):
    for item in items:
        item["sampleRate"] = 100.0


@rule("the role is the app's and not the script's; locale, operating system and device say nothing of the function")
def tags(span, items):
    for item in items:
        item["tags"] = {
            key: value for key, value in item["tags"].items() if key not in official_utils.azure_monitor_context
        } | TAGS


@rule("an operation's name is the route's also where there is no method; theirs begins with a blank")
def operation(span, items):
    for item in items:
        if "ai.operation.name" in item["tags"]:
            item["tags"]["ai.operation.name"] = item["tags"]["ai.operation.name"].strip()


@rule("a request is named by its method and path, else by its method, else as its span; theirs by the method alone")
def request_names(span, items):
    data, attributes = items[-1]["data"], span.attributes
    if span.span_kind != SpanKind.SERVER:
        return
    method, place = attributes.get("http.method"), attributes.get("http.route") or attributes.get("http.path")
    if place and ("http.method" in attributes or "http.route" in attributes):
        data["name"] = data["properties"]["request.name"] = f"{method or ''} {place}".strip()
    else:
        data.get("properties", {}).pop("request.name", None)
        data["name"] = method or span.name


@rule("what failed in the process has failed; theirs is always a success")
def failures_inside(span, items):
    if span.span_kind == SpanKind.UNSPECIFIED:
        items[-1]["data"]["success"] = span.status.code == 0


@rule("a call with a URL is HTTP, whether an integration says so or not")
def http(span, items):
    if span.span_kind == SpanKind.CLIENT and span.attributes.get("http.url") and not span.attributes.get("component"):
        items[-1]["data"]["type"] = "HTTP"


@rule("a target has no user and password, and a path is / where the URL has none")
def targets(span, items):
    url = span.attributes.get("http.url")
    if span.span_kind == SpanKind.CLIENT and url:
        parts = urlsplit(url)
        items[-1]["data"]["target"] = parts.netloc.rpartition("@")[2]
        if span.attributes.get("http.method"):
            items[-1]["data"]["name"] = f"{span.attributes['http.method']} {parts.path or '/'}"


@rule("an exception has a severity, and an id only where there are several; theirs says that it has a stack by mistake")
def exceptions(span, items):
    for item in items[:-1]:
        item["data"]["severityLevel"] = 3
        for one in item["data"]["exceptions"]:
            del one["id"], one["outerId"]
            one["hasFullStack"] = bool(one.get("parsedStack"))
        item["time"] = span.end_time
        item["tags"]["ai.operation.parentId"] = OWN


@rule("a blank that the service insists on is `n/a`, and fields and properties are cut to their limits")
def limits(span, items):
    for item in items:
        data = item["data"]
        for key, most in {"name": 1024, "data": 8192, "url": 2048, "target": 1024, "type": 1024}.items():
            if key in data:
                data[key] = data[key][:most]
        data["name"] = (
            data["name"] if str(data.get("name", "")).strip() else "n/a" if "exceptions" not in data else None
        )
        if data["name"] is None:
            del data["name"]
        for one in data.get("exceptions", []):
            one["typeName"] = (
                one["typeName"] if one["typeName"].strip() else "Exception" if not one["typeName"] else "n/a"
            )
            one["message"] = one["message"] if one["message"].strip() else "n/a"


@rule("properties are texts, as the service wants them: JSON where a value is none; None is left out")
def texts(span, items):
    for item in items:
        if "properties" in item["data"]:
            item["data"]["properties"] = limited(redaction.DEFAULT.properties(item["data"]["properties"]))
            if not item["data"]["properties"]:
                del item["data"]["properties"]


@rule("credentials are replaced")
def credentials(span, items):
    for item in items:
        for key in ("name", "url", "data", "target", "type"):
            if key in item["data"]:
                item["data"][key] = redaction.DEFAULT.text(item["data"][key])
        for one in item["data"].get("exceptions", []):
            one["message"] = redaction.DEFAULT.text(one["message"])
        if "ai.operation.name" in item["tags"]:
            item["tags"]["ai.operation.name"] = redaction.DEFAULT.text(item["tags"]["ai.operation.name"])[:1024]
            if not item["tags"]["ai.operation.name"]:
                del item["tags"]["ai.operation.name"]


@rule("what is empty is left out")
def empty(span, items):
    for item in items:
        item["data"] = {key: value for key, value in item["data"].items() if value not in ({}, "", None, [])}
        for one in item["data"].get("exceptions", []):
            if one.get("parsedStack") in ([], ()):
                del one["parsedStack"]


def expected(span):
    items = theirs(span)
    hit = set()
    for one in RULES:
        before = json.dumps(items, sort_keys=True)
        one.fix(span, items)
        if json.dumps(items, sort_keys=True) != before:
            hit.add(one.fix.__name__)
    return items, hit


plain = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=12)
words = st.sampled_from(["work", "x", "é☃", " ", ""]) | plain
urls = st.sampled_from(
    ["https://shop.example/items", "http://u:p@h:81/a?code=1&b=2", "https://h", "https://h:8443/a/b;c?x#y", "nonsense", "/a"]
)  # fmt: skip
attributes_of = st.fixed_dictionaries(
    {},
    optional={
        "component": st.sampled_from(["HTTP", "mysql"]),
        "http.method": st.sampled_from(["GET", "POST"]),
        "http.url": urls,
        "http.path": st.sampled_from(["/items/7", "/"]),
        "http.route": st.sampled_from(["/items/{id}", "items"]),
        "http.host": words,
        "http.status_code": st.integers(100, 599),
        "rows": st.integers() | st.booleans() | st.floats(allow_nan=False) | st.none() | st.lists(st.integers()),
        "note": words | st.sampled_from(["password=x", "x" * 8193, "Bearer abcdefgh12"]),
        "k" * 151: words,
        "api_key": words,
        "error.message": words,
        "error.name": st.sampled_from(["ValueError", "shop.Error"]),
    },
)
spans = st.builds(
    span_of,
    name=words | st.just("n" * 1025),
    kind=st.sampled_from([SpanKind.UNSPECIFIED, SpanKind.SERVER, SpanKind.CLIENT]),
    attributes=attributes_of,
    status=st.integers(0, 16),
    links=st.integers(0, 3),
    parent=st.booleans(),
    length=st.integers(0, 5000),
)


@given(spans)
@example(span_of(kind=SpanKind.SERVER, attributes={"http.route": "/", "error.message": ""}))
def test_items_are_those_of_the_official_exporter_but_for_the_listed_deviations(span):
    wanted, _ = expected(span)

    assert ours(span) == wanted


CASES = [
    span_of(kind=SpanKind.SERVER, attributes={"http.path": "/a", "http.method": "GET"}),
    span_of(kind=SpanKind.SERVER, attributes={"http.route": "/a", "error.message": "no"}),
    span_of(status=2),
    span_of(name=" ", attributes={"rows": 1, "password": "x"}),
    span_of(kind=SpanKind.CLIENT, attributes={"http.url": "http://u:p@h?code=1", "http.method": "GET"}),
]


@pytest.mark.parametrize("name", [one.fix.__name__ for one in RULES])
def test_each_deviation_is_one(name):
    """A rule that changes nothing any more is to go."""
    assert any(name in expected(span)[1] for span in CASES)


@pytest.mark.parametrize(
    "attributes", [{"http.status_code": "200"}, {"http.status_code": None}, {"http.method": 5, "http.route": "/a"}]
)
def test_spans_with_which_the_official_exporter_fails_are_stored(attributes):
    """And with them it loses the whole batch."""
    span = span_of(kind=SpanKind.SERVER, attributes=attributes)
    with pytest.raises(TypeError):
        theirs(span)

    (item,) = ours(span)

    assert item["type"] == "RequestData"
