"""The peer of a traced call: what a good engineer writes around an HTTP function with the OpenTelemetry SDK alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class Nowhere(SpanExporter):
    """The exporter that does the least: the peer's caller is measured, not somebody's export."""

    def export(self, spans):
        return SpanExportResult.SUCCESS


def set_up(exporter):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def traced(function, name, route):
    tracer, extract = trace.get_tracer("shop"), TraceContextTextMapPropagator().extract
    cold = True

    def call(req, context):
        nonlocal cold
        given = context.trace_context
        parent = extract({"traceparent": given.trace_parent, "tracestate": given.trace_state}, Context())
        url = urlsplit(req.url)
        attributes = {
            "faas.trigger": "http",
            "faas.name": name,
            "faas.invocation_id": context.invocation_id,
            "faas.coldstart": cold,
            "http.request.method": req.method,
            "http.route": route,
            "url.path": url.path,
            "url.scheme": url.scheme,
            "server.address": url.hostname,
            "user_agent.original": req.headers.get("user-agent", ""),
        }
        if url.port is not None:
            attributes["server.port"] = url.port
        cold = False
        span = tracer.start_span(f"{req.method} {route}", context=parent, kind=SpanKind.SERVER, attributes=attributes)
        token = attach(trace.set_span_in_context(span, parent))
        try:
            result = function(req)
        except BaseException as error:
            span.record_exception(error, escaped=True)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_attribute("http.response.status_code", 500)
            raise
        else:
            span.set_attribute("http.response.status_code", result.status_code)
            if result.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", str(result.status_code))
            return result
        finally:
            detach(token)
            span.end()

    return call
