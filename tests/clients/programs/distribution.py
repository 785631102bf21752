"""Microsoft's distribution, set up as its documents say, in an app that is asked once for an item."""

import logging
import sys

import loopback  # noqa: F401
from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

logging.basicConfig()  # What goes wrong in an exporter is on standard error.
logging.getLogger("shop").propagate = False
configure_azure_monitor(
    connection_string=sys.argv[1],
    logger_name="shop",
    resource=Resource({"service.name": "shop", "service.version": "7"}),
    sampling_ratio=1.0,
    enable_live_metrics=False,
    disable_offline_storage=True,
)
tracer, logger, meter = trace.get_tracer("shop"), logging.getLogger("shop"), metrics.get_meter("shop")

REQUEST = {
    "http.request.method": "GET", "http.route": "/items", "http.response.status_code": 500, "url.scheme": "http",
    "server.address": "shop.example", "url.path": "/items", "url.query": "size=1", "item": "6",
}  # fmt: skip
CALL = {"db.system": "postgresql", "db.statement": "select 1", "db.name": "stock", "server.address": "db"}

with tracer.start_as_current_span("GET /items", kind=SpanKind.SERVER, attributes=REQUEST) as request:
    request.set_status(StatusCode.ERROR)
    with tracer.start_as_current_span("stock", kind=SpanKind.CLIENT, attributes=CALL) as call:
        call.add_event("asked", {"rows": 3})
    logger.warning("sold out", extra={"item": 7})
    try:
        raise LookupError("no such item")
    except LookupError:
        logger.exception("bad", extra={"item": 8})
    logger.warning("", extra={"microsoft.custom_event.name": "bought", "item": "9"})
meter.create_counter("sales").add(3, {"tenant": "a"})
meter.create_histogram("wait").record(1.5)
for provider in (trace.get_tracer_provider(), get_logger_provider(), metrics.get_meter_provider()):
    provider.shutdown()
