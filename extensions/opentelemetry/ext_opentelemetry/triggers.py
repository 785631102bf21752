"""What a trigger says of an invocation, in OpenTelemetry's semantic conventions for functions, HTTP and messaging."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_sdk import Invocation

HTTP = "httptrigger"

_MESSAGING = {
    "queuetrigger": ("azure_queue_storage", ("queueName",)),
    "servicebustrigger": ("servicebus", ("queueName", "topicName")),
    "eventhubtrigger": ("eventhubs", ("eventHubName",)),
    "eventgridtrigger": ("eventgrid", ()),
    "kafkatrigger": ("kafka", ("topic",)),
    "rabbitmqtrigger": ("rabbitmq", ("queueName",)),
}
"""Trigger -> messaging.system, and the properties of the binding that can name the destination."""

_DATA = frozenset({"blobtrigger", "cosmosdbtrigger", "sqltrigger", "mysqltrigger"})

_ERROR = 500


def is_message(kind: str) -> bool:
    """Whether a trigger type, in lower case, delivers messages."""
    return kind in _MESSAGING


def faas_trigger(kind: str) -> str:
    """Return the attribute `faas.trigger` for a trigger type in lower case."""
    if kind == HTTP:
        return "http"
    if kind in _MESSAGING:
        return "pubsub"
    if kind in _DATA:
        return "datasource"
    return "timer" if kind == "timertrigger" else "other"


def describe(invocation: Invocation) -> tuple[str, dict[str, Any]]:
    """Return the name and the attributes that an invocation's span starts with."""
    trigger = invocation.trigger
    kind = trigger.type.lower()
    attributes: dict[str, Any] = {
        "faas.trigger": faas_trigger(kind),
        "faas.name": invocation.function_name,
        "faas.invocation_id": invocation.id or "",
        "faas.coldstart": invocation.cold_start,
    }
    if kind == HTTP:
        request = invocation.args.get(trigger.name)
        return _http(attributes, request, route_of(invocation.function_name, trigger.binding), invocation.function_name)
    if kind in _MESSAGING:
        system, names = _MESSAGING[kind]
        attributes["messaging.system"] = system
        attributes["messaging.operation.type"] = "process"
        queue = next((trigger.binding[name] for name in names if trigger.binding.get(name)), None)
        if queue is not None:
            attributes["messaging.destination.name"] = str(queue)
    elif kind == "timertrigger" and trigger.binding.get("schedule"):
        attributes["faas.cron"] = str(trigger.binding["schedule"])
    return invocation.function_name, attributes


def _http(attributes: dict[str, Any], request: Any, route: str, function_name: str) -> tuple[str, dict[str, Any]]:
    method = str(getattr(request, "method", None) or "").upper()
    if not method:
        return function_name, attributes
    attributes["http.request.method"] = method
    # The query is left out: it may hold a function key (`?code=`), and whatever else the caller put there.
    url = urlsplit(str(getattr(request, "url", "")))
    attributes["url.path"] = url.path or "/"
    if url.hostname:
        attributes["url.scheme"] = url.scheme
        attributes["server.address"] = url.hostname
        if url.port is not None:
            attributes["server.port"] = url.port
    agent = _header(request, "user-agent")
    if agent:
        attributes["user_agent.original"] = agent
    if not route:
        return function_name, attributes
    attributes["http.route"] = route
    return f"{method} {route}", attributes


def _header(request: Any, name: str) -> str:
    get = getattr(getattr(request, "headers", None), "get", None)
    return str(get(name) or "") if get is not None else ""


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


_prefixes: dict[str, str] = {}


def _route_prefix() -> str:
    root = os.environ.get("AzureWebJobsScriptRoot") or os.getcwd()  # noqa: SIM112 - the platform spells it so
    if root not in _prefixes:
        _prefixes[root] = _read_route_prefix(root)
    return _prefixes[root]


def _read_route_prefix(root: str) -> str:
    try:
        with open(os.path.join(root, "host.json"), encoding="utf-8-sig") as file:
            return str(json.load(file)["extensions"]["http"]["routePrefix"]).strip("/")
    except (OSError, ValueError, LookupError, TypeError):
        return "api"


def status_of(invocation: Invocation, result: Any) -> int | None:
    """Return the status with which the host answers an HTTP call whose function returned `result`; None if unclear.

    A text means 200, and a response can also have been set on an output binding; nothing at all is 204.
    """
    if isinstance(result, (str, bytes)):
        return 200
    if result is None:
        result = next((value for value in map(_output, invocation.args.values()) if value is not None), None)
        if result is None:
            return 204
        if isinstance(result, (str, bytes)):
            return 200
    code = getattr(result, "status_code", None)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _output(argument: Any) -> Any:
    """Return the HTTP response that was set on an output binding, if the argument is one and it was."""
    if not hasattr(argument, "set") or not hasattr(argument, "get"):
        return None
    value = argument.get()
    return value if hasattr(value, "status_code") else None


def is_server_error(status: int) -> bool:
    """Whether a status says that the service failed, as against the caller."""
    return status >= _ERROR
