"""What an exporter is told when an option is wrong: the names of a channel's options, and its own."""

from __future__ import annotations

import pytest

from ext_opentelemetry import AppInsightsLogExporter, AppInsightsMetricExporter, AppInsightsSpanExporter
from tests.support.ingestion import KEY

EXPORTERS = pytest.mark.parametrize(
    "exporter", [AppInsightsSpanExporter, AppInsightsMetricExporter, AppInsightsLogExporter]
)


@EXPORTERS
@pytest.mark.parametrize(("option", "near"), [("redct", "redact"), ("max_que", "max_queue")])
def test_an_unknown_option_is_told_with_the_nearest(exporter, option: str, near: str):
    """One for the sending thread is not among them: an exporter sets that itself."""
    with pytest.raises(TypeError) as caught:
        exporter(f"InstrumentationKey={KEY}", **{option: 1})
    assert str(caught.value) == (
        f"{exporter.__name__}: unknown option {option!r}. Did you mean {near!r}? Known: connection_string, channel, "
        "redact, credential, max_queue, max_queue_bytes, max_batch, max_batch_bytes, interval, request_timeout, "
        "backoff, exit_timeout, journal, journal_max_bytes, proxies, report."
    )


@EXPORTERS
def test_an_option_out_of_range_is_named(exporter):
    with pytest.raises(ValueError) as caught:
        exporter(f"InstrumentationKey={KEY}", max_queue="many")
    assert str(caught.value) == "Channel: max_queue must be a whole number from 1 on, not 'many'."


@EXPORTERS
def test_the_setup_of_the_sending_thread_is_not_the_callers(exporter):
    with pytest.raises(TypeError, match=f"^{exporter.__name__}: unknown option 'thread_setup'"):
        exporter(f"InstrumentationKey={KEY}", thread_setup=print)
