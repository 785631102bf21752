"""HTTP, in the names of OpenCensus's attributes: what an invocation's own span tells of request and response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_sdk import Invocation


def attributes_of(invocation: Invocation) -> dict[str, Any]:
    """Return method, route, and the URL without its query, which may hold a function's key (`?code=`)."""
    trigger = invocation.trigger
    request = invocation.args.get(trigger.name)
    found: dict[str, Any] = {}
    if method := getattr(request, "method", None):
        found["http.method"] = str(method).upper()
    if trigger.binding:
        route = trigger.binding.get("route")
        found["http.route"] = f"/api/{invocation.function_name if route is None else str(route).strip('/')}"
    if url := str(getattr(request, "url", "") or ""):
        parts = urlsplit(url)
        found["http.host"], found["http.path"] = parts.netloc.rpartition("@")[2], parts.path or "/"
        found["http.url"] = f"{parts.scheme}://{found['http.host']}{found['http.path']}" if parts.scheme else parts.path
    return found


def status_of(args: Mapping[str, Any], result: Any) -> int | None:
    """Return the status with which the host answers a function that returned `result`; None if unclear."""
    if isinstance(result, (str, bytes)):
        return 200
    if result is None:
        outputs = (one.get() for one in args.values() if hasattr(one, "set") and hasattr(one, "get"))
        result = next((one for one in outputs if hasattr(one, "status_code")), None)
        if result is None:
            return 204
    code = getattr(result, "status_code", None)
    return code if isinstance(code, int) and not isinstance(code, bool) else None
