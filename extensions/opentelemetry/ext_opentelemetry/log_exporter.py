"""Ways for log records into a channel: an exporter for any provider, and the processor that the extension uses.

The SDK's log signal was renamed on its way (LogExporter and LogData up to 1.38, LogRecordExporter and
ReadableLogRecord since): both are served.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LogRecordProcessor

from ext_appinsights.redaction import redactor_of
from ext_opentelemetry.as_log import LogMapper, is_exception, is_not_sampled
from ext_opentelemetry.origin import own_or_given

try:
    from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
except ImportError:  # before 1.39
    from opentelemetry.sdk._logs.export import LogExporter as LogRecordExporter
    from opentelemetry.sdk._logs.export import LogExportResult as LogRecordExportResult  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ext_appinsights import Channel, ConnectionString
    from ext_appinsights.redaction import Redactor
    from ext_opentelemetry.operations import Operations


class AppInsightsLogExporter(LogRecordExporter):
    """Exports log records to Application Insights, with any OpenTelemetry provider and without the extension.

    Give it to a processor::

        provider.add_log_record_processor(BatchLogRecordProcessor(AppInsightsLogExporter("InstrumentationKey=...")))

    `export` hands the records to a `Channel` and returns: delivery, with retries, goes on in the channel's thread.
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
        self.channel, self._owned = own_or_given(type(self).__name__, connection_string, channel, channel_options)
        self._mapper = LogMapper(redactor_of(redact))
        self._ended = False

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        """Take records over. What becomes of them later is told by `channel.stats()`."""
        if self._ended:
            return LogRecordExportResult.FAILURE
        # One item for each record: the channel's limit counts items.
        self.channel.send(partial(self._mapper.envelopes, data) for data in batch)
        self.channel.commit()
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Deliver what was exported before; True if it arrived in time."""
        return self.channel.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what is left, within 5 seconds, and end the thread, unless the channel is shared."""
        self._ended = True
        if self._owned:
            self.channel.close(5.0)
        else:
            self.channel.flush(5.0)


class ChannelLogRecordProcessor(LogRecordProcessor):
    """Hands each log record to a channel at once, with the operation that it belongs to; it has no thread."""

    def __init__(
        self,
        channel: Channel,
        operations: Operations | None = None,
        *,
        follow_sampling: bool = True,
        redact: bool | Redactor = True,
    ) -> None:
        """Make a processor.

        `operations` are those of the spans that go to the same place. With `follow_sampling`, records of an operation
        that was not sampled are left out, as its spans are, and those of others carry its rate, so that what is kept
        stands for what is not; exceptions are kept always. Without it, for a sampler that notes no rate, all are kept.
        """
        self.channel = channel
        self._operations = operations
        self._follow_sampling = follow_sampling
        self._mapper = LogMapper(redactor_of(redact))

    def on_emit(self, log_record: Any) -> None:
        """Hand a record over."""
        record = log_record.log_record
        if self._follow_sampling and is_not_sampled(record) and not is_exception(record):
            return
        operation = None
        if self._operations is not None and record.trace_id:
            operation = self._operations.of_context(record.trace_id, record.span_id)
        self.channel.send((partial(self._mapper.envelopes, log_record, operation, sampled=self._follow_sampling),))

    emit = on_emit  # its name before 1.35

    def shutdown(self) -> None:
        """Deliver what there is; the channel may serve others, so it is not closed."""
        self.channel.flush(5.0)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was logged before; True if it arrived in time."""
        return self.channel.flush(timeout_millis / 1000)
