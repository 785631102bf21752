"""All options of OpenCensus's AzureExporter are taken: they mean what they meant, or it is said that they do not."""

from __future__ import annotations

import dataclasses
import logging
import warnings

import pytest
from opencensus.trace.print_exporter import PrintExporter
from opencensus.trace.samplers import AlwaysOnSampler

from ext_opencensus import Redactor, options, resource
from ext_opencensus.settings import Settings
from ext_sdk import SettingsError
from tests.support.ingestion import KEY
from tests.support.lifecycle import invoke

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opencensus.ext.azure.common import Options

OTHER = "99999999-2222-3333-4444-555555555555"


def test_every_option_of_the_original_is_a_setting():
    theirs = set(Options._default)

    assert len(theirs) == 18
    assert theirs <= {one.name for one in dataclasses.fields(Settings)}


def test_what_means_something_reaches_the_channel(fresh, server, tmp_path):
    fresh.configure(
        connection_string=server.connection_string, storage_path=str(tmp_path / "kept"), storage_max_size=1_000_000,
        export_interval=3.5, max_batch_size=7, queue_capacity=70, timeout=1.5, grace_period=0.25,
        proxies='{"http": "http://proxy.example:1"}',
    )  # fmt: skip

    pipeline = fresh._current()

    found = pipeline._channel._options
    assert (found.journal, found.journal_max_bytes) == (str(tmp_path / "kept"), 1_000_000)
    assert (found.interval, found.max_batch, found.max_queue) == (3.5, 7, 70)
    assert (found.request_timeout, found.exit_timeout) == (1.5, 0.25)
    assert found.proxies == {"http": "http://proxy.example:1"}


def test_a_folder_may_be_below_the_users_own(fresh, server, monkeypatch):
    monkeypatch.setenv("HOME", "/someones")
    fresh.configure(connection_string=server.connection_string, storage_path="~/kept")

    assert fresh._current()._channel._options.journal == "/someones/kept"


@pytest.mark.parametrize(
    ("variables", "role"),
    [
        ({"WEBSITE_SITE_NAME": "shop", "OTEL_SERVICE_NAME": "other"}, "shop"),
        ({"OTEL_SERVICE_NAME": "other", "AzureWebJobsScriptRoot": "/apps/mine"}, "other"),
        ({"AzureWebJobsScriptRoot": "/apps/mine/"}, "mine"),
        ({"AzureWebJobsScriptRoot": "/home/site/wwwroot"}, None),
    ],
)
def test_the_role_is_what_the_platform_calls_the_app(monkeypatch, variables, role):
    for name in ("WEBSITE_SITE_NAME", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert resource.tags().get("ai.cloud.role") == role


def test_proxies_that_are_none_leave_it_to_the_environment(fresh, server):
    """AzureExporter's default is `"{}"`."""
    fresh.configure(connection_string=server.connection_string, proxies="{}")

    assert fresh._current()._channel._options.proxies is None


def test_by_default_items_are_kept_on_disk_until_they_are_delivered(fresh, server):
    fresh.configure(connection_string=server.connection_string)
    assert fresh._current()._channel._options.journal is True

    fresh.configure(connection_string=server.connection_string, enable_local_storage=False, storage_path="/nowhere")
    assert fresh._current()._channel._options.journal is False


def test_a_redactor_of_ones_own_takes_out_what_it_knows(fresh, server):
    fresh.configure(
        connection_string=server.connection_string, enable_local_storage=False, redact=Redactor(keys=["iban"])
    )

    def function(req, context):
        with context.tracer.span("pay") as span:
            span.add_attribute("iban", "DE1")

    invoke(function, req=1)

    assert fresh.shutdown(20.0)
    (item,) = server.items
    assert item["data"]["baseData"]["properties"] == {"iban": "REDACTED"}


@pytest.mark.parametrize("name", sorted(options.MEANINGLESS))
def test_an_option_without_a_meaning_is_said_once(fresh, server, caplog, name):
    value = "https://dc.services.visualstudio.com" if name == "endpoint" else 60
    if name == "enable_standard_metrics":
        value = False
    fresh.configure(connection_string=server.connection_string, enable_local_storage=False, **{name: value})

    for _ in range(2):
        invoke(lambda req, context: None, req=1)
        fresh.configure(connection_string=server.connection_string, enable_local_storage=False, **{name: value})

    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert said == [f"OpenCensusExtension: the option {name!r} has no effect: {options.MEANINGLESS[name]}."]


def test_beside_an_exporter_the_options_about_the_destination_have_no_effect_and_that_is_said(memory, fresh, caplog):
    fresh.configure(exporter=memory, connection_string=f"InstrumentationKey={KEY}", timeout=3)

    invoke(lambda req, context: None, req=1)

    reason = "has no effect: the exporter that was passed has its own."
    assert [record.message for record in caplog.records] == [
        f"OpenCensusExtension: the option 'connection_string' {reason}",
        f"OpenCensusExtension: the option 'timeout' {reason}",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"conection_string": ""},
            "OpenCensusExtension: unknown setting 'conection_string'. Did you mean 'connection_string'? Known: ",
        ),
        (
            {"max_batch_size": 0},
            "OpenCensusExtension: setting 'max_batch_size' is 0. Allowed: a whole number from 1 on.",
        ),
        ({"export_interval": -1}, "OpenCensusExtension: setting 'export_interval' is -1.0. Allowed: seconds, 0 or more."),
        ({"redact": "iban"}, "OpenCensusExtension: setting 'redact' is 'iban'. Allowed: true or false or Redactor."),
        ({"timeout": 0}, "OpenCensusExtension: setting 'timeout' is 0.0. Allowed: seconds, more than 0."),
        ({"storage_path": ""}, "OpenCensusExtension: setting 'storage_path' is ''. Allowed: the path of a folder."),
        (
            {"proxies": "nonsense"},
            "OpenCensusExtension: setting 'proxies' is no JSON object of texts, such as "
            '{"https": "http://proxy:3128"}.',
        ),
        (
            {"connection_string": "nonsense"},
            "OpenCensusExtension: setting 'connection_string': Segment 1 of the connection string is not of the form "
            "Key=Value (for example InstrumentationKey=...;IngestionEndpoint=https://...).",
        ),
        ({"instrumentation_key": ""}, "OpenCensusExtension: setting 'instrumentation_key': The instrumentation key is empty."),
        (
            {"sampler": AlwaysOnSampler},
            "OpenCensusExtension: setting 'sampler' is the class AlwaysOnSampler. "
            "Allowed: an object of it, AlwaysOnSampler(...).",
        ),
        (
            {"exporter": PrintExporter},
            "OpenCensusExtension: setting 'exporter' is the class PrintExporter. "
            "Allowed: an object of it, PrintExporter(...).",
        ),
        (
            {"underneath": "opentelemetry", "sampler": AlwaysOnSampler()},
            "OpenCensusExtension: setting 'sampler' has no rate, and with underneath='opentelemetry' only a "
            "ProbabilitySampler counts. Leave it out, or call OpenTelemetryExtension.configure(sampling_ratio=...).",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_cure(fresh, given, message):
    with pytest.raises(SettingsError) as caught:
        fresh.configure(**given)

    assert str(caught.value).startswith(message)


def test_an_exporter_of_opencensus_does_not_go_with_opentelemetry_underneath(fresh, memory):
    with pytest.raises(SettingsError) as caught:
        fresh.configure(underneath="opentelemetry", exporter=memory)

    assert str(caught.value) == (
        "OpenCensusExtension: setting 'exporter' is an exporter of OpenCensus, which cannot export what "
        "underneath='opentelemetry' records. Leave it out, or give an exporter of OpenTelemetry to "
        "OpenTelemetryExtension.configure()."
    )


@pytest.mark.parametrize(
    ("code", "code_key", "variable", "variable_key"),
    [
        (True, True, True, True),
        (False, True, True, True),
        (False, True, False, True),
        (False, True, False, False),
        (False, False, True, True),
        (False, False, False, True),
    ],
)
def test_key_and_endpoint_are_taken_from_where_the_original_takes_them(
    monkeypatch, code, code_key, variable, variable_key
):
    if variable:
        monkeypatch.setenv(
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            f"InstrumentationKey={KEY};IngestionEndpoint=https://of.environment",
        )
    if variable_key:
        monkeypatch.setenv("APPINSIGHTS_INSTRUMENTATIONKEY", OTHER.replace("9", "8"))
    given = {"instrumentation_key": OTHER} if code_key else {}
    if code:
        given["connection_string"] = f"InstrumentationKey={KEY.replace('1', '7')};IngestionEndpoint=https://of.code"

    theirs, ours = Options(**given), options.target_of(Settings(**given))

    assert ours is not None
    assert (ours.instrumentation_key, ours.ingestion_endpoint) == (theirs.instrumentation_key, theirs.endpoint)


def test_another_configuration_takes_over_and_the_first_one_delivers_what_it_has(fresh, server, memory):
    fresh.configure(
        connection_string=server.connection_string, enable_local_storage=False, export_interval=60, flush="background"
    )
    invoke(lambda req, context: context.tracer.span("first").__exit__(None, None, None), req=1)

    fresh.configure(exporter=memory)
    invoke(lambda req, context: context.tracer.span("second").__exit__(None, None, None), req=1)

    (item,) = server.wait_for_items(1)
    assert item["data"]["baseData"]["name"] == "first"
    assert [span.name for span in memory.spans] == ["second"]


def test_opentelemetry_underneath_says_what_to_install_for_it(fresh, monkeypatch):
    """As an app setting: the message names where the value came from."""
    with monkeypatch.context() as there:
        there.setenv("EXT_OPENCENSUS_UNDERNEATH", "opentelemetry")
        there.setattr("importlib.util.find_spec", lambda name: None if "shim" in name else object())
        with pytest.raises(SettingsError) as caught:
            fresh.configure()

    assert str(caught.value) == (
        "OpenCensusExtension: app setting EXT_OPENCENSUS_UNDERNEATH is 'opentelemetry', which is not installed. "
        "Put azfunc-ext-opencensus[opentelemetry] into requirements.txt."
    )
