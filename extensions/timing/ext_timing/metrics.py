"""The metrics of functions that OpenTelemetry's semantic conventions name, through its API, where the app uses it.

https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ext_timing.statistics import Function
    from ext_timing.timed import Timed

_API = "opentelemetry.metrics"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The bounds of the buckets that the conventions ask for."""

_KINDS = {
    "httptrigger": "http",
    "timertrigger": "timer",
    "blobtrigger": "datasource",
    "cosmosdbtrigger": "datasource",
    "sqltrigger": "datasource",
    "mysqltrigger": "datasource",
    "queuetrigger": "pubsub",
    "servicebustrigger": "pubsub",
    "eventhubtrigger": "pubsub",
    "eventgridtrigger": "pubsub",
    "kafkatrigger": "pubsub",
    "rabbitmqtrigger": "pubsub",
}
"""Trigger -> faas.trigger; all else is `other`."""


class _Instruments:
    """The instruments of the provider that the app has."""

    def __init__(self, api: Any) -> None:
        meter = api.get_meter("ext_timing")
        self.provider = api.get_meter_provider()
        self.invocations = meter.create_counter("faas.invocations", "{invocation}", "Successful invocations")
        self.errors = meter.create_counter("faas.errors", "{error}", "Invocations that failed")
        self.cold_starts = meter.create_counter("faas.coldstarts", "{coldstart}", "Cold starts")
        self.invoke_duration = _histogram(meter, "faas.invoke_duration", "How long the function ran")
        self.init_duration = _histogram(meter, "faas.init_duration", "What came before the first call")


_instruments: _Instruments | None = None
_attributes: dict[str, dict[str, str]] = {}


def record(timed: Timed) -> None:
    """Record an invocation. The API is not imported for it: without it in the app there is nobody to record for."""
    global _instruments
    api: Any = sys.modules.get(_API)
    if api is None:
        return
    found = _instruments
    if found is None or found.provider is not api.get_meter_provider():
        found = _instruments = _Instruments(api)
    attributes = _attributes_of(timed.function)
    if timed.error is None:
        found.invocations.add(1, attributes)
    else:
        found.errors.add(1, attributes)
    if timed.called:
        found.invoke_duration.record(timed.milliseconds / 1000, attributes)
    if timed.cold is not None:
        found.cold_starts.add(1, attributes)
        found.init_duration.record(sum(timed.cold.values()) / 1000, attributes)


def _attributes_of(function: Function) -> dict[str, str]:
    found = _attributes.get(function.name)
    if found is None:
        trigger = _KINDS.get(function.trigger.type.lower(), "other")
        found = _attributes[function.name] = {"faas.name": function.name, "faas.trigger": trigger}
    return found


def _histogram(meter: Any, name: str, description: str) -> Any:
    try:
        return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=_SECONDS)
    except TypeError:  # an API before 1.29
        return meter.create_histogram(name, "s", description)
