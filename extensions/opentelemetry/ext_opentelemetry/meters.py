"""The SDK's meter provider as the extension has it: one reader, and a switch to where it exports at present.

Importing this module imports the SDK's metrics; `providers` does so when somebody asks for a meter.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View

from ext_opentelemetry.background import Background
from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter
from ext_opentelemetry.providers import SDK_METER, sdk_is_measured

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

_log = logging.getLogger("ext_opentelemetry")

_DEFAULT_INTERVAL = 60_000
_PATIENCE = 10_000
"""Milliseconds that a foreign exporter is asked to stay within; it is waited for in the background only."""


class SwitchMetricExporter(MetricExporter):
    """Passes metrics on to what is configured at present: a provider keeps a reader, and that an exporter, for good."""

    def __init__(self, target: MetricExporter) -> None:
        super().__init__(target._preferred_temporality, target._preferred_aggregation)
        self.target: MetricExporter | None = target
        self.failed = False
        """Whether an export failed since this was last set to False."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Pass on what a reader collected."""
        target = self.target
        if target is None:
            return MetricExportResult.SUCCESS
        result = MetricExportResult.FAILURE
        try:
            result = target.export(metrics_data, timeout_millis, **kwargs)
        finally:
            self.failed = self.failed or result is not MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Deliver what was exported before."""
        return self.target is None or self.target.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Deliver what there is; the extension may still be used afterwards, so nothing is closed."""
        self.force_flush(min(timeout_millis, 5_000))


class Meters:
    """The SDK's provider with its reader, made once; where it exports to can be changed."""

    def __init__(self, exporter: MetricExporter, resource: Resource) -> None:
        self.switch = SwitchMetricExporter(exporter)
        self._reader = _reader(self.switch)
        # A reader asks the provider itself for the SDK's own meter.
        views = [] if sdk_is_measured() else [View(meter_name=SDK_METER, aggregation=DropAggregation())]
        self.provider = MeterProvider([self._reader], resource, views=views, shutdown_on_exit=False)
        self._collecting = Background(self._collect, "ext_opentelemetry-metrics")

    def turn_to(self, exporter: MetricExporter | None, seconds: float) -> None:
        """Export elsewhere from now on; what was measured so far goes to where it went, if that can be done in time."""
        self._collecting.ask().wait(seconds)
        self.switch.target = exporter

    def flush(self, timeout: float) -> bool:
        """Collect and deliver what was measured, within `timeout` seconds.

        Collecting calls the app's own functions for observable instruments, and a foreign exporter takes the time that
        it likes: both happen in the background, and are waited for only so long.
        """
        deadline = monotonic() + timeout
        collected = self._collecting.ask().wait(timeout)
        target = self.switch.target
        if isinstance(target, AppInsightsMetricExporter):
            return target.channel.flush(max(0.0, deadline - monotonic())) and collected
        return collected

    def _collect(self) -> bool:
        self.switch.failed = False
        self._reader.collect()
        target = self.switch.target
        if target is not None and not isinstance(target, AppInsightsMetricExporter):
            return target.force_flush(_PATIENCE) and not self.switch.failed
        return not self.switch.failed


def _reader(exporter: MetricExporter) -> PeriodicExportingMetricReader:
    try:
        return PeriodicExportingMetricReader(exporter)
    except ValueError:  # it reads OTEL_METRIC_EXPORT_INTERVAL
        _log.warning(
            "OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds above 0; metrics are exported every %d s.",
            _DEFAULT_INTERVAL // 1000,
        )
        return PeriodicExportingMetricReader(exporter, _DEFAULT_INTERVAL)
