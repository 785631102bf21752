"""A span of a usual shape is written as the thorough way writes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operation
from ext_opentelemetry.reading import read
from ext_opentelemetry.redaction import Redactor

TRACER = TracerProvider(
    sampler=ALWAYS_ON, resource=Resource({"service.name": "shop"}), shutdown_on_exit=False
).get_tracer("t")
MAPPERS = [Mapper(), Mapper(None), Mapper(Redactor(patterns=["se.ret"]))]
"""The same for all examples, so that what one span taught is used for the next."""

TEXTS = st.sampled_from(
    [
        "", " ", "a", "GET", "POST", "/api/items/{id}", "/a b", "shop.example", "shop.example:81", "https", "http",
        "https://shop.example/v1?size=2&page=3", "https://shop.example/v1?sig=abc&size=2", "http://me:pw@shop.example/x",
        "https://shop.example:443/v1?a=b=c", "https://shop.example/v1?x=%3Fcode%3D1", "/p?code=1", "password=x", "secret",
        "Bearer abcdefgh", "AlwaysOn", "curl/8", "10.0.0.1", "SELECT 1 WHERE password = 'x'", "postgresql", "mssql", "n" * 1100,
        "v" * 8200, "\ud800", "é", "https://shop.example/" + "p" * 2100,
    ]
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 80, 443, 200, 204, 404, 503, 5432, True, False, 1.5])
NAMES = [
    "http.request.method", "http.route", "url.path", "url.scheme", "url.full", "url.query", "server.address", "server.port",
    "http.response.status_code", "user_agent.original", "client.address", "faas.name", "faas.invocation_id", "tenant",
    "http.method", "http.url", "http.status_code", "net.peer.name", "net.peer.port", "net.peer.ip", "peer.service", "db.system", "db.system.name",
    "db.statement", "db.query.text", "db.name", "db.namespace", "messaging.system", "messaging.destination.name", "rpc.system",
    "rpc.grpc.status_code", "az.namespace", "gen_ai.system", "session.id", "api_key", "k" * 151, "_MS.sampleRate",
]  # fmt: skip
ROUTED = [
    "http.request.method",
    "http.route",
    "url.path",
    "url.scheme",
    "server.address",
    "server.port",
    "http.response.status_code",
]
USUAL = [
    ROUTED,
    ["http.request.method", "url.full", "server.address", "server.port", "http.response.status_code"],
    ["db.system", "db.statement", "db.name", "net.peer.name", "net.peer.port"],
    ["tenant"],
]
KEYS = st.lists(st.sampled_from(NAMES), max_size=8, unique=True) | st.builds(
    lambda usual, more: list(dict.fromkeys([*usual, *more])),
    st.sampled_from(USUAL),
    st.lists(st.sampled_from(NAMES), max_size=2),
)
PATHS = st.sampled_from(
    ["/", "/api/items/7", "/a b", "/p?code=1", "/eyJhbGciOiJI.eyJzdWIi.c2ln", "/Bearer abcdefgh", "/" + "p" * 2100]
)
ATTRIBUTES = KEYS.flatmap(
    lambda keys: st.fixed_dictionaries({key: PATHS if key == "url.path" else TEXTS | NUMBERS for key in keys})
)


@given(ATTRIBUTES, st.sampled_from(list(SpanKind)), TEXTS, st.booleans(), st.integers(-5, 10**15), st.booleans())
@example(
    {"http.request.method": "GET", "url.full": "https://a.example/x", "server.address": "a.example"},
    SpanKind.INTERNAL,
    "n",
    False,
    5,
    False,
)
@example(
    {"http.method": "GET", "az.namespace": "a", "url.full": "https://a.example/x"},
    SpanKind.CLIENT,
    " ",
    False,
    5,
    False,
)
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_both_ways_are_one(attributes, kind, name, failed, taken, with_event):
    span = TRACER.start_span(name, None, kind, attributes, start_time=1_767_323_045_678_901_234)
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    if with_event:
        span.add_event("seen", {"password": "x"}, timestamp=5)
    span.end(1_767_323_045_678_901_234 + taken)
    operation = Operation(span)
    for mapper in MAPPERS:
        for _ in range(2):  # as a new shape, and as a known one
            quick = mapper.lines(span, operation)
        tags = mapper._tags(read(span), operation.name)
        thorough = mapper._at_length(span, dict(span.attributes), tags, operation.rate)

        assert list(map(json.loads, quick)) == list(map(json.loads, thorough))


@pytest.mark.parametrize("usual", USUAL, ids=["a request", "a call", "a query", "a part"])
def test_what_is_usual_is_written_at_once(usual):
    """Or the quick way would hold whatever the thorough one does."""
    values = {
        "server.port": 8443,
        "url.path": "/x",
        "http.response.status_code": 200,
        "net.peer.port": 5432,
        "url.full": "https://a.example/x?size=2",
    }
    kind = SpanKind.SERVER if "http.route" in usual else SpanKind.INTERNAL if usual == ["tenant"] else SpanKind.CLIENT
    span = TRACER.start_span("work", None, kind, {key: values.get(key, "https") for key in usual})
    span.end()
    mapper = MAPPERS[0]

    assert mapper._shapes.line(span, read(span), dict(span.attributes), "", 100.0) is not None


def test_what_is_remembered_is_bounded():
    mapper = Mapper()
    for number in range(3000):
        span = TRACER.start_span(
            f"work {number}", None, SpanKind.CLIENT, {f"key {number}": "v", "server.address": f"host {number}"}
        )
        span.end()
        mapper.lines(span, None)

    shapes = mapper._shapes
    assert max(map(len, (shapes._calls, shapes._texts, mapper._dimensions._known))) <= 2048


def test_what_is_remembered_of_requests_is_bounded():
    mapper = Mapper()
    for number in range(3000):
        attributes = {**dict.fromkeys(ROUTED, "http"), "url.path": "/x", "http.response.status_code": 200}
        attributes |= {"server.port": 80, "server.address": f"host{number}", "user_agent.original": f"agent {number}"}
        span = TRACER.start_span("work", None, SpanKind.SERVER, attributes)
        span.end()
        mapper.lines(span, None)

    (shape,) = mapper._shapes._requests.values()
    assert 0 < max(len(shape.routed._known), len(shape.routed._agents)) <= 1024
