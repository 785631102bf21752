"""The quick way of writing an item says what the thorough way says; threads may share what remembers."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from ext_appinsights import envelope, fields, lines
from ext_appinsights.redaction import DEFAULT, Redactor
from ext_opentelemetry import as_dependency, as_request, dimensions, mapping
from ext_opentelemetry.attributes import dimensions as dimensions_of
from ext_opentelemetry.dimensions import Dimensions
from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operation

KEYS = st.text(min_size=1, max_size=6) | st.sampled_from(
    [
        "tenant",
        "http.route",
        "password",
        "k" * 150,
        "k" * 151,
        "k" * 152,
        "gen_ai.input.messages",
        "x.password_policy",
        "_MS.sampleRate",
    ]
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=4) | st.text(max_size=12) | st.lists(st.text(max_size=4), max_size=2)
    | st.sampled_from(["v" * 8192, "v" * 8193, "pwd=x;y", "https://u:p@h/?code=x", '{"secret":"x"}', "me@b.example", "Bearer abcdefg1", ""])
)  # fmt: skip
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=6)


@pytest.mark.parametrize("redactor", [None, DEFAULT, Redactor(patterns=["x"])], ids=["off", "default", "own"])
@given(attributes=ATTRIBUTES)
def test_dimensions_are_the_same_in_both_ways(redactor, attributes: dict):
    """Limits, odd values, equal keys, credentials."""
    found = dimensions_of(attributes)
    thorough = fields.properties(found if redactor is None else redactor.properties(found))

    quick = lines._bytes("{" + Dimensions(redactor).members(attributes) + "}")

    assert json.loads(quick) == json.loads(lines.line(thorough))


HTTP = st.fixed_dictionaries(
    {},
    optional={
        "http.request.method": st.sampled_from(["GET", "POST"]),
        "url.full": st.sampled_from(
            ["https://u:p@h/x?code=1", "https://h/x?a=b", "https://h/" + "x" * 2100, "https://h/ü"]
        ),
        "http.route": st.sampled_from(["/a/{b}", "r" * 1100]),
        "http.response.status_code": st.integers(0, 600),
        "db.system": st.just("mysql"),
        "db.statement": st.sampled_from(["SELECT pwd='x'", "s" * 9000]),
        "messaging.system": st.sampled_from(["kafka", "https://u:p@h"]),
        "server.address": st.sampled_from(["h", "h" * 1100]),
        "microsoft.custom_measurements": st.sampled_from(['{"a": 1, "b": "x"}', "no"]),
        "enduser.id": st.text(max_size=3),
        "user_agent.original": st.sampled_from(["curl", "AlwaysOn", "a" * 2100]),
        "client.address": st.sampled_from(["10.0.0.1", "f" * 60]),
    },
)


def thorough(span: ReadableSpan, operation: Operation) -> dict:
    """Return the item as the builders of envelopes make it, with everything redacted one by one."""
    attributes = dict(span.attributes)
    is_request = span.kind in (SpanKind.SERVER, SpanKind.CONSUMER)
    said = (as_request if is_request else as_dependency).fields_of(span, attributes, DEFAULT.text)
    statement = said.pop("statement", None)
    said = {key: DEFAULT.text(value) if isinstance(value, str) else value for key, value in said.items()}
    if statement is not None:
        said["data"] = statement
    agent = str(attributes.get("user_agent.original", ""))
    return (envelope.request if is_request else envelope.dependency)(
        time_ns=span.start_time,
        duration_ns=span.end_time - span.start_time,
        id=f"{span.context.span_id:016x}",
        properties=DEFAULT.properties(dimensions_of(attributes)),
        measurements=mapping.measurements(attributes),
        tags={
            **mapping.tags_of(span.resource),
            "ai.operation.id": f"{span.context.trace_id:032x}",
            "ai.operation.name": DEFAULT.text(operation.name),
            "ai.user.authUserId": attributes.get("enduser.id"),
            "ai.operation.syntheticSource": "True" if "AlwaysOn" in agent else "",
            "ai.user.userAgent": agent,
            "ai.location.ip": attributes.get("client.address") if is_request else None,
        },
        **said,
    )


@given(
    st.text(max_size=8) | st.sampled_from(["n" * 1025, "https://u:p@h/", "\ud800"]),
    st.sampled_from(SpanKind),
    HTTP,
    ATTRIBUTES,
    st.integers(0, 10**15),
)
def test_an_item_is_the_same_in_both_ways(name: str, kind: SpanKind, http: dict, own: dict, took: int):
    """The line is the JSON of the envelope."""
    context = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(1))
    own.pop("_MS.sampleRate", None)
    span = ReadableSpan(
        name,
        context,
        None,
        Resource({"service.name": "shop"}),
        own | http,
        kind=kind,
        start_time=10**18,
        end_time=10**18 + took,
    )
    (line,) = Mapper().lines(span, Operation(span))

    assert json.loads(line) == json.loads(lines.line(thorough(span, Operation(span))))


def test_threads_share_a_mapper(make_span, monkeypatch: pytest.MonkeyPatch):
    """Each invocation maps its own spans when it ends; what is remembered overflows all the while."""
    for module, name in ((dimensions, "_REMEMBERED"), (mapping, "_NAMES_REMEMBERED")):
        monkeypatch.setattr(module, name, 3)
    resources = [Resource({"service.name": name, "service.instance.id": "i"}) for name in "abc"]
    mapper = Mapper()

    def spans(number: int):
        chosen = random.Random(number)
        for turn in range(40):
            context = SpanContext(number + 1, turn + 1, is_remote=False)
            own = {f"k{chosen.randrange(9)}": f"{number}-{turn}", "password": "x"}
            yield ReadableSpan(
                f"{number}-{turn}", context, None, chosen.choice(resources), own, start_time=1, end_time=2
            )

    def maps(number: int) -> bool:
        for span in spans(number):
            (item,) = mapper.envelopes(span, Operation(span))
            data = item["data"]["baseData"]
            assert data["name"] == item["tags"]["ai.operation.name"] == span.name
            assert item["tags"]["ai.cloud.role"] == span.resource.attributes["service.name"]
            assert data["properties"] == {**dict(span.attributes), "password": "REDACTED"}
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(maps, range(60)))
    assert len(mapper._names) <= 3 + 8
    assert len(mapper._dimensions._known) <= 3 + 8


def test_a_span_that_is_no_sdks_own_is_mapped_too():
    """Attributes in any mapping, or none; times missing."""
    span = ReadableSpan("a", SpanContext(1, 2, is_remote=False), resource=Resource({"service.name": "s"}))
    (item,) = Mapper().envelopes(span, None)

    assert (item["time"], item["data"]["baseData"]["duration"]) == ("1970-01-01T00:00:00.000000Z", "0.00:00:00.000")
    assert "ai.operation.name" not in item["tags"]
