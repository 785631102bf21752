"""Where telemetry goes, with one face for all: commit, kick, flush within a time, retire."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ext_opentelemetry.background import Background
from ext_opentelemetry.exporter import ChannelSpanProcessor
from ext_opentelemetry.late import LateExporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

    from ext_appinsights import Channel
    from ext_opentelemetry.late import Report


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

    def flush(self, timeout: float) -> bool:  # noqa: ARG002
        """Deliver what ended before, within `timeout` seconds; whether it arrived."""
        return True

    def retire(self) -> None:
        """Deliver what there is, in the background, and end what was started."""


class Beside(Destination):
    """Application Insights, by the exporter that the app's own tracer provider has already."""

    def __init__(self, instrumentation_key: str) -> None:
        self.instrumentation_key = instrumentation_key


class ToChannel(Destination):
    """Application Insights, by a channel: of our own, or of an exporter that the app made."""

    def __init__(self, channel: Channel, instrumentation_key: str, *, owned: bool) -> None:
        self.channel = channel
        self.instrumentation_key = instrumentation_key
        self.endpoints = (channel.endpoint,)
        self.processor = ChannelSpanProcessor(channel)
        self._owned = owned
        self.commit = getattr(channel, "commit", super().commit)  # type: ignore[method-assign]
        self.kick = getattr(channel, "kick", super().kick)  # type: ignore[method-assign]

    def flush(self, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds; whether it arrived."""
        assert self.channel is not None
        return self.channel.flush(timeout)

    def retire(self) -> None:
        """Let a channel of our own deliver what it has, in the background, and end."""
        if self._owned and self.channel is not None:
            self.channel.close(0.0)


class ToConsole(Destination):
    """Standard output: each span as it ends."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

        self.processor = SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stdout))


class ToExporter(Destination):
    """Any span exporter, by the official batch processor, which exports from a thread of its own."""

    def __init__(
        self,
        make: Callable[[], SpanExporter],
        name: str,
        *,
        owned: bool,
        report: Report | None = None,
        endpoints: tuple[str, ...] = (),
    ) -> None:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.endpoints = endpoints
        self._exporter = LateExporter(make, name, owned=owned, report=report)
        self.processor: SpanProcessor = BatchSpanProcessor(self._exporter)
        self._background = Background(self._deliver, "ext_opentelemetry-flush")

    def kick(self) -> None:
        """Deliver what there is now, in the background."""
        self._background.ask()

    def flush(self, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds; the processor itself would take its own time."""
        return self._background.ask().wait(timeout)

    def retire(self) -> None:
        """Deliver what there is, and end the processor's thread, both in the background."""
        Background(self._end, "ext_opentelemetry-retire").ask()

    def _deliver(self) -> bool:
        before = self._exporter.failures
        done = self.processor.force_flush()
        return done and self._exporter.force_flush() and self._exporter.failures == before

    def _end(self) -> bool:
        self.processor.shutdown()
        return True
