"""OpenTelemetry's exporters, which are told where to send as any program is: OTEL_EXPORTER_OTLP_ENDPOINT."""

import logging
from time import time_ns

import loopback  # noqa: F401
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

logging.basicConfig()  # What goes wrong in an exporter is on standard error.
resource = Resource.create({"service.name": "shop", "service.version": "7"})
tracers, loggers = TracerProvider(resource=resource), LoggerProvider(resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource)
tracer, logger, meter = tracers.get_tracer("shop"), loggers.get_logger("shop"), meters.get_meter("shop")

REQUEST = {
    "http.request.method": "GET", "http.route": "/items", "http.response.status_code": 500, "url.scheme": "http",
    "server.address": "shop.example", "url.path": "/items", "url.query": "size=1",
}  # fmt: skip
CALL = {
    "db.system.name": "postgresql", "db.query.text": "select 1", "db.namespace": "stock", "server.address": "db",
}  # fmt: skip

with tracer.start_as_current_span("GET /items", kind=SpanKind.SERVER, attributes=REQUEST) as request:
    with tracer.start_as_current_span("stock", kind=SpanKind.CLIENT, attributes=CALL) as call:
        call.add_event("asked", {"rows": 3})
    now = time_ns()
    logger.emit(LogRecord(timestamp=now, severity_number=SeverityNumber.WARN, body="sold out", attributes={"item": 7}))
    bought = {"microsoft.custom_event.name": "bought", "item": "9"}
    logger.emit(LogRecord(timestamp=now, attributes=bought))
    try:
        raise LookupError("no such item")
    except LookupError as error:
        request.record_exception(error)
        request.set_status(StatusCode.ERROR)
meter.create_counter("sales").add(3, {"tenant": "a"})
meter.create_histogram("wait").record(1.5)
meter.create_observable_gauge("left", [lambda _options: [Observation(5)]])
for provider in (tracers, loggers, meters):
    provider.shutdown()
