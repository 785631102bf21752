"""Spans of kind SERVER and CONSUMER as requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_appinsights.redaction import DEFAULT
from ext_opentelemetry import urls
from ext_opentelemetry.attributes import destination, http_method, http_status, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from ext_opentelemetry.attributes import Attributes

_CLIENT_ERROR = 400
_NANOSECONDS_PER_MS = 1_000_000


def name_of(span_name: str, attributes: Attributes) -> str:
    """Return a request's name, which is its operation's too: `GET /route`, else `GET /path`, else the span's name."""
    method, route = attributes.get("http.request.method"), attributes.get("http.route")
    if type(method) is type(route) is str and method and route:  # as it is nearly always
        return f"{method} {route}"
    method = http_method(attributes)
    if not method:
        return span_name
    route = text(attributes, "http.route")
    return f"{method} {route}" if route else _by_path(span_name, method, DEFAULT.text(urls.request_url(attributes)))


def _by_path(span_name: str, method: str, url: str) -> str:
    return f"{method} {urls.path_of(url)}" if url else span_name


def fields_of(span: ReadableSpan, attributes: Attributes, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return the arguments for a request that depend on what it was about."""
    is_ok = span.status.is_ok
    method = http_method(attributes)
    if not method:
        return {"name": span.name, "success": is_ok, "source": _source(attributes)}
    code = http_status(attributes)
    url = redact(urls.request_url(attributes))
    route = text(attributes, "http.route")
    return {
        "name": f"{method} {route}" if route else _by_path(span.name, method, url),
        "url": url,
        "response_code": str(code),
        "success": is_ok and 0 < code < _CLIENT_ERROR,
    }


def _source(attributes: Attributes) -> str:
    if text(attributes, "az.namespace"):
        return urls.azure_target(attributes)
    if not text(attributes, "messaging.system"):
        return ""
    queue = destination(attributes)
    sender = text(attributes, "client.address", "net.peer.name", "net.peer.ip", "server.address")
    return f"{sender}/{queue}" if sender and queue else queue


def time_in_queue(span: ReadableSpan) -> float | None:
    """Return the mean milliseconds that the linked messages waited; None if they do not tell when they were queued."""
    told: list[Any] = [(link.attributes or {}).get("enqueuedTime") for link in span.links]
    enqueued = [when for when in told if isinstance(when, int)]
    if not enqueued or not span.start_time:
        return None
    started = span.start_time / _NANOSECONDS_PER_MS
    return max(0.0, sum(started - when for when in enqueued) / len(enqueued))
