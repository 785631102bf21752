"""Ways for spans into a channel: an exporter for any provider, and the processor that the extension uses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ext_appinsights import Channel
from ext_appinsights.redaction import redactor_of
from ext_opentelemetry.mapping import Mapper
from ext_opentelemetry.operations import Operations, operations_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan, Span

    from ext_appinsights import ConnectionString
    from ext_appinsights.redaction import Redactor


def channel_of(connection_string: ConnectionString | str | None, **options: Any) -> Channel:
    """Return a channel whose own HTTP requests no instrumentation traces."""
    return Channel(connection_string, thread_setup=_suppress_instrumentation, **options)


def _suppress_instrumentation() -> None:
    """Mark the calling thread's context, for good, as one that instrumentations leave alone."""
    context = otel_context.get_current()
    for key in ("suppress_instrumentation", getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", "")):
        if key:
            context = otel_context.set_value(key, True, context)
    otel_context.attach(context)


class AppInsightsSpanExporter(SpanExporter):
    """Exports spans to Application Insights, with any OpenTelemetry provider and without the extension.

    Give it to a processor::

        provider.add_span_processor(BatchSpanProcessor(AppInsightsSpanExporter("InstrumentationKey=...")))

    `export` hands the spans to a `Channel` and returns: delivery, with retries, goes on in the channel's thread.
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
        from ext_opentelemetry.origin import own_or_given

        self.channel, self._owned = own_or_given(type(self).__name__, connection_string, channel, channel_options)
        self.redact = redact
        self._mapper = Mapper(redactor_of(redact))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take spans over. Always a success: what becomes of them later is told by `channel.stats()`."""
        # One item for each span: the channel's limit counts items.
        lines = self._mapper.lines
        self.channel.send(
            [partial(lines, span, operation) for span, operation in zip(spans, operations_within(spans), strict=True)]
        )
        self.channel.commit()
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was exported before; True if it arrived in time."""
        return self.channel.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what is left, within 5 seconds, and end the thread, unless the channel is shared."""
        if self._owned:
            self.channel.close(5.0)
        else:
            self.channel.flush(5.0)


class ChannelSpanProcessor(SpanProcessor):
    """Hands each ended span to a channel at once; mapping and sending happen on the channel's thread."""

    def __init__(self, channel: Channel, *, redact: bool | Redactor = True) -> None:
        self.channel = channel
        self.operations = Operations()
        """For whatever else of the same operations goes to the same place."""
        self._mapper = Mapper(redactor_of(redact))

    def on_start(self, span: Span, parent_context: otel_context.Context | None = None) -> None:  # noqa: ARG002
        """Note the operation that the span belongs to."""
        self.operations.start(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span over, if it was sampled."""
        operation = self.operations.of(span)
        if span.context is not None and span.context.trace_flags.sampled:
            self.channel.send((partial(self._mapper.lines, span, operation),))

    def shutdown(self) -> None:
        """Deliver what is left, within 5 seconds, and end the thread."""
        self.channel.close(5.0)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what ended before; True if it arrived in time."""
        return self.channel.flush(timeout_millis / 1000)
