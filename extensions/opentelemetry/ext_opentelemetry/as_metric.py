"""Data points of metrics as Application Insights items.

The mapping is that of Microsoft's azure-monitor-opentelemetry-exporter, apart from what that one gets wrong:
docs/reference/opentelemetry.md lists each difference.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from ext_appinsights import envelope, fields
from ext_appinsights.redaction import DEFAULT
from ext_opentelemetry.origin import ResourceTags, is_synthetic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.metrics.export import MetricsData

    from ext_appinsights.redaction import Redactor

    Envelope = dict[str, Any]

_log = logging.getLogger("ext_opentelemetry")

NAMESPACE_OPT_IN = "APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN"
"""Environment variable: `true` sends the name of a meter as the namespace of its metrics."""

DESCRIBED = "ext_telemetry"
"""The meter whose instruments have their names as descriptions: names of OpenTelemetry are ASCII in lower case."""

_NOT_FINITE = (
    "A value of metric %s is %r, which Application Insights cannot hold: it is left out, and so are others like it."
)
_RUNNING_TOTAL = (
    "Metric %s is collected as a running total, as OTLP and the console want it: it is left out, because "
    "Application Insights adds up what it gets. Configure it before the first meter, or restart the process."
)


class MetricMapper:
    """Turns what a metric reader collected into envelopes."""

    def __init__(self, redactor: Redactor | None = DEFAULT) -> None:
        self._redactor = redactor
        self.left_out = 0
        """Data points without a finite value: neither JSON nor the service has a way to write them."""
        self._told: set[str] = set()
        self._tags = ResourceTags()

    def envelopes(self, collected: MetricsData) -> Iterator[Envelope]:
        """Yield one item for each data point."""
        opted_in = os.environ.get(NAMESPACE_OPT_IN, "").strip().lower() == "true"
        for resource_metrics in collected.resource_metrics:
            tags = self._tags.of(resource_metrics.resource)
            for scope_metrics in resource_metrics.scope_metrics:
                scope = scope_metrics.scope.name
                namespace = scope if opted_in else None
                for metric in scope_metrics.metrics:
                    name = (metric.description if scope == DESCRIBED else "") or metric.name
                    if is_running_total(metric.data):
                        self._say(name, _RUNNING_TOTAL)
                        continue
                    for point in metric.data.data_points:
                        item = self._envelope(name, point, tags, namespace)
                        if item is not None:
                            yield item

    def _envelope(self, name: str, point: Any, tags: dict[str, str], namespace: str | None) -> Envelope | None:
        numbers = numbers_of(point)
        if not fields.is_finite(numbers["value"]):
            self.left_out += 1
            self._say(name, _NOT_FINITE, numbers["value"])
            return None
        attributes = dict(point.attributes or ())
        if is_synthetic(attributes):
            tags = {**tags, "ai.operation.syntheticSource": "True"}
        properties = attributes if self._redactor is None else self._redactor.properties(attributes)
        return envelope.metric(
            time_ns=point.time_unix_nano, name=name, namespace=namespace, properties=properties, tags=tags, **numbers
        )

    def _say(self, name: str, text: str, *values: object) -> None:
        if name not in self._told:
            self._told.add(name)
            _log.warning(text, name, *values)


def is_running_total(data: Any) -> bool:
    """Whether queries, which add up what a counter or a histogram sends, would count the same again and again.

    So it is where what is measured went to OTLP or the console first: the SDK keeps the temporality of its reader.
    """
    temporality = getattr(data, "aggregation_temporality", None)  # a gauge has none
    return getattr(temporality, "name", "") == "CUMULATIVE" and getattr(data, "is_monotonic", True)


def numbers_of(point: Any) -> dict[str, Any]:
    """Return what a data point says as arguments of `envelope.metric`; `value` may still be no finite number.

    A histogram of either kind, explicit or exponential, is known by its sum; its buckets have no place in an item.
    """
    if hasattr(point, "sum"):
        return {
            "value": _plain(point.sum),
            "count": int(point.count),
            "minimum": _plain(point.min),
            "maximum": _plain(point.max),
        }
    return {"value": _plain(point.value), "count": 1}


def _plain(number: Any) -> Any:
    """Return a number as one that JSON knows; instruments take whatever adds up (numpy's numbers, decimals, True)."""
    if isinstance(number, bool):
        return int(number)
    if number is None or isinstance(number, (int, float)):
        return number
    try:
        return float(number)
    except (TypeError, ValueError, OverflowError):
        return None
