"""An OTLP/HTTP receiver on loopback: it parses what it is sent with OpenTelemetry's own protobuf messages."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATHS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class Export:
    """One request: where it went, its headers (names in lower case), and the message that it carried."""

    path: str
    headers: dict[str, str]
    message: Any


class OtlpServer:
    """Context manager; `spans`, `metrics` and `logs` are what came so far, in order."""

    def __init__(self, status: int = 200, delay: float = 0.0) -> None:
        self.status = status
        self.delay = delay
        """Seconds before each answer."""
        self.exports: list[Export] = []
        self._changed = threading.Condition()
        self._stopped = threading.Event()

    def __enter__(self) -> OtlpServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def spans(self) -> list[Any]:
        return self._inner("/v1/traces", "resource_spans", "scope_spans", "spans")

    @property
    def metrics(self) -> list[Any]:
        return self._inner("/v1/metrics", "resource_metrics", "scope_metrics", "metrics")

    @property
    def logs(self) -> list[Any]:
        return self._inner("/v1/logs", "resource_logs", "scope_logs", "log_records")

    def wait_for(self, what: str, count: int = 1, timeout: float = 20.0) -> list[Any]:
        """Wait for `spans`, `metrics` or `logs`."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(getattr(self, what)) >= count, timeout)
            assert came, f"fewer than {count} {what} came in {timeout} s: {self.exports}"
            return getattr(self, what)

    def resource(self, path: str) -> dict[str, str]:
        """Return the resource attributes of the last export to a path, those that are text."""
        message = [export.message for export in self.exports if export.path == path][-1]
        outer = getattr(
            message, {"/v1/traces": "resource_spans", "/v1/metrics": "resource_metrics"}.get(path, "resource_logs")
        )
        return attributes(outer[0].resource)

    def _inner(self, path: str, outer: str, scopes: str, inner: str) -> list[Any]:
        return [
            one
            for export in list(self.exports)
            if export.path == path
            for resource in getattr(export.message, outer)
            for scope in getattr(resource, scopes)
            for one in getattr(scope, inner)
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                message = PATHS[self.path].FromString(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                with receiver._changed:
                    receiver.exports.append(Export(self.path, headers, message))
                    receiver._changed.notify_all()
                receiver._stopped.wait(receiver.delay)
                self.send_response(receiver.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def attributes(carrier: Any) -> dict[str, Any]:
    """Return the attributes of a resource, span, log record or data point."""
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in carrier.attributes}
