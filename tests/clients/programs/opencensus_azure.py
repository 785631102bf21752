"""OpenCensus's exporters for Azure, with its integration for logging."""

import logging
import sys
import threading
from datetime import datetime

import loopback  # noqa: F401
from opencensus.ext.azure.log_exporter import AzureEventHandler, AzureLogHandler
from opencensus.ext.azure.metrics_exporter import MetricsExporter
from opencensus.ext.azure.trace_exporter import AzureExporter
from opencensus.metrics.export.gauge import DoubleGauge
from opencensus.metrics.label_key import LabelKey
from opencensus.metrics.label_value import LabelValue
from opencensus.trace import config_integration
from opencensus.trace.samplers import AlwaysOnSampler
from opencensus.trace.span import SpanKind
from opencensus.trace.tracer import Tracer

config_integration.trace_integrations(["logging"])
options = {"connection_string": sys.argv[1], "enable_local_storage": False}


def named(envelope):
    envelope.tags["ai.cloud.role"] = "shop"
    return True


exporter = AzureExporter(**options)
exporter.add_telemetry_processor(named)
tracer = Tracer(exporter=exporter, sampler=AlwaysOnSampler())
logger, events = logging.getLogger("shop"), logging.getLogger("events")
handlers = [AzureLogHandler(**options), AzureEventHandler(**options)]
for handler, target in zip(handlers, (logger, events), strict=True):
    # These handlers have None for a lock, which logging no longer takes since Python 3.13.
    handler.lock = handler.lock or threading.RLock()
    handler.add_telemetry_processor(named)
    target.addHandler(handler)
    target.setLevel("INFO")

with tracer.span("GET /items") as request:
    request.span_kind = SpanKind.SERVER
    answer = {"http.method": "GET", "http.route": "/items", "http.status_code": 500, "http.path": "/items"}
    for key, value in {**answer, "http.url": "http://shop.example/items?size=1", "item": "6"}.items():
        request.add_attribute(key, value)
    with tracer.span("GET /stock") as call:
        call.span_kind = SpanKind.CLIENT
        for key, value in {
            "component": "HTTP", "http.method": "GET", "http.url": "http://stock.example/7", "http.status_code": 200,
        }.items():  # fmt: skip
            call.add_attribute(key, value)
    logger.warning("sold out", extra={"custom_dimensions": {"item": 7}})
    try:
        raise LookupError("no such item")
    except LookupError:
        logger.exception("bad", extra={"custom_dimensions": {"item": 8}})
    events.info("bought", extra={"custom_dimensions": {"item": "9"}, "custom_measurements": {"price": 1.5}})

gauge = DoubleGauge("left", "how many", "1", [LabelKey("tenant", "whose")])
gauge.get_or_create_time_series([LabelValue("a")]).set(5.5)
metrics = MetricsExporter(**options)
metrics.add_telemetry_processor(named)
metrics.export_metrics([gauge.get_metric(datetime.utcnow())])
for handler in handlers:
    handler.flush()
