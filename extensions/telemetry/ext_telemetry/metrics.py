"""Metrics: aggregated in the process by OpenTelemetry, with a limit to how many sets of dimensions each may have."""

from __future__ import annotations

import os
import re
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics

from ext_opentelemetry import records
from ext_telemetry import said, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_telemetry.values import Properties

MOST_SETS = 1000
"""Sets of dimensions that a metric may have; what comes beyond is added up in one more."""

MOST_METRICS = 1000
"""Metrics that are told apart."""

OVERFLOW = {"otel.metric.overflow": True}
"""The dimension of that set (OpenTelemetry metrics SDK specification, "Cardinality limits")."""

_KINDS = ("gauge", "counter", "histogram")
_METER = "ext_telemetry"
_NOT_IN_NAME = re.compile(r"[^-_./a-zA-Z0-9]")
_LONGEST = 240
"""Of 255 (OpenTelemetry metrics API specification, "Instrument name syntax")."""
_LONGEST_UNIT = 63


class Metric:
    """One metric: its instrument, made when there is somewhere to go, and the sets of dimensions so far."""

    __slots__ = ("_given", "_name", "_sets", "_unit", "kind", "measure")

    def __init__(self, given: str, name: str, kind: str, unit: str) -> None:
        self._given, self._name, self.kind, self._unit = given, name, kind, unit
        self._sets: set[frozenset[tuple[str, Any]]] = set()
        self.measure: Callable[..., None] | None = None

    def bind(self, meter: metrics.Meter) -> Callable[..., None]:
        """Make the instrument; its description is the name that was given, for Application Insights takes any."""
        if self.kind == "counter":
            self.measure = meter.create_counter(self._name, self._unit, self._given).add
        elif self.kind == "histogram":
            self.measure = meter.create_histogram(self._name, self._unit, self._given).record
        else:
            self.measure = meter.create_gauge(self._name, self._unit, self._given).set
        return self.measure

    def dimensions(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the dimensions, those of the rest if there are too many sets of them."""
        key = frozenset(given.items())
        if key in self._sets:
            return given
        if len(self._sets) < MOST_SETS:
            self._sets.add(key)
            return given
        text = (
            "Metric %s has more than %d sets of dimensions: the others are added up in one, with the dimension "
            "otel.metric.overflow (said once for a metric). Use properties that have few values, and events for others."
        )
        said.once("track_metric", f"overflow of {self._given}", text, self._given, MOST_SETS)
        return OVERFLOW


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        self._known: dict[str, Metric] = {}
        self._names: set[str] = set()
        self._meter: metrics.Meter | None = None
        self._provider: object = None
        self.forget_lock()

    def forget_lock(self) -> None:
        """Take a new lock: after a fork the other may be held by a thread that is not there."""
        self._lock = Lock()

    def track(self, name: str, value: float, properties: Properties, kind: str, unit: str) -> None:
        """Measure. RefusedError: with these arguments it cannot be done."""
        metric = self._known.get(name) if type(name) is str else None
        if metric is None:
            metric = self._learn(values.name(name, "a metric"), kind, unit)
        if metric.kind != kind:
            text = f"metric {name!r} is a {metric.kind}, and cannot be a {said.shown(kind)} too."
            raise said.RefusedError(f"kind of {name}", text)
        number = values.number(value, f"the value of {name!r}")
        if number < 0 and kind != "gauge":
            raise said.RefusedError(f"sign of {name}", f"the {kind} {name!r} cannot take {number}: only a gauge can.")
        dimensions = metric.dimensions(values.properties(properties))
        records.when_ready(partial(self._measure, metric, number, dimensions))

    def rebind(self) -> None:
        """Have instruments made anew, if there was nowhere to go until now, or another provider was set."""
        if isinstance(self._meter, metrics.NoOpMeter) or self._provider is not metrics.get_meter_provider():
            self._meter = None
            for metric in tuple(self._known.values()):
                metric.measure = None

    def _measure(self, metric: Metric, number: float, dimensions: dict[str, Any]) -> None:
        measure = metric.measure
        if measure is None:
            with self._lock:
                if self._meter is None:
                    self._provider = metrics.get_meter_provider()
                    self._meter = metrics.get_meter(_METER)
                measure = metric.measure or metric.bind(self._meter)
        measure(number, dimensions)

    def _learn(self, name: str, kind: str, unit: str) -> Metric:
        if kind not in _KINDS:
            raise said.RefusedError("kind", f"the kind is {said.shown(kind)}, not one of {', '.join(_KINDS)}.")
        with self._lock:
            if len(self._known) >= MOST_METRICS:
                raise said.RefusedError("metrics", f"there are {MOST_METRICS} metrics already; {name!r} is not taken.")
            metric = self._known.get(name)
            if metric is None:
                metric = self._known[name] = Metric(name, self._usable(name), kind, _unit(name, unit))
            return metric

    def _usable(self, given: str) -> str:
        """Return a name for OpenTelemetry, which tells them apart without regard to case."""
        name = _NOT_IN_NAME.sub("_", given)
        name = (name if name[0].isalpha() else f"m_{name}")[:_LONGEST]
        while name.lower() in self._names:
            name += "_"
        self._names.add(name.lower())
        return name


def _unit(name: str, unit: Any) -> str:
    if isinstance(unit, str) and unit.isascii() and len(unit) <= _LONGEST_UNIT:
        return unit
    text = "The unit of metric %r is %s, not a text of %d ASCII characters or fewer: it has none."
    said.once("track_metric", f"unit of {name}", text, name, said.shown(unit), _LONGEST_UNIT)
    return ""


_metrics = Metrics()


def track(name: str, value: float, properties: Properties, kind: str, unit: str) -> None:
    """Measure; never raises."""
    try:
        _metrics.track(name, value, properties, kind, unit)
    except Exception as error:
        said.refused("track_metric", error)


records.when_changed(_metrics.rebind)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_metrics.forget_lock)
