"""Spans of OpenCensus to Application Insights: an exporter for any tracer, which the extension uses as well."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opencensus.trace import execution_context  # type: ignore[import-untyped]
from opencensus.trace.base_exporter import Exporter  # type: ignore[import-untyped]

from ext_appinsights import Channel
from ext_opencensus import resource
from ext_opencensus.mapping import Mapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ext_appinsights import ConnectionString
    from ext_appinsights.redaction import Redactor
    from ext_opencensus.spans import InvocationSpan


class AppInsightsExporter(Exporter):  # type: ignore[misc]
    """Exports spans to Application Insights, with any tracer of OpenCensus and without the extension.

    In place of AzureExporter::

        exporter = AppInsightsExporter("InstrumentationKey=...")
        tracer = Tracer(exporter=exporter, sampler=AlwaysOnSampler())

    `export` hands the spans to a `Channel` and returns: mapping and delivery, with retries, go on in its thread.
    """

    def __init__(
        self,
        connection_string: ConnectionString | str | None = None,
        *,
        redact: bool | Redactor = True,
        **channel_options: Any,
    ) -> None:
        """Make an exporter; None reads APPLICATIONINSIGHTS_CONNECTION_STRING. Options: those of `Channel`.

        `redact` replaces credentials in URLs, attributes and messages; a `Redactor` knows more of them.

        Raises:
            ConnectionStringError: when there is no connection string, or it is wrong.
            TypeError: when an option is unknown.

        """
        self.channel = Channel(connection_string, thread_setup=_mark_as_exporter, **channel_options)
        self._lines = Mapper(resource.tags(), redact=redact).lines

    def export(self, span_datas: Sequence[Any]) -> None:
        """Take ended spans over; what becomes of them is told by `channel.stats()`."""
        self.hand_over(span_datas)
        self.channel.commit()

    emit = export

    def hand_over(self, span_datas: Sequence[Any]) -> None:
        """Take ended spans over as `export` does, but leave it to others to have them written to the journal."""
        self.channel.send([partial(self._lines, span) for span in span_datas])


class InvocationExporter(AppInsightsExporter):
    """That of the extension, which writes the journal once, at the end of each invocation."""

    def export(self, span_datas: Sequence[Any]) -> None:
        """Take ended spans over."""
        self.hand_over(span_datas)

    def take(self, span: InvocationSpan) -> None:
        """Take a span of our own over as it is, and the children that it made itself."""
        if "_child_spans" in span.__dict__:
            self.hand_over(list(span))
        else:
            self.channel.send((partial(self._lines, span),))


def _mark_as_exporter() -> None:
    """Have OpenCensus's integrations leave alone what the calling thread does."""
    execution_context.set_is_exporter(True)
