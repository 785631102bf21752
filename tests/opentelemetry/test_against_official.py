"""Our items are those of Microsoft's exporter, but for the differences in this file, each with its reason."""

from __future__ import annotations

import json
import warnings
from datetime import datetime

import pytest
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from azure.monitor.opentelemetry.exporter.export.trace._exporter import (
        _convert_span_events_to_envelopes,
        _convert_span_to_envelope,
    )

SERVER, CLIENT, PRODUCER = SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER
CONSUMER, INTERNAL = SpanKind.CONSUMER, SpanKind.INTERNAL


def error(span):
    span.set_status(Status(StatusCode.ERROR, "no"))


def events(span):
    span.add_event("cache missed", {"key": "a"}, timestamp=1_767_323_046_000_000_000)
    span.record_exception(
        LookupError("gone"), {"exception.stacktrace": "   at Elsewhere()"}, timestamp=1_767_323_046_000_000_000
    )


def links(count: int, **attributes):
    return [
        Link(SpanContext(number + 1, number + 1, is_remote=True, trace_flags=TraceFlags(1)), attributes)
        for number in range(count)
    ]


SPANS = {
    "server, stable": ("GET", SERVER, {"http.request.method": "GET", "http.route": "/items/{id}", "url.scheme": "https", "url.path": "/items/7", "url.query": "a=b", "server.address": "shop.example", "server.port": 8443, "http.response.status_code": 200, "user_agent.original": "curl", "client.address": "10.0.0.1", "tenant": "a"}),
    "server, old": ("GET /items", SERVER, {"http.method": "GET", "http.url": "https://shop.example/items/7?a=b", "http.status_code": 404, "http.user_agent": "AlwaysOn", "net.peer.ip": "10.0.0.1"}),
    "server, old, from parts": ("x", SERVER, {"http.method": "POST", "http.scheme": "http", "http.host": "shop.example:81", "http.target": "/pay?x", "http.status_code": 201}),
    "server, old, from its name": ("x", SERVER, {"http.method": "POST", "http.scheme": "http", "net.host.name": "shop", "net.host.port": 81, "http.target": "/pay", "http.status_code": 201}),
    "server, no path": ("x", SERVER, {"http.method": "GET", "http.url": "https://shop.example", "http.status_code": 200}),
    "server, error": ("x", SERVER, {"http.method": "GET", "http.route": "/a", "http.status_code": 500}, {"change": error}),
    "server, not http": ("timer", SERVER, {"faas.trigger": "timer"}),
    "server, synthetic": ("x", SERVER, {"user_agent.synthetic.type": "bot", "enduser.id": "me", "enduser.pseudo.id": "m", "session.id": "s"}),
    "consumer": ("process", CONSUMER, {"messaging.system": "kafka", "messaging.destination": "orders", "net.peer.name": "broker"}),
    "consumer, azure": ("process", CONSUMER, {"az.namespace": "Microsoft.ServiceBus", "messaging.destination.name": "orders", "server.address": "bus.example"}, {"links": links(2, enqueuedTime=1_767_323_044_000)}),
    "client http, old": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://api.example/v1/x?y=z", "http.status_code": 200}),
    "client http, old, 404": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://api.example:444/v1", "http.status_code": 404}, {"change": error}),
    "client http, old, parts": ("GET", CLIENT, {"http.method": "GET", "http.scheme": "https", "http.host": "api.example:443", "http.target": "/v1", "http.status_code": 200}),
    "client http, peer service": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://api.example/v1", "peer.service": "api", "http.status_code": 200}),
    "client http, stable": ("GET", CLIENT, {"http.request.method": "GET", "url.full": "http://api.example:8080/v1", "server.address": "api.example", "server.port": 8080, "http.response.status_code": 200}),
    "client http, no answer": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://api.example/v1"}, {"change": error}),
    "database, old": ("SELECT", CLIENT, {"db.system": "postgresql", "db.statement": "SELECT 1", "db.name": "shop", "net.peer.name": "db", "net.peer.port": 5432}),
    "database, stable": ("SELECT", CLIENT, {"db.system.name": "microsoft.sql_server", "db.query.text": "SELECT 1", "db.namespace": "shop", "server.address": "db", "server.port": 1444}),
    "database, operation": ("get", CLIENT, {"db.system": "redis", "db.operation": "GET", "net.peer.name": "cache", "net.peer.port": 6380}),
    "database, other": ("get", CLIENT, {"db.system": "cosmosdb"}),
    "database, name only": ("get", CLIENT, {"db.system": "mysql", "db.name": "shop"}),
    "client messaging": ("receive", CLIENT, {"messaging.system": "kafka", "messaging.destination": "orders"}),
    "client messaging, peer": ("receive", CLIENT, {"messaging.system": "kafka", "net.peer.name": "broker", "net.peer.port": 9092}),
    "client, azure": ("SendClient.send", CLIENT, {"az.namespace": "Microsoft.EventHub", "messaging.destination.name": "hub", "server.address": "ns.example"}),
    "client, unknown": ("call", CLIENT, {"x": "y"}),
    "client, unknown, peer": ("call", CLIENT, {"net.peer.ip": "10.0.0.9", "net.peer.port": 99}),
    "producer": ("send", PRODUCER, {"messaging.system": "kafka", "messaging.destination": "orders"}),
    "producer, azure": ("send", PRODUCER, {"az.namespace": "Microsoft.ServiceBus", "messaging.destination.name": "orders", "server.address": "bus.example"}),
    "producer, unknown": ("send", PRODUCER, {}),
    "internal": ("work", INTERNAL, {"rows": "7"}),
    "internal, error": ("work", INTERNAL, {}, {"change": error}),
    "internal, azure": ("BlobClient.upload", INTERNAL, {"az.namespace": "Microsoft.Storage"}),
    "links": ("work", INTERNAL, {}, {"links": links(102)}),
    "events": ("work", INTERNAL, {}, {"change": events}),
    "sampled": ("work", INTERNAL, {"_MS.sampleRate": 25.0}, {"change": events}),
    "measurements": ("work", INTERNAL, {"microsoft.custom_measurements": '{"rows": 3, "bad": "x"}'}),
    "long": ("n" * 2000, SERVER, {"p": "v" * 9000}),
    "root": ("work", INTERNAL, {}, {"parent": None}),
    # Where theirs is wrong, see DEVIATIONS:
    "server, 503 with status unset": ("x", SERVER, {"http.method": "GET", "http.route": "/a", "http.status_code": 503}),
    "client http, 503 with status unset": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://api.example/v1", "http.status_code": 503}),
    "client http, stable, default port": ("GET", CLIENT, {"http.request.method": "GET", "url.full": "https://api.example/v1", "server.address": "api.example", "server.port": 443, "http.response.status_code": 200}),
    "client http, stable, no port": ("GET", CLIENT, {"http.request.method": "GET", "url.full": "https://api.example/v1", "server.address": "api.example", "http.response.status_code": 200}),
    "client http, with a password": ("GET", CLIENT, {"http.method": "GET", "http.url": "https://me:secret@api.example/v1", "http.status_code": 200}),
    "client messaging, stable": ("receive", CLIENT, {"messaging.system": "kafka", "messaging.destination.name": "orders", "server.address": "broker", "server.port": 9092}),
    "consumer, stable": ("process", CONSUMER, {"messaging.system": "kafka", "messaging.destination.name": "orders", "server.address": "broker"}),
    "producer, stable": ("send", PRODUCER, {"messaging.system": "kafka", "messaging.destination.name": "orders"}),
    "rpc": ("Shop/Buy", CLIENT, {"rpc.system": "grpc", "rpc.grpc.status_code": 5, "server.address": "shop", "server.port": 50051}),
    "client http, azure": ("BlobClient.get", CLIENT, {"az.namespace": "Microsoft.Storage", "http.method": "GET", "http.url": "https://s.blob.example/c/b", "http.status_code": 200}),
    "values that are no text": ("work", INTERNAL, {"flag": True, "list": ("a", "b")}),
    "a long key": ("work", INTERNAL, {"k" * 151: "v"}),
    "103 links": ("work", INTERNAL, {}, {"links": links(103)}),
    "an exception without a stack": ("work", INTERNAL, {}, {"change": lambda span: span.add_event("exception", {"exception.type": "T", "exception.message": "m"}, timestamp=1_767_323_046_000_000_000)}),
}  # fmt: skip

REQUEST_FAILED = "a 5xx is a failure, whether or not the instrumentation set the status"
STABLE = "the stable semantic conventions are read as the old ones are"

DEVIATIONS = {
    "long": {"data.ai.operation.name": ("n" * 2000, "n" * 1024, "tags have limits too")},
    "server, 503 with status unset": {"data.success": (True, False, REQUEST_FAILED)},
    "client http, 503 with status unset": {"data.success": (True, False, REQUEST_FAILED)},
    "client http, stable, default port": {
        "data.target": ("api.example:443", "api.example", "the scheme's own port is no part of the target's name")
    },
    "client http, stable, no port": {"data.target": ("api.example:None", "api.example", "no port is no port")},
    "client http, with a password": {
        "data.target": ("me:secret@api.example", "api.example", "credentials are no part of the target's name"),
        "data.data": ("https://me:secret@api.example/v1", "https://api.example/v1", "telemetry holds no credentials"),
    },
    "client messaging, stable": {"data.target": ("kafka", "broker:9092", STABLE)},
    "consumer, stable": {"data.source": (None, "broker/orders", STABLE)},
    "producer, stable": {"data.target": ("kafka", "orders", STABLE)},
    "rpc": {
        "data.type": ("rpc.system", "grpc", "the type is the system, not the attribute's name"),
        "data.target": ("grpc", "shop:50051", STABLE),
        "data.resultCode": ("0", "5", "the status code is known"),
    },
    "client http, azure": {
        "data.data": (None, "https://s.blob.example/c/b", "what HTTP tells of an Azure SDK's call is kept"),
        "data.target": (None, "s.blob.example", "what HTTP tells of an Azure SDK's call is kept"),
        "data.resultCode": ("0", "200", "what HTTP tells of an Azure SDK's call is kept"),
    },
    "values that are no text": {
        "data.properties": ({"flag": "True", "list": "('a', 'b')"}, {"flag": "true", "list": '["a","b"]'}, "JSON, no Python repr")
    },
    "a long key": {"data.properties": (None, {"k" * 150: "v"}, "a long key is cut, its value is not lost")},
    "103 links": {"links": (103, 102, "103 links are longer than the 8192 characters of a property")},
    "an exception without a stack": {"event 0.stack": ("None", None, "a missing stack is left out")},
}  # fmt: skip
"""Span -> field -> (theirs, ours, the reason)."""

LEFT_OUT_TAGS = {"ai.device.id", "ai.device.locale", "ai.device.type", "ai.internal.sdkVersion"}
"""The device is the one that the end user holds, and a server does not know it; the SDK version is each one's own."""


@pytest.mark.parametrize("case", SPANS)
def test_our_item_is_theirs_but_for_named_differences(make_span, case: str):
    """Every field of the item and of its events."""
    name, kind, attributes, *rest = SPANS[case]
    span = make_span(name, kind, attributes, **(rest[0] if rest else {}))
    theirs = flat(list(map(as_json, [_convert_span_to_envelope(span), *_convert_span_events_to_envelopes(span)])))
    ours = flat(Mapper().envelopes(span, Operation(span)))

    different = {
        field: (theirs.get(field), ours.get(field))
        for field in sorted(theirs.keys() | ours.keys())
        if theirs.get(field) != ours.get(field)
    }

    assert different == {field: (old, new) for field, (old, new, _) in DEVIATIONS.get(case, {}).items()}


def as_json(item) -> dict:
    """Return one of their items as it goes over the wire."""
    return {**item.as_dict(), "tags": {getattr(key, "value", key): value for key, value in item.tags.items()}}


def flat(items: list[dict]) -> dict:
    """Return the fields of a span's item as `data.*`, those of its events as `event N.*`, both without empty ones."""
    fields: dict = {}
    for number, item in enumerate(items):
        prefix = "data" if number == 0 else f"event {number - 1}"
        data = dict(item["data"]["baseData"])
        data.pop("kind", None)  # of their Python classes, not of the protocol
        properties = dict(data.get("properties") or {})
        if "_MS.links" in properties:
            fields["links"] = len(json.loads(properties.pop("_MS.links")))
        data["properties"] = properties
        for exception in data.pop("exceptions", []):
            data.update(exception)
        tags = {key: value for key, value in item["tags"].items() if key not in LEFT_OUT_TAGS}
        if item["data"]["baseType"] != "RequestData":
            tags.pop("ai.operation.name", None)  # inherited: see test_operations.py
        fields |= {f"{prefix}.{key}": value for key, value in (data | tags).items() if value not in (None, "", {}, [])}
        fields[f"{prefix}.itemType"] = (item["name"], item["data"]["baseType"])
        fields[f"{prefix}.moment"] = datetime.fromisoformat(item["time"].replace("Z", "+00:00"))
        fields[f"{prefix}.sampleRate"] = item.get("sampleRate") or 100.0  # theirs is left out when there is none
    return fields


def test_every_deviation_is_of_a_case_and_has_a_reason():
    """None outlives its case."""
    assert DEVIATIONS.keys() <= SPANS.keys()
    assert all(reason for fields in DEVIATIONS.values() for *_, reason in fields.values())
