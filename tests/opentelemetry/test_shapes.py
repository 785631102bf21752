"""A span of a usual shape is written as the thorough way writes it."""

from __future__ import annotations

import json
import tracemalloc
from enum import Enum

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from ext_appinsights.redaction import Redactor
from ext_opentelemetry import as_dependency, shapes
from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operation
from ext_opentelemetry.reading import read

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
    "http.scheme", "http.target", "http.host", "net.host.name", "peer.address", "db.operation", "messaging.destination",
    "message_bus.destination", "rpc.system.name", "rpc.response.status_code", "gen_ai.provider.name", "gen_ai.input.messages",
    "user_agent.synthetic.type", "http.user_agent", "http.client_ip", "enduser.id", "microsoft.custom_measurements",
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
    ["http.scheme", "server.address", "server.port"],
]
KEYS = st.lists(st.sampled_from(NAMES), max_size=8, unique=True) | st.builds(
    lambda usual, more: list(dict.fromkeys([*usual, *more])),
    st.sampled_from(USUAL),
    st.lists(st.sampled_from(NAMES), max_size=2),
)
PATHS = st.sampled_from(
    ["/", "/api/items/7", "/a b", "/p?code=1", "/eyJhbGciOiJI.eyJzdWIi.c2ln", "/Bearer abcdefgh", "/" + "p" * 2100]
)
SCHEMES, PORTS = st.sampled_from(["http", "https"]), st.sampled_from([80, 443, 8443])
LIKELY = {
    "url.path": PATHS,
    "http.scheme": SCHEMES,
    "url.scheme": SCHEMES,
    "server.port": PORTS,
    "net.peer.port": PORTS,
}
ATTRIBUTES = KEYS.flatmap(
    lambda keys: st.fixed_dictionaries(
        {key: PATHS if key == "url.path" else LIKELY.get(key, st.nothing()) | TEXTS | NUMBERS for key in keys}
    )
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
@example({"http.method": "GET", "http.status_code": "9" * 1100}, SpanKind.SERVER, "n", False, 5, False)
@example(
    {
        **dict.fromkeys(ROUTED, "http"),
        "url.path": "/x",
        "http.response.status_code": 200,
        "server.port": 80,
        "server.address": "",
    },
    SpanKind.SERVER,
    "n",
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


@pytest.mark.parametrize("kind", [SpanKind.CLIENT, SpanKind.INTERNAL])
def test_the_same_host_and_port_of_another_scheme_is_another_target(kind):
    """The scheme's own port is left out, whichever attribute names the scheme."""
    mapper, targets = Mapper(), []
    for scheme in ("https", "http"):
        span = TRACER.start_span(
            "work", None, kind, {"http.scheme": scheme, "server.address": "shop.example", "server.port": 443}
        )
        span.end()
        targets.append(json.loads(mapper.lines(span, None)[0])["data"]["baseData"]["target"])

    assert targets == ["shop.example", "shop.example:443"]


class Asked(dict):
    """Attributes that note which of them are asked for."""

    def __init__(self, values, seen):
        super().__init__(values)
        self.seen = seen

    def get(self, key, default=None):
        self.seen.add(key)
        return super().get(key, default)


def test_all_that_names_a_dependency_is_told_apart():
    """What is remembered of one is used for the next with the same values of these attributes."""
    seen: set[str] = set()
    hosts = [(), ("server.address", "server.port"), ("net.peer.name", "net.peer.port")]
    systems = ["az.namespace", "db.system", "messaging.system", "rpc.system", "gen_ai.system", "tenant"]
    for kind in (SpanKind.CLIENT, SpanKind.INTERNAL):
        for keys in [{system, *more} for system in systems for more in hosts]:
            span = TRACER.start_span("work", None, kind)
            as_dependency.fields_of(span, Asked(dict.fromkeys(keys, "a"), seen), str)

    assert seen - set(shapes._STATEMENTS) - shapes._HTTP == shapes._NAMING


@pytest.mark.parametrize(
    "usual", USUAL, ids=["a request", "a call", "a query", "a part", "a part that knows its scheme"]
)
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


REQUEST = {**dict.fromkeys(ROUTED, "http"), "url.path": "/x", "http.response.status_code": 200, "server.port": 80}
CALL = {"http.request.method": "GET", "server.address": "a.example", "http.response.status_code": 200}


@pytest.mark.parametrize(
    ("kind", "attributes", "long"),
    [
        (SpanKind.SERVER, REQUEST, "user_agent.original"),
        (SpanKind.SERVER, REQUEST, "server.address"),
        (SpanKind.SERVER, {"http.request.method": "GET", "url.scheme": "https", "server.address": "a"}, "url.path"),
        (SpanKind.SERVER, {"http.request.method": "GET"}, "url.full"),
        (SpanKind.CLIENT, CALL, "url.full"),
        (SpanKind.CLIENT, {"db.system": "mssql", "server.address": "a.example"}, "db.query.parameter.text"),
        (SpanKind.CLIENT, {"gen_ai.system": "openai", "server.address": "a.example"}, "gen_ai.input.messages"),
    ],
)
def test_what_is_long_is_not_remembered(kind, attributes, long):
    """It is the caller's to choose, or new with each span: to keep a thousand of it takes all the memory there is."""
    mapper, letters = Mapper(Redactor()), "m" * 8000
    tracemalloc.start()
    try:
        for number in range(300):
            value = f"https://a.example/x?{letters}{number}=1" if long == "url.full" else f"{letters}{number}"
            value = f"/{value}" if long == "url.path" else value
            span = TRACER.start_span("work", None, kind, {**attributes, long: value})
            span.end()
            mapper.lines(span, Operation(span))
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert kept < 1_000_000, "all of it is 2,400,000"


class Method(str, Enum):
    """A text that prints itself otherwise."""

    GET = "GET"

    def __str__(self):
        return "Method.GET"

    __format__ = lambda self, _: str(self)  # noqa: E731


@pytest.mark.parametrize("known", [(), ("GET",)], ids=["at first", "beside the plain text"])
def test_a_text_of_an_enumeration_is_its_value(known):
    mapper = Mapper()
    for method in [*known, Method.GET]:
        span = TRACER.start_span("work", None, SpanKind.SERVER, {**REQUEST, "http.request.method": method})
        span.end()
        (line,) = mapper.lines(span, Operation(span))

    item = json.loads(line)
    assert (item["data"]["baseData"]["name"], item["tags"]["ai.operation.name"]) == ("GET http", "GET http")
