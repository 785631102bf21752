"""HTTP, in the names of OpenCensus's attributes: what an invocation's own span tells of request and response."""

from __future__ import annotations

import json
import os
from functools import lru_cache
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
        parts = (_prefix(), invocation.function_name if route is None else str(route).strip("/"))
        found["http.route"] = "/" + "/".join(filter(None, parts))
    if url := str(getattr(request, "url", "") or ""):
        found |= _parts(url)
    return found


def _parts(url: str) -> dict[str, str]:
    try:
        read = urlsplit(url)
    except ValueError:  # whatever a caller sends, such as http://[
        return {}
    host, path = read.netloc.rpartition("@")[2], read.path or "/"
    whole = f"{read.scheme}://{host}{path}" if read.scheme else read.path
    return {"http.host": host, "http.path": path, "http.url": whole}


def _prefix() -> str:
    """Return what routes begin with: the app setting, else what host.json says, else `api`."""
    found = os.environ.get("AzureFunctionsJobHost__extensions__http__routePrefix")  # noqa: SIM112 - the platform spells it so
    if found is None:
        found = _prefix_in(os.environ.get("AzureWebJobsScriptRoot") or os.getcwd())  # noqa: SIM112 - as above
    return found.strip("/")


@lru_cache(1)
def _prefix_in(folder: str) -> str:
    try:
        with open(os.path.join(folder, "host.json"), encoding="utf-8-sig") as file:
            return str(json.load(file)["extensions"]["http"]["routePrefix"])
    except (OSError, ValueError, LookupError, TypeError):
        return "api"


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
