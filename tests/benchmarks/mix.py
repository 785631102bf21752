"""Ended spans as function apps make them: a realistic mix, with the attributes of OpenTelemetry's instrumentations."""

from __future__ import annotations

from random import Random
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

_ROUTES = ("items/{id}", "items/{id}/reviews", "carts/{id}", "customers/{id}/orders", "search/{id}")
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
    "python-requests/2.32.3",
)
_TABLES = ("items", "reviews", "carts", "orders", "tenants", "prices")


class _Keep(SpanProcessor):
    def __init__(self):
        self.spans = []

    def on_end(self, span):
        self.spans.append(span)


_keep = _Keep()
provider = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.4.2"}))
provider.add_span_processor(_keep)


def spans(count, seed=1):
    """Return spans of operations of four: the request, a call over HTTP, a query, a part of the work.

    One in twenty ends with an exception. Values vary as they do in life, and ids are random, because both decide how
    far the items can be compressed.
    """
    tracer, some = provider.get_tracer("shop", "1.0"), Random(seed)
    _keep.spans = found = []
    number = 0
    while len(found) < count:
        number += 1
        _operation(tracer, some, 1_790_000_000_000_000_000 + number * some.randrange(10_000_000), fails=number % 5 == 0)
    return found[:count]


def _operation(tracer, some, started, *, fails):
    route = some.choice(_ROUTES)
    request = tracer.start_span(
        f"GET /api/{route}", _remote(tracer), SpanKind.SERVER, _server(some, route), start_time=started
    )
    inside = trace.set_span_in_context(request, Context())
    called = tracer.start_span("GET", inside, SpanKind.CLIENT, _client(some), start_time=started + 900_000)
    called.set_attribute("http.response.status_code", 200)
    called.end(started + some.randrange(5_000_000, 90_000_000))
    queried = tracer.start_span("SELECT shop", inside, SpanKind.CLIENT, _query(some), start_time=started + 95_000_000)
    queried.end(started + 95_000_000 + some.randrange(1_000_000, 9_000_000))
    part = tracer.start_span("price", inside, attributes=_part(some), start_time=started + 105_000_000)
    if fails:
        _fail(part, some)
    part.end(started + some.randrange(105_100_000, 120_000_000))
    request.set_attribute("http.response.status_code", 500 if fails else 200)
    if fails:
        request.set_status(Status(StatusCode.ERROR))
    request.end(started + some.randrange(120_000_000, 300_000_000))


def _remote(tracer):
    ids = tracer.id_generator
    parent = SpanContext(ids.generate_trace_id(), ids.generate_span_id(), is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def _fail(span, some):
    try:
        int(f"twelve{some.randrange(1000)}")
    except ValueError as error:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, str(error)))


def _server(some, route):
    return {
        "faas.trigger": "http",
        "faas.name": route.partition("/")[0],
        "faas.invocation_id": str(UUID(int=some.getrandbits(128), version=4)),
        "faas.coldstart": False,
        "http.request.method": "GET",
        "http.route": f"/api/{route}",
        "url.scheme": "https",
        "url.path": "/api/" + route.replace("{id}", str(some.randrange(100_000))),
        "server.address": "shop.azurewebsites.net",
        "client.address": f"203.0.113.{some.randrange(256)}",
        "user_agent.original": some.choice(_AGENTS),
    }


def _client(some):
    return {
        "http.request.method": "GET",
        "url.full": f"https://stock.example.com:8443/v1/stock/{some.randrange(100_000)}?warehouse={some.randrange(40)}",
        "server.address": "stock.example.com",
        "server.port": 8443,
        "network.protocol.version": "1.1",
    }


def _query(some):
    table = some.choice(_TABLES)
    return {
        "db.system": "postgresql",
        "db.name": "shop",
        "db.statement": f"SELECT id, name, price, stock FROM {table} WHERE id = %s AND tenant = %s ORDER BY {table}.id",
        "db.user": "shop",
        "net.peer.name": "db.example.com",
        "net.peer.port": 5432,
    }


def _part(some):
    return {
        "tenant": f"tenant-{some.randrange(500)}",
        "items": some.randrange(40),
        "discount": round(some.random(), 3),
        "customer.tier": some.choice(("gold", "silver", "none")),
        "cached": some.random() < 0.5,
    }
