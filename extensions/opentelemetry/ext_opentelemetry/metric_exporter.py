"""Metrics to Application Insights: an exporter for any OpenTelemetry metric reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult

from ext_appinsights.redaction import redactor_of
from ext_opentelemetry.as_metric import MetricMapper
from ext_opentelemetry.origin import own_or_given

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from ext_appinsights import Channel, ConnectionString
    from ext_appinsights.redaction import Redactor

TEMPORALITY: dict[type, AggregationTemporality] = {
    Counter: AggregationTemporality.DELTA,
    ObservableCounter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
    UpDownCounter: AggregationTemporality.CUMULATIVE,
    ObservableUpDownCounter: AggregationTemporality.CUMULATIVE,
    ObservableGauge: AggregationTemporality.CUMULATIVE,
}
"""What grows is sent as what it grew by, for queries add it up; what goes up and down as what it is."""


class AppInsightsMetricExporter(MetricExporter):
    """Exports metrics to Application Insights, with any OpenTelemetry provider and without the extension.

    Give it to a reader::

        reader = PeriodicExportingMetricReader(AppInsightsMetricExporter("InstrumentationKey=..."))
        provider = MeterProvider([reader])

    `export` hands the data points to a `Channel` and returns: delivery, with retries, goes on in the channel's thread.
    """

    def __init__(
        self,
        connection_string: ConnectionString | str | None = None,
        *,
        channel: Channel | None = None,
        redact: bool | Redactor = True,
        **channel_options: Any,
    ) -> None:
        """Make an exporter; None reads APPLICATIONINSIGHTS_CONNECTION_STRING. Options: those of `Channel`.

        `channel` is one to share with other exporters, in place of all others; whoever made it closes it. `redact`
        replaces credentials: True what is known as such, a `Redactor` also what the app knows, False none.

        Raises:
            ConnectionStringError: when there is no connection string, or it is wrong.
            TypeError: when an option is unknown, or is given beside `channel`.

        """
        super().__init__(preferred_temporality=TEMPORALITY)
        self.channel, self._owned = own_or_given(type(self).__name__, connection_string, channel, channel_options)
        self._mapper = MetricMapper(redactor_of(redact))
        self._ended = False

    @property
    def left_out(self) -> int:
        """Data points that were not exported, for their value was infinite or not a number."""
        return self._mapper.left_out

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,  # noqa: ARG002  nothing here waits
        **kwargs: Any,  # noqa: ARG002
    ) -> MetricExportResult:
        """Take data points over. What becomes of them later is told by `channel.stats()`."""
        if self._ended:
            return MetricExportResult.FAILURE
        if metrics_data is not None:
            self.channel.send(list(self._mapper.envelopes(metrics_data)))
            self.channel.commit()
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Deliver what was exported before; True if it arrived in time."""
        return self.channel.flush(timeout_millis / 1000)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Deliver what is left, within 5 seconds, and end the thread, unless the channel is shared."""
        self._ended = True
        timeout = min(max(0.0, kwargs.get("timeout", timeout_millis)) / 1000, 5.0)
        if self._owned:
            self.channel.close(timeout)
        else:
            self.channel.flush(timeout)
