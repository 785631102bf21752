"""Real metrics and log records of real providers, on the oldest SDK that is served as on the newest."""

from __future__ import annotations

import inspect
import warnings

from opentelemetry import trace
from opentelemetry._logs import LogRecord as APILogRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk import _logs
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View
from opentelemetry.sdk.resources import Resource

from ext_opentelemetry.metric_exporter import TEMPORALITY

MOMENT = 1_767_323_045_678_901_000
RESOURCE = Resource({"service.name": "shop", "service.namespace": "ns", "service.instance.id": "one"})
HAS_EXCEPTIONS = "exception" in inspect.signature(APILogRecord.__init__).parameters
OLD_LOGS = hasattr(_logs, "LogRecord")
"""Whether the SDK still has a log record of its own, with the resource inside."""


class Metrics:
    """Measures with a real meter; `collect` returns what a reader hands to an exporter."""

    def __init__(self, resource=RESOURCE, views=()) -> None:
        self.reader = InMemoryMetricReader(preferred_temporality=TEMPORALITY)
        views = [*views, View(meter_name="opentelemetry-sdk", aggregation=DropAggregation())]
        self.provider = MeterProvider([self.reader], resource, views=views, shutdown_on_exit=False)
        self.meter = self.provider.get_meter("shop.orders")

    def collect(self):
        return self.reader.get_metrics_data()


def points_of(collected):
    """Return (name, point, resource, scope) of everything in a collection."""
    return [
        (metric.name, point, of_resource.resource, of_scope.scope)
        for of_resource in collected.resource_metrics
        for of_scope in of_resource.scope_metrics
        for metric in of_scope.metrics
        for point in metric.data.data_points
    ]


class Kept(LogRecordProcessor):
    """Keeps what a processor is handed."""

    def __init__(self) -> None:
        self.records: list = []

    def on_emit(self, log_record) -> None:
        self.records.append(log_record)

    emit = on_emit

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def logger_of(processor, resource=RESOURCE, name="shop.checkout"):
    provider = LoggerProvider(resource, shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    return provider.get_logger(name)


def emit(logger, body=None, attributes=None, severity=None, timestamp=MOMENT, observed=MOMENT + 1, **newer) -> None:
    """Log a record in the current span, as the installed SDK wants it; `newer` are fields that old ones do not have."""
    fields = {
        "timestamp": timestamp,
        "observed_timestamp": observed,
        "body": body,
        "attributes": attributes,
        "severity_number": severity,
    }
    if not OLD_LOGS:
        logger.emit(APILogRecord(**fields, **newer))
        return
    logger.emit(_old_record(fields, severity, getattr(logger, "resource", None)))


def _old_record(fields, severity, resource):
    fields = {**fields, "severity_number": severity or SeverityNumber.UNSPECIFIED, "resource": resource}
    span = trace.get_current_span().get_span_context()
    ids = {"trace_id": span.trace_id, "span_id": span.span_id, "trace_flags": span.trace_flags}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each announces the next
        try:
            return _logs.LogRecord(**fields, context=get_current())
        except TypeError:  # before 1.35
            return _logs.LogRecord(**fields, **ids)


def record_of(*args, resource=RESOURCE, name="shop.checkout", **fields):
    """Return what a processor is handed for one log record."""
    kept = Kept()
    emit(logger_of(kept, resource, name), *args, **fields)
    return kept.records[0]
