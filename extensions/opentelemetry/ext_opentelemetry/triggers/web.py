"""HTTP: the route as callers see it, the request, and the status that the host answers with."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ext_opentelemetry import host_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STANDARD = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})

_KNOWN_METHODS = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
"""The app setting that takes the place of the methods above (OpenTelemetry, semantic conventions for HTTP spans)."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)")
"""Scheme and server; path. The query is left out: it may hold a function's key (`?code=`), and whatever else."""

_FORWARDED = re.compile(
    r"\s*(?:\[([0-9A-Fa-f:.]{2,45})\](?::\d+)?|([0-9.]{7,15})(?::\d+)?|([0-9A-Fa-f:.]{2,45}))\s*(?:,|$)"
)
"""The first address of X-Forwarded-For, with or without a port."""

_ERROR = 500

_ANSWERED = "starlette.exceptions.HTTPException"
"""What FastAPI answers with the exception's own status."""

_PREFIX = "AzureFunctionsJobHost__extensions__http__routePrefix"
"""The app setting that overrides host.json."""


def source(function_name: str, binding: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., str | None]]:
    """Return the attributes of all requests to a function, and what reads a single one."""
    route = route_of(function_name, binding)
    known = _known_methods()

    def read(request: Any, attributes: dict[str, Any]) -> str | None:
        method = str(getattr(request, "method", None) or "")
        if not method:
            return None
        if method not in known:
            attributes["http.request.method_original"] = method
            method = method.upper() if method.upper() in known else "_OTHER"
        attributes["http.request.method"] = method
        _address(str(getattr(request, "url", "")), attributes)
        headers = getattr(request, "headers", None)
        if headers:
            _headers(headers, attributes)
        if not route:
            return None
        return f"{'HTTP' if method == '_OTHER' else method} {route}"

    return {"http.route": route} if route else {}, read


def _known_methods() -> frozenset[str]:
    names = [name.strip() for name in os.environ.get(_KNOWN_METHODS, "").split(",")]
    return frozenset(filter(None, names)) or _STANDARD


def _address(url: str, attributes: dict[str, Any]) -> None:
    found = _URL.match(url)
    assert found is not None  # it matches any text
    server, path = found.groups()
    attributes["url.path"] = path or "/"
    if server:
        attributes.update(_server(server))


@lru_cache(64)
def _server(url: str) -> dict[str, Any]:
    """Return the attributes of `scheme://host:port`; an app is called by few names."""
    scheme, _, authority = url.partition("://")
    host = authority.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    if not colon or len(port) > 5 or not (port.isascii() and port.isdigit()):  # noqa: PLR2004 - 65535
        name, port = host.removesuffix(":"), ""
    name = name.strip("[]").lower()
    if not name:
        return {}
    attributes: dict[str, Any] = {"url.scheme": scheme.lower(), "server.address": name}
    if port:
        attributes["server.port"] = int(port)
    return attributes


def _headers(headers: Any, attributes: dict[str, Any]) -> None:
    if "user-agent" in headers:
        attributes["user_agent.original"] = str(headers["user-agent"])
    if "x-forwarded-for" in headers:
        found = _FORWARDED.match(str(headers["x-forwarded-for"]))
        if found is not None:
            attributes["client.address"] = found[1] or found[2] or found[3]


def route_of(function_name: str, binding: Mapping[str, Any]) -> str:
    """Return the route of an HTTP function as callers see it: `/api/items/{id}`; empty if the binding is unknown.

    Without a route of its own a function is served under its name; the prefix is host.json's, `api` by default.
    """
    if not binding:
        return ""
    route = binding.get("route")
    if route is None:
        route = function_name
    return "/" + "/".join(part for part in (_route_prefix(), str(route).strip("/")) if part)


def _route_prefix() -> str:
    prefix = os.environ.get(_PREFIX)
    if prefix is None:
        prefix = host_json.setting("extensions", "http", "routePrefix")
    return "api" if prefix is None else str(prefix).strip("/")


def status_of(request: Any, args: Mapping[str, Any], result: Any) -> int | None:
    """Return the status with which the host answers an HTTP call whose function returned `result`; None if unclear.

    A text means 200, and a response can also have been set on an output binding; nothing at all is 204. With HTTP
    streaming FastAPI makes JSON of any value, and the worker fails without one (azure_functions_worker/http_v2.py).
    """
    if isinstance(result, (str, bytes)):
        return 200
    code = _code(result)
    if code is None and _is_streamed(request):
        return _ERROR if result is None else 200
    if result is None:
        result = next((value for value in map(_output, args.values()) if value is not None), None)
        return 204 if result is None else _code(result)
    return code


def status_of_error(request: Any, error: BaseException) -> int:
    """Return the status with which the host answers an HTTP call whose function raised."""
    if _is_streamed(request) and any(f"{one.__module__}.{one.__name__}" == _ANSWERED for one in type(error).__mro__):
        return _code(error) or _ERROR
    return _ERROR


def _code(response: Any) -> int | None:
    code = getattr(response, "status_code", None)
    # An HTTPStatus becomes a plain number, which it does not print as in Python 3.10.
    return int(code) if isinstance(code, int) and not isinstance(code, bool) else None


def _is_streamed(request: Any) -> bool:
    """Whether a request is FastAPI's, as in apps with HTTP streaming."""
    return hasattr(request, "scope")


def _output(argument: Any) -> Any:
    """Return the HTTP response that was set on an output binding, if the argument is one and it was."""
    if not hasattr(argument, "set") or not hasattr(argument, "get"):
        return None
    value = argument.get()
    return value if hasattr(value, "status_code") else None


def is_server_error(status: int) -> bool:
    """Whether a status says that the service failed, as against the caller."""
    return status >= _ERROR
