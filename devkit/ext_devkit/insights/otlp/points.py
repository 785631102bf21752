"""Data points of OTLP as the mapping of ext_opentelemetry takes them: numbers, and distributions of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.ingest.rejection import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from ext_devkit.insights.otlp.origin import Origin
    from ext_devkit.insights.otlp.reading import Sent
    from ext_devkit.insights.otlp.values import Values

    Point: TypeAlias = "Number | Distribution"

CUMULATIVE = 2
"""AggregationTemporality (metrics.proto)."""

NO_VALUE = 1
"""Bit of a data point's `flags` (metrics.proto): it only says that nothing was recorded."""


@dataclass(frozen=True)
class Number:
    """A data point of a sum or a gauge."""

    attributes: dict[str, Any]
    time_unix_nano: int
    value: float | None


@dataclass(frozen=True)
class Distribution:
    """A data point of a histogram, explicit or exponential, or of a summary."""

    attributes: dict[str, Any]
    time_unix_nano: int
    sum: float | None
    count: int
    min: float | None
    max: float | None


class Metric(NamedTuple):
    """A metric with its data, and each thing around it, by the names that the SDK has for them."""

    name: str
    description: str
    data: Any


class Data(NamedTuple):
    """The data points of a metric."""

    data_points: list[Any]


class InScope(NamedTuple):
    """The metrics of a scope."""

    scope: Any
    metrics: list[Metric]


class InResource(NamedTuple):
    """The scopes of a resource."""

    resource: Origin
    scope_metrics: list[InScope]


class Collected(NamedTuple):
    """The resources of one export."""

    resource_metrics: list[InResource]


class Measured(NamedTuple):
    """A data point, and whether it is a running total since `start`."""

    point: Point
    message: Any
    is_total: bool


def collected(sent: Sent, origin: Origin, point: Point) -> Any:
    """Return a data point as the SDK hands it to exporters."""
    metric = Metric(sent.item.name, sent.item.description, Data([point]))
    return Collected([InResource(origin, [InScope(sent.scope, [metric])])])


def check_finite(name: str, point: Point) -> None:
    """Raise RejectedError for a data point without a value that Application Insights can hold."""
    what, value = ("sum", point.sum) if isinstance(point, Distribution) else ("value", point.value)
    if value is None:
        raise RejectedError(f"A data point of metric {name[:64]!r} has no {what}.")
    if not isfinite(value):
        raise RejectedError(
            f"The {what} of a data point of metric {name[:64]!r} is {value}. "
            "Application Insights holds finite numbers only."
        )


def points_of(metric: Any, values: Values) -> Iterator[Measured]:
    """Yield the data points of a metric that have a value."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    # The counts of a summary are always totals (metrics.proto); what is not monotonic tells how much there is.
    is_total = kind == "summary" or getattr(data, "aggregation_temporality", 0) == CUMULATIVE
    is_total = is_total and getattr(data, "is_monotonic", True)
    make: Callable[..., Point] = {"sum": _number, "gauge": _number, "summary": _summary}.get(kind, _histogram)
    for message in values.parts(data.data_points):
        if not message.flags & NO_VALUE:
            attributes = values.attributes(message.attributes)
            yield Measured(make(message, attributes, message.time_unix_nano or time_ns()), message, is_total)


def _number(message: Any, attributes: dict[str, Any], time: int) -> Number:
    kind = message.WhichOneof("value")
    return Number(attributes, time, None if kind is None else getattr(message, kind))


def _histogram(message: Any, attributes: dict[str, Any], time: int) -> Distribution:
    told = {field: getattr(message, field) for field in ("min", "max", "sum") if message.HasField(field)}
    return Distribution(attributes, time, told.get("sum"), message.count, told.get("min"), told.get("max"))


def _summary(message: Any, attributes: dict[str, Any], time: int) -> Distribution:
    found = {one.quantile: one.value for one in message.quantile_values}
    return Distribution(attributes, time, message.sum, message.count, found.get(0.0), found.get(1.0))
