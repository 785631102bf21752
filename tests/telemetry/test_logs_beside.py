"""Log lines that a handler of OpenTelemetry's exports as well, such as that of Microsoft's distribution."""

from __future__ import annotations

import logging
import warnings

import pytest
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from ext_opentelemetry import AppInsightsLogExporter
from ext_telemetry import TelemetryExtension, logs
from tests.support.logged import OTHER, REPORTS, SAME

shop = logging.getLogger("shop")


def theirs(exporter, *, logger, level=logging.NOTSET):
    """Put OpenTelemetry's handler on a logger, as a distribution does."""
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=600_000))
    handler = LoggingHandler(level=level, logger_provider=provider)
    logging.getLogger(logger).addHandler(handler)
    return handler, provider


@pytest.fixture
def microsofts(monkeypatch):
    """Microsoft's handler on a logger; it exports to a resource."""
    placed = []
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    monkeypatch.setenv("APPLICATIONINSIGHTS_SDKSTATS_DISABLED", "true")

    def place(connection_string, logger="", level=logging.NOTSET):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter

            exporter = AzureMonitorLogExporter(connection_string=connection_string, disable_offline_storage=True)
        monkeypatch.setattr(exporter, "export", lambda batch: None)
        placed.append((logger, *theirs(exporter, logger=logger, level=level)))

    yield place
    for logger, handler, provider in placed:
        logging.getLogger(logger).removeHandler(handler)
        provider.shutdown()


def test_lines_that_microsofts_handler_exports_to_the_same_resource_are_left_to_it(
    set_up, lines, worker_handler, microsofts
):
    """And kept from the host, which would store them as well."""
    microsofts(SAME)
    set_up(REPORTS)

    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == ([], [])


def before_the_first_invocation(fresh, **settings):
    """As while modules are imported: no pipeline is in force yet."""
    assert fresh._pipeline is None
    TelemetryExtension.configure(**settings)
    assert logs._taker.plan.is_early


@pytest.mark.parametrize(("setting", "arrives"), [("auto", []), ("export", ["early"])])
def test_an_early_line_that_microsofts_handler_has_exported_is_left_to_it(setting, arrives, lines, fresh, microsofts):
    """`configure_azure_monitor()` and a line, both while modules are imported."""
    before_the_first_invocation(fresh, logs=setting)
    microsofts(lines.server.connection_string)
    shop.warning("early")

    lines.run(lambda: None)

    assert lines.texts() == arrives


def test_an_early_line_that_a_handler_exports_elsewhere_arrives(lines, fresh, microsofts):
    before_the_first_invocation(fresh)
    microsofts(OTHER)
    shop.warning("early")

    lines.run(lambda: None)

    assert lines.texts() == ["early"]


def test_early_lines_are_left_alone_if_the_app_then_says_so(lines, fresh):
    """The import of the extension has its handler put in place; `configure` comes a few lines later."""
    before_the_first_invocation(fresh)
    shop.warning("early")
    lines.configure(logs="off")

    lines.run(lambda: None)

    assert lines.texts() == []


def test_only_its_own_loggers_and_levels_are_left_to_it(set_up, lines, worker_handler, microsofts):
    microsofts(SAME, "shop", logging.WARNING)
    set_up(REPORTS)

    def work():
        logging.getLogger("shop.till").warning("theirs")
        shop.info("low")
        logging.getLogger("store").warning("other")

    lines.run(work)

    assert (lines.texts(), worker_handler.forwarded) == (["low", "other"], [])


def test_what_microsofts_handler_exports_below_our_level_is_kept_from_the_host_too(
    set_up, lines, worker_handler, microsofts
):
    microsofts(SAME)
    set_up(REPORTS, level="ERROR")

    lines.run(lambda: shop.warning("told"))

    assert (lines.texts(), worker_handler.forwarded) == ([], [])


def test_a_handler_that_exports_elsewhere_changes_nothing(set_up, lines, microsofts):
    microsofts(OTHER)
    set_up()

    lines.run(lambda: shop.warning("told"))

    assert lines.texts() == ["told"]


def test_a_handler_that_hands_to_our_own_provider_is_enough(set_up, lines):
    """Such as of opentelemetry-instrumentation-logging: the global provider is ours."""
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    set_up()
    lines.run(lambda: None)  # sets the global provider
    handler = LoggingHandler(logger_provider=_logs.get_logger_provider())
    logging.getLogger().addHandler(handler)

    lines.run(lambda: shop.warning("told"))

    assert lines.texts() == ["told"]


def test_our_own_exporter_in_a_provider_of_the_app_may_store_the_same(set_up, lines):
    handler, provider = theirs(AppInsightsLogExporter(lines.server.connection_string, journal=False), logger="shop")
    set_up()
    try:
        lines.run(lambda: shop.warning("told"))
    finally:
        shop.removeHandler(handler)
        provider.shutdown()

    assert lines.texts() == ["told"]
