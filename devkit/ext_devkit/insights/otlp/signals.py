"""The three signals of OTLP, which are packed alike: items, in a scope, in a resource.

Message types: opentelemetry-proto, `collector/*/v1` and `*/v1`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple


class Signal(NamedTuple):
    """One kind of telemetry: what its parts are called in JSON, and its message types."""

    name: str
    resources: str
    scopes: str
    items: str
    rejected: str
    """Field of the answer that counts what was refused."""
    item_type: Any
    response_type: Any


@cache
def signals() -> dict[str, Signal]:
    """Return the signals by the last part of their path."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    return {
        "traces": Signal(
            "spans", "resourceSpans", "scopeSpans", "spans", "rejected_spans", Span, ExportTraceServiceResponse
        ),
        "logs": Signal(
            "log records",
            "resourceLogs",
            "scopeLogs",
            "logRecords",
            "rejected_log_records",
            LogRecord,
            ExportLogsServiceResponse,
        ),
        "metrics": Signal(
            "data points",
            "resourceMetrics",
            "scopeMetrics",
            "metrics",
            "rejected_data_points",
            Metric,
            ExportMetricsServiceResponse,
        ),
    }
