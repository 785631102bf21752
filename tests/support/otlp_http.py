"""Export requests of OTLP over HTTP, in protobuf and in OTLP's own JSON."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from time import time_ns

from google.protobuf.json_format import MessageToDict, Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
RESPONSES = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}

TRACE_ID = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPAN_ID = bytes.fromhex("00f067aa0ba902b7")


def traces(*spans, **resource):
    """Return an export request with spans, each a dict of fields."""
    request = ExportTraceServiceRequest()
    inside = request.resource_spans.add()
    describe(inside.resource, resource)
    scope = inside.scope_spans.add()
    now = time_ns()
    for span in spans:
        defaults = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "name": "work", "kind": 2}
        scope.spans.add(**defaults | {"start_time_unix_nano": now, "end_time_unix_nano": now + 1_500_000} | span)
    return request


def logs(*records, **resource):
    """Return an export request with log records, each a dict of fields; `body` is a text."""
    request = ExportLogsServiceRequest()
    inside = request.resource_logs.add()
    describe(inside.resource, resource)
    scope = inside.scope_logs.add()
    for record in records:
        body = record.pop("body", None)
        added = scope.log_records.add(**{"time_unix_nano": time_ns()} | record)
        if body is not None:
            added.body.string_value = body
    return request


def metric(kind, *points, name="sales", resource=(), **data):
    """Return an export request with one metric; each point is a dict of fields."""
    request = ExportMetricsServiceRequest()
    inside = request.resource_metrics.add()
    describe(inside.resource, dict(resource))
    added = inside.scope_metrics.add().metrics.add(name=name)
    target = getattr(added, kind)
    for key, value in data.items():
        setattr(target, key, value)
    for point in points:
        attributes = point.pop("attributes", {})
        made = target.data_points.add(**{"time_unix_nano": time_ns()} | point)
        describe(made, attributes)
    return request


def describe(message, attributes):
    """Add attributes with text values."""
    for key, value in attributes.items():
        message.attributes.add(key=key.replace("__", ".")).value.string_value = value


def as_json(request):
    """Return a request as OTLP's JSON has it: like protobuf's, but for identifiers and names of enumerations."""
    return json.dumps(hexadecimal(MessageToDict(request, use_integers_for_enums=True))).encode()


def hexadecimal(value):
    """Turn base64 identifiers into hexadecimal ones, anywhere."""
    if isinstance(value, list):
        return [hexadecimal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex() if key in ("traceId", "spanId", "parentSpanId") else hexadecimal(one)
        for key, one in value.items()
    }


def send(server, signal, body, content_type=PROTOBUF, **headers):
    """Send a body; return status, headers and the answer as bytes."""
    sent = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", f"/v1/{signal}", body, sent)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def export(server, signal, request, content_type=PROTOBUF):
    """Send a request that is taken; return the answer as message, whatever its content type."""
    body = request.SerializeToString() if content_type == PROTOBUF else as_json(request)
    status, headers, content = send(server, signal, body, content_type)
    assert (status, headers["content-type"]) == (200, content_type), content
    if content_type == JSON:
        return Parse(content, RESPONSES[signal]())
    return RESPONSES[signal].FromString(content)
