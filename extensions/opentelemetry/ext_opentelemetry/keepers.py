"""Who keeps the log records of a function: where ours would go, and whether others store them there as well.

For other extensions, as `records` is: `current()` says it of the pipeline in force, `goes_the_same_way` of one handler,
and `left_out()` what nobody takes.
docs/explanation/who-stores-logs.md has the table.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import _logs, metrics

from ext_opentelemetry import beside, host, host_json, providers
from ext_opentelemetry.destinations import ToExporter
from ext_opentelemetry.extension import OpenTelemetryExtension

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_opentelemetry.destinations import Destination

_TRUE = ("1", "true", "yes", "t", "y")
"""What the library runtimes take for true; the classic worker takes anything."""

_LEVELS = {
    "trace": 1,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
"""The names of .NET, which host.json uses."""

SPANS_ONLY = (
    "{}, the exporter of OpenTelemetryExtension, takes spans only: {} are left out. To have them too, set "
    'exporter="appinsights" or "otlp", or {} of OpenTelemetry\'s, before the first invocation.'
)


class Place(NamedTuple):
    """Where records go: to Application Insights resources, by their keys; to the OTLP endpoint; or anywhere else."""

    keys: frozenset[str] = frozenset()
    """Instrumentation keys, lower case; an empty one is a resource that cannot be told."""
    otlp: bool = False

    def meets(self, other: Place) -> bool:
        """Whether a record could be stored twice by going to both: also where that cannot be told for sure."""
        if self.keys and other.keys and ("" in self.keys | other.keys or self.keys & other.keys):
            return True
        return self.otlp and other.otlp


NOWHERE = Place()


class Keepers(NamedTuple):
    """What becomes of log records at present."""

    ours: Place | None
    """Where `records.emit` takes them; None if nobody takes them."""

    host: Place
    """Where the Functions host stores those that the worker forwards to it."""

    @property
    def host_stores(self) -> bool:
        """Whether the host stores, or may store, the same records in the same place."""
        return self.ours is not None and self.ours.meets(self.host)


_known: tuple[Any, Any, Keepers] | None = None


def current() -> Keepers | None:
    """Return who keeps log records now; None before the first invocation, which puts the pipeline into force."""
    global _known
    pipeline = OpenTelemetryExtension._pipeline
    if pipeline is None:
        return None
    provider = _logs.get_logger_provider()
    if _known is None or _known[0] is not pipeline or _known[1] is not provider:
        _known = (pipeline, provider, Keepers(_place_of(pipeline.destination, provider), host_place()))
    return _known[2]


def left_out() -> str:
    """Return what has to be said of a bare span exporter: what neither it nor a provider of the app takes."""
    pipeline = OpenTelemetryExtension._pipeline
    destination = None if pipeline is None else pipeline.destination
    if not isinstance(destination, ToExporter) or destination.takes_all:
        return ""
    what, instead = [], []
    if not hasattr(_logs.get_logger_provider(), "add_log_record_processor"):
        what.append("events, exceptions, availability results, log records")
        instead.append("a logger provider")
    meters = metrics.get_meter_provider()
    if isinstance(meters, providers.LazyMeterProvider) or not hasattr(meters, "force_flush"):
        what.append("metrics")
        instead.append("a meter provider")
    return SPANS_ONLY.format(destination.name, " and ".join(what), " and ".join(instead)) if what else ""


def host_place() -> Place:
    """Return where the host stores what the worker forwards to it."""
    if not host.is_there() or (host.uses_opentelemetry() and is_announced()):
        return NOWHERE
    key = host.reports_to_appinsights()
    return Place(frozenset() if key is None else frozenset({key}), host.reports_to_otlp())


def is_announced() -> bool:
    """Whether the worker has surely told the host `WorkerOpenTelemetryEnabled`: see who-reports-what.md, "The worker".

    Where it cannot be told it counts as not announced: then the host is taken to store, and nothing is stored twice.
    """
    announces = _is_true("PYTHON_ENABLE_OPENTELEMETRY")
    if tuple(sys.version_info) < (3, 13):  # the types are those of Python 3.10
        return announces and beside.may_be_hidden()
    return announces or (_is_true("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY") and beside.may_be_hidden())


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in _TRUE


def host_level(function_name: str = "") -> int | None:
    """Return from which level on host.json lets the host store a function's records; None if it does not say.

    (azure-functions-host, `logging.logLevel` by category; the app setting of the same path overrides host.json)
    """
    category = f"Function.{function_name}"
    for name in ((f"{category}.User", category) if function_name else ()) + ("Function.User", "Function", "default"):
        variable = "AzureFunctionsJobHost__logging__logLevel__" + name
        said = os.environ.get(variable) or os.environ.get(variable.replace(".", "__"))
        said = said or host_json.setting("logging", "logLevel", name)
        level = _LEVELS.get(said.strip().lower()) if isinstance(said, str) else None
        if level is not None:
            return level
    return None


def goes_the_same_way(handler: logging.Handler, ours: Place) -> bool:
    """Whether a handler of OpenTelemetry's hands records to an exporter that stores them where ours go."""
    provider = getattr(handler, "_logger_provider", None) or _logs.get_logger_provider()
    if provider is providers._loggers:
        return True
    return _place_of_provider(provider).meets(ours)


def _place_of(destination: Destination, provider: Any) -> Place | None:
    if destination.channel is not None:
        return Place(frozenset({destination.instrumentation_key or ""}))
    if provider is providers._loggers:
        return Place(otlp=destination.is_otlp) if destination.takes_all else None
    return _place_of_provider(provider) if hasattr(provider, "add_log_record_processor") else None


def _place_of_provider(provider: Any) -> Place:
    keys = set()
    otlp = False
    for part in beside._parts(provider):
        if beside._is(part, "AzureMonitorLogExporter", beside._PACKAGE):
            keys.add(str(getattr(part, "_instrumentation_key", "") or "").lower())
        otlp = otlp or beside._is(part, "OTLPLogExporter", "opentelemetry.exporter.otlp")
        keys |= set(_ours(part))
    return Place(frozenset(keys), otlp)


def _ours(part: Any) -> Iterator[str]:
    if type(part).__module__ == "ext_opentelemetry.log_exporter":
        yield ""
