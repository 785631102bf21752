"""What Microsoft's own exporters send is stored, item by item."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections import Counter

from ext_devkit.insights.transaction import Transaction

QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
}
"""Nothing but the test's own telemetry is sent, and only to this machine."""

AZURE_MONITOR = """
import sys
from time import time_ns
from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter, AzureMonitorMetricExporter, AzureMonitorTraceExporter)
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

options = {"connection_string": sys.argv[1], "disable_offline_storage": True}
resource = Resource({"service.name": "shop"})
tracers = TracerProvider(resource=resource)
trace.set_tracer_provider(tracers)
tracers.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**options)))
loggers = LoggerProvider(resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**options)))
meters = MeterProvider([PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options))], resource)
tracer, logger, meter = tracers.get_tracer("t"), loggers.get_logger("l"), meters.get_meter("m")

def log(body, **attributes):
    logger.emit(LogRecord(timestamp=time_ns(), severity_number=SeverityNumber.WARN, body=body, attributes=attributes))

for n in range(100):
    with tracer.start_as_current_span("GET /items", kind=SpanKind.SERVER):
        with tracer.start_as_current_span("stock", kind=SpanKind.CLIENT, attributes={"n": n}) as span:
            span.add_event("asked")
        with tracer.start_as_current_span("inside"):
            log("sold out", item=n)
            log("", **{"exception.type": "ValueError", "exception.message": "no"})
            log("", **{"microsoft.custom_event.name": "bought"})
            log("", **{"microsoft.availability.id": "1", "microsoft.availability.name": "ping",
                       "microsoft.availability.duration": "00:00:01", "microsoft.availability.success": "true"})
try:
    with tracer.start_as_current_span("boom", kind=SpanKind.CONSUMER):
        raise ValueError()
except ValueError:
    pass
meter.create_counter("sales").add(3, {"tenant": "a"})
meter.create_histogram("wait").record(1.5)
for provider in (tracers, loggers, meters):
    provider.shutdown()
"""

OPENCENSUS = """
import logging, sys, threading
from datetime import datetime
from opencensus.ext.azure.log_exporter import AzureEventHandler, AzureLogHandler
from opencensus.ext.azure.metrics_exporter import MetricsExporter
from opencensus.ext.azure.trace_exporter import AzureExporter
from opencensus.metrics.export.gauge import LongGauge
from opencensus.trace.samplers import AlwaysOnSampler
from opencensus.trace.span import SpanKind
from opencensus.trace.tracer import Tracer

options = {"connection_string": sys.argv[1], "enable_local_storage": False}
exporter = AzureExporter(**options)
tracer = Tracer(exporter=exporter, sampler=AlwaysOnSampler())
logger, events = logging.getLogger("app"), logging.getLogger("events")
handlers = [AzureLogHandler(**options), AzureEventHandler(**options)]
for handler in handlers:
    # These handlers have None for a lock, which logging no longer takes since Python 3.13.
    handler.lock = handler.lock or threading.RLock()
logger.addHandler(handlers[0])
events.addHandler(handlers[1])
events.setLevel("INFO")

def here(**more):
    # What the logging integration, a package of its own, puts on records.
    span = tracer.current_span()
    return {"traceId": tracer.span_context.trace_id, "spanId": span.span_id, **more}

with tracer.span("GET /items") as request:
    request.span_kind = SpanKind.SERVER
    for key, value in {"http.method": "GET", "http.route": "/items", "http.status_code": 200}.items():
        request.add_attribute(key, value)
    with tracer.span("stock") as call:
        call.span_kind = SpanKind.CLIENT
        logger.warning("sold out", extra=here(custom_dimensions={"item": 7, "known": True}))
    try:
        raise ValueError()
    except ValueError:
        logger.exception("bad", extra=here())
    events.info("bought", extra=here(custom_dimensions={"item": "7"}, custom_measurements={"price": 1.5}))

gauge = LongGauge("stock", "left", "1", [])
gauge.get_or_create_default_time_series().set(5)
MetricsExporter(**options).export_metrics([gauge.get_metric(datetime.utcnow())])
for handler in handlers:
    handler.flush()
"""


def run(script, server):
    """Run a script in a process of its own, with the server's connection string as its argument."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), server.connection_string],
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def stored(server):
    return {table: count for table, count in server.store.counts().items() if count}


def test_azure_monitors_exporter_has_all_its_items_stored(server):
    run(AZURE_MONITOR, server)

    metrics = server.store.rows("customMetrics")
    assert stored(server) | {"customMetrics": 0} == {
        "requests": 101,
        "dependencies": 200,
        "traces": 200,
        "exceptions": 101,
        "customEvents": 100,
        "availabilityResults": 100,
        "customMetrics": 0,
    }
    assert Counter(row["origin"] for row in metrics if row["name"] != "_OTELRESOURCE_") == {"application": 2}
    assert {row["origin"] for row in metrics if row["name"] == "_OTELRESOURCE_"} == {"resource"}
    assert {row["cloud_RoleName"] for row in server.store.rows("requests")} == {"shop"}


def test_a_trace_of_azure_monitors_exporter_is_one_tree(server):
    run(AZURE_MONITOR, server)

    transaction = Transaction.read(server.store, server.store.rows("requests", limit=1)[0]["operation_Id"])

    assert sorted((depth, node.kind, node.title) for depth, node in transaction.walk()) == [
        (0, "request", "GET /items"),
        (1, "dependency", "inside"),
        (1, "dependency", "stock"),
        (2, "availabilityResult", "ping"),
        (2, "customEvent", "bought"),
        (2, "exception", "ValueError: no"),
        (2, "trace", "asked"),
        (2, "trace", "sold out"),
    ]


def test_opencensus_has_all_its_items_stored(server):
    run(OPENCENSUS, server)

    assert stored(server) == {
        "requests": 1,
        "dependencies": 1,
        "traces": 1,
        "exceptions": 1,
        "customEvents": 1,
        "customMetrics": 1,
    }
    (message,) = server.store.rows("traces")
    assert (message["message"], message["severityLevel"], message["customDimensions"]["item"]) == ("sold out", 2, "7")
    (metric,) = server.store.rows("customMetrics")
    assert (metric["name"], metric["value"], metric["origin"]) == ("stock", 5.0, "application")


ODD_LOGS = """
import logging, sys, threading
from opencensus.ext.azure.log_exporter import AzureEventHandler, AzureLogHandler

for name, kind in {"app": AzureLogHandler, "events": AzureEventHandler}.items():
    handler = kind(connection_string=sys.argv[1], enable_local_storage=False)
    handler.lock = handler.lock or threading.RLock()
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.warning("")
    logger.warning("odd", extra={"custom_dimensions": {"a": float("nan"), "b": [1, {"c": None}], "d": None, "e": 1}})
    try:
        raise ValueError()
    except ValueError:
        logger.exception("")
    handler.flush()
"""


def test_opencensus_has_also_odd_logs_stored(server):
    """No text, numbers that are none, lists: none of it may cost the batch it is sent in."""
    run(ODD_LOGS, server)

    assert stored(server) == {"traces": 2, "exceptions": 1, "customEvents": 3}
    odd = server.store.rows("customEvents")[1]
    assert odd["customDimensions"] == {"a": "NaN", "b": '[1,{"c":null}]', "e": "1"}


def test_a_trace_of_opencensus_is_one_tree_with_its_logs(server):
    run(OPENCENSUS, server)

    transaction = Transaction.read(server.store, server.store.rows("requests")[0]["operation_Id"])

    assert sorted((depth, node.kind) for depth, node in transaction.walk()) == [
        (0, "request"),
        (1, "customEvent"),
        (1, "dependency"),
        (1, "exception"),
        (2, "trace"),
    ]
