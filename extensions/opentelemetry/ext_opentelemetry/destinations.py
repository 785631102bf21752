"""Where telemetry goes, with one face for all: commit, kick, deliver within a time, retire."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ext_opentelemetry import otlp
from ext_opentelemetry.background import Background
from ext_opentelemetry.exporter import ChannelSpanProcessor
from ext_opentelemetry.late import LateExporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

    from ext_appinsights import Channel
    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.late import Report
    from ext_opentelemetry.records import Record


class Destination:
    """Where the telemetry of one configuration goes. This one: nowhere."""

    processor: SpanProcessor | None = None
    """What a tracer provider hands spans to; None where nothing is exported."""

    channel: Channel | None = None
    """The way to Application Insights, if that is where it goes."""

    endpoints: tuple[str, ...] = ()
    """Base URLs of the service: calls to it are not traced."""

    instrumentation_key: str | None = None
    """Of the Application Insights resource, lower case; empty if it cannot be told; None if it goes elsewhere."""

    is_otlp: bool = False
    """Whether it goes to the OTLP endpoint of the app settings."""

    def commit(self) -> None:
        """Keep what ended so far, should the process be killed."""

    def kick(self) -> None:
        """Deliver what there is now, in the background."""

    def deliver(self) -> Callable[[float], bool]:
        """Begin to deliver what ended before; the result waits for so many seconds, and says whether it arrived."""
        return lambda _: True

    def rest(self) -> None:
        """Tidy up after a flush that may be the last one."""

    def retire(self) -> None:
        """Deliver what there is, in the background, and end what was started."""

    takes_all: bool = False
    """Whether metrics and logs go there too."""

    def metric_exporter(self) -> MetricExporter | None:
        """Make what exports metrics to it."""
        return None

    def log_processor(self, *, follow_sampling: bool) -> LogRecordProcessor | None:  # noqa: ARG002
        """Make what log records are handed to; `follow_sampling` leaves out those of unsampled operations."""
        return None

    def record_taker(
        self,
        resource: Callable[[], Resource],  # noqa: ARG002
        *,
        follow_sampling: bool,  # noqa: ARG002
    ) -> Callable[[Record], bool] | None:
        """Make what takes records of other extensions straight to it; None if they go through OpenTelemetry's logs."""
        return None


class Beside(Destination):
    """Application Insights, by the exporter that the app's own tracer provider has already."""

    def __init__(self, instrumentation_key: str) -> None:
        self.instrumentation_key = instrumentation_key


class ToChannel(Destination):
    """Application Insights, by a channel: of our own, or of an exporter that the app made."""

    def __init__(
        self, channel: Channel, instrumentation_key: str, *, owned: bool, redact: bool | Redactor = True
    ) -> None:
        self.channel = channel
        self.instrumentation_key = instrumentation_key
        self.endpoints = (channel.endpoint,)
        self.processor = self._spans = ChannelSpanProcessor(channel, redact=redact)
        self._owned = owned
        self._redact = redact
        self.commit = channel.commit  # type: ignore[method-assign]
        self.kick = channel.kick  # type: ignore[method-assign]
        self.rest = channel.rest  # type: ignore[method-assign]

    takes_all = True

    def deliver(self) -> Callable[[float], bool]:
        """Begin to deliver what was handed over before."""
        self.kick()
        return self._spans.channel.flush

    def retire(self) -> None:
        """Let a channel of our own deliver what it has, in the background, and end."""
        if self._owned:
            self._spans.channel.close(0.0)

    def metric_exporter(self) -> MetricExporter:
        """Make what exports metrics by the same channel."""
        from ext_opentelemetry.metric_exporter import AppInsightsMetricExporter

        return AppInsightsMetricExporter(channel=self._spans.channel, redact=self._redact)

    def log_processor(self, *, follow_sampling: bool) -> LogRecordProcessor:
        """Make what hands log records to the same channel, each with its operation."""
        from ext_opentelemetry.log_exporter import ChannelLogRecordProcessor

        spans = self._spans
        return ChannelLogRecordProcessor(
            spans.channel, spans.operations, follow_sampling=follow_sampling, redact=self._redact
        )

    def record_taker(self, resource: Callable[[], Resource], *, follow_sampling: bool) -> Callable[[Record], bool]:
        """Make what hands records of other extensions to the same channel."""
        from ext_opentelemetry import record_ways

        spans = self._spans
        return record_ways.ToChannel(
            spans.channel,
            spans.operations,
            follow_sampling=follow_sampling,
            redact=self._redact,
            resource=resource(),
        ).take


class ToConsole(Destination):
    """Standard output: each span as it ends."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

        self.processor = SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stdout))

    takes_all = True

    def metric_exporter(self) -> MetricExporter:
        """Make what prints metrics."""
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

        return ConsoleMetricExporter(out=sys.stdout)

    def log_processor(self, *, follow_sampling: bool) -> LogRecordProcessor:  # noqa: ARG002
        """Make what prints log records."""
        from opentelemetry.sdk._logs import export

        # Its name is another since 1.39.
        console: Any = getattr(export, "ConsoleLogRecordExporter", None) or export.ConsoleLogExporter
        return export.SimpleLogRecordProcessor(console(out=sys.stdout))


class ToExporter(Destination):
    """Any span exporter, by the official batch processor, which exports from a thread of its own."""

    name: str
    """What it is called in log lines."""

    def __init__(
        self,
        make: Callable[[], SpanExporter],
        name: str,
        *,
        owned: bool,
        report: Report | None = None,
    ) -> None:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.name = name
        self._exporter = LateExporter(make, name, owned=owned, report=report)
        self.processor: SpanProcessor = BatchSpanProcessor(self._exporter)
        self._background = Background(self._flush, "ext_opentelemetry-flush")

    def kick(self) -> None:
        """Deliver what there is now, in the background."""
        self._background.ask()

    def deliver(self) -> Callable[[float], bool]:
        """Begin to deliver what ended before; to wait for the processor itself would take as long as it likes."""
        return self._background.ask().wait

    def retire(self) -> None:
        """Deliver what there is, and end the processor's thread, both in the background."""
        Background(self._end, "ext_opentelemetry-retire").ask()

    def _flush(self) -> bool:
        before = self._exporter.failures
        done = self.processor.force_flush()
        return done is not False and self._exporter.force_flush() and self._exporter.failures == before

    def _end(self) -> bool:
        self.processor.shutdown()
        return True


class BesideOtlp(Destination):
    """What OTEL_EXPORTER_OTLP_... name; spans go there by the exporter that the app's own provider has already."""

    is_otlp = True
    takes_all = True

    def __init__(self) -> None:
        self.endpoints = otlp.endpoints()

    def metric_exporter(self) -> MetricExporter:
        """Make the official exporter of metrics."""
        return otlp.metric_exporter()

    def log_processor(self, *, follow_sampling: bool) -> LogRecordProcessor:  # noqa: ARG002
        """Make the official batch processor, with the official exporter of logs."""
        return otlp.log_processor()


class ToOtlp(BesideOtlp, ToExporter):
    """What the app settings OTEL_EXPORTER_OTLP_... name, by the official exporters."""

    def __init__(self, report: Report | None = None) -> None:
        BesideOtlp.__init__(self)
        ToExporter.__init__(self, otlp.span_exporter, "the OTLP endpoint", owned=True, report=report)
