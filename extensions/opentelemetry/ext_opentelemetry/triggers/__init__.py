"""What a trigger says of an invocation, in OpenTelemetry's semantic conventions for functions, HTTP and messaging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_opentelemetry.triggers import documents, messages, timers, web

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_sdk import Invocation

HTTP = "httptrigger"

ORCHESTRATION = "orchestrationtrigger"


class Source:
    """What is known of one function's trigger before it is invoked, and how to read its value."""

    __slots__ = ("attributes", "is_http", "messages", "name", "read", "replays", "trigger")

    name: str
    """The span's name: the function's, or `GET /route`."""

    attributes: dict[str, Any]
    """What is the same for each invocation."""

    read: Callable[[Any, dict[str, Any]], str | None] | None
    """Adds what the trigger's value tells; returns a better name for the span, if the value tells one."""

    def __init__(self, invocation: Invocation) -> None:
        trigger = invocation.trigger
        self.trigger = trigger
        self.name = invocation.function_name
        kind = trigger.type.lower()
        self.is_http = kind == HTTP
        self.replays = kind == ORCHESTRATION
        self.messages = messages.SYSTEMS.get(kind)
        self.read = None
        fixed: dict[str, Any] = {}
        if self.is_http:
            fixed, self.read = web.source(self.name, trigger.binding)
        elif self.messages is not None:
            fixed, self.read = messages.source(self.messages, trigger.binding)
        elif kind in documents.FROM_BINDING:
            fixed, self.read = documents.source(kind, trigger.binding)
        elif kind == "timertrigger":
            fixed, self.read = timers.source(trigger.binding)
        self.attributes = {"faas.trigger": self._faas_trigger(kind), "faas.name": self.name, **fixed}

    def _faas_trigger(self, kind: str) -> str:
        if self.is_http:
            return "http"
        if self.messages is not None:
            return "pubsub"
        if kind in documents.FROM_BINDING:
            return "datasource"
        return "timer" if kind == "timertrigger" else "other"

    def describe(self, invocation: Invocation) -> tuple[str, dict[str, Any]]:
        """Return the name and the attributes that an invocation's span starts with."""
        attributes = self.attributes.copy()
        attributes["faas.invocation_id"] = invocation.id or ""
        attributes["faas.coldstart"] = invocation.cold_start
        retry = invocation.retry_context
        if retry is not None and getattr(retry, "retry_count", None):
            _retried(attributes, retry)
        name = None
        if self.read is not None:
            try:
                name = self.read(self.value(invocation), attributes)
            except Exception:  # noqa: S110 - what a caller sent, and what the app made of it: the span goes without
                pass
        return name or self.name, attributes

    def value(self, invocation: Invocation) -> Any:
        """Return the trigger's value."""
        return invocation.args.get(self.trigger.name)


_known: dict[str, Source] = {}


def source_of(invocation: Invocation) -> Source:
    """Return what is known of the invocation's trigger; found out once for each function."""
    source = _known.get(invocation.function_name)
    if source is None or source.trigger is not invocation.trigger:
        source = _known[invocation.function_name] = Source(invocation)
    return source


def _retried(attributes: dict[str, Any], retry: Any) -> None:
    for name in ("retry_count", "max_retry_count"):
        count = getattr(retry, name, None)
        if isinstance(count, int):
            attributes[f"azure.functions.{name}"] = count
