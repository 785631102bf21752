"""The official OTLP/HTTP exporters, imported when there is something to export: they take a while.

They read OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE and the forms of single signals
(_TRACES_ENDPOINT ...) themselves.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

_PACKAGE = "opentelemetry.exporter.otlp.proto.http"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ENDPOINTS = tuple(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in ("TRACES", "METRICS", "LOGS"))
_DEFAULT = "http://localhost:4318"

MISSING = "the OTLP exporter is not installed. To have it: pip install 'azfunc-ext-opentelemetry[otlp]'"

NO_GRPC = (
    "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', but spans are sent by HTTP (http/protobuf): name an endpoint for that, "
    "which is port 4318 in most cases, not 4317."
)


def is_installed() -> bool:
    """Whether the extra `otlp` is there."""
    try:
        return _PACKAGE in sys.modules or find_spec(_PACKAGE) is not None
    except (ImportError, ValueError):
        return False


def endpoint_is_set() -> bool:
    """Whether an app setting says where spans go."""
    return any(os.environ.get(name, "").strip() for name in (_ENDPOINT, _ENDPOINTS[0]))


def endpoints() -> tuple[str, ...]:
    """Return the URLs that the exporters post to, or what these begin with."""
    base = os.environ.get(_ENDPOINT, "").strip() or _DEFAULT
    single = [os.environ.get(name, "").strip() for name in _ENDPOINTS]
    return tuple(dict.fromkeys(url.rstrip("/") for url in (base, *single) if url))


def span_exporter() -> SpanExporter:
    """Make the exporter of spans."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def metric_exporter() -> MetricExporter:
    """Make the exporter of metrics."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter()


def log_processor() -> LogRecordProcessor:
    """Make a batch processor with the exporter of logs."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    return BatchLogRecordProcessor(OTLPLogExporter())
