"""Log records arrive as messages, exceptions, custom events and availability results of Application Insights."""

from __future__ import annotations

import logging
import traceback
import warnings
from time import time_ns

import pytest
from opentelemetry import context, trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanKind

from ext_appinsights import Channel
from ext_appinsights.redaction import Redactor
from ext_devkit.insights.server import InsightsServer
from ext_opentelemetry.as_log import LogMapper, duration_of
from ext_opentelemetry.exporter import ChannelSpanProcessor
from ext_opentelemetry.log_exporter import AppInsightsLogExporter, ChannelLogRecordProcessor, LogRecordExportResult
from ext_opentelemetry.operations import Operations
from ext_opentelemetry.sampling import InvocationSampler
from tests.support.signals import HAS_EXCEPTIONS, MOMENT, OLD_LOGS, RESOURCE, Kept, emit, logger_of, record_of

AVAILABLE = {
    "microsoft.availability.id": "run-1",
    "microsoft.availability.name": "front page",
    "microsoft.availability.duration": "00:00:01.5",
    "microsoft.availability.success": True,
}


@pytest.fixture
def channel(server):
    made = Channel(server.connection_string, journal=False)
    yield made
    made.close(0.0)


def mapped(*args, operation=None, **fields):
    """Return the item of one log record."""
    (item,) = LogMapper().envelopes(record_of(*args, **fields), operation)
    return item


def base(*args, **fields):
    return mapped(*args, **fields)["data"]["baseData"]


def test_a_record_is_a_message_with_its_severity_logger_and_attributes():
    item = mapped("sold out", {"tenant": "a", "count": 3}, SeverityNumber.WARN)
    assert item["name"] == "Microsoft.ApplicationInsights.Message"
    assert item["time"] == "2026-01-02T03:04:05.678901Z"
    assert item["sampleRate"] == 100.0
    assert item["tags"]["ai.cloud.role"] == "ns.shop"
    assert item["data"] == {
        "baseType": "MessageData",
        "baseData": {
            "ver": 2,
            "message": "sold out",
            "severityLevel": 2,
            "properties": {"tenant": "a", "count": "3", "logger_name": "shop.checkout"},
        },
    }


@pytest.mark.parametrize(
    ("number", "level"),
    [(None, 0), (0, 0), (1, 0), (8, 0), (9, 1), (12, 1), (13, 2), (16, 2), (17, 3), (20, 3), (21, 4), (24, 4)],
)
def test_a_severity_is_one_of_five(number, level):
    severity = None if number is None else SeverityNumber(number)
    assert base("x", None, severity)["severityLevel"] == level


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  text\n", "text"),
        ("", "n/a"),
        ("  ", "n/a"),
        (None, "n/a"),
        (0, "0"),
        (False, "false"),
        ({"a": [1, "ü"]}, '{"a": [1, "ü"]}'),
        (b"caf\xc3\xa9", "café"),
        (ValueError("bad"), "bad"),
        ("x" * 40_000, "x" * 32768),
    ],
)
def test_a_body_is_text_or_json(body, message):
    assert base(body)["message"] == message


def test_a_body_that_contains_itself_does_no_harm():
    loop: dict = {}
    loop["loop"] = loop
    assert base(loop)["message"] == "{'loop': {...}}"


def test_a_record_without_a_time_has_the_one_at_which_it_was_seen():
    assert mapped("x", timestamp=None)["time"] == mapped("x", timestamp=0)["time"] == "2026-01-02T03:04:05.678901Z"
    assert mapped("x", timestamp=None, observed=MOMENT + 1_000_000)["time"] == "2026-01-02T03:04:05.679901Z"


def test_a_logger_name_among_the_attributes_wins():
    assert base("x", {"logger_name": "mine"})["properties"]["logger_name"] == "mine"


@pytest.mark.skipif(OLD_LOGS, reason="that SDK's records have no event name")
def test_an_event_name_is_kept_as_a_property():
    assert base("x", event_name="user.login")["properties"]["event.name"] == "user.login"


def test_attributes_about_the_user_are_tags():
    item = mapped("x", {"enduser.id": "me", "enduser.pseudo.id": "m", "session.id": "s", "client.address": "10.0.0.1"})
    found = {key: item["tags"][key] for key in ("ai.user.authUserId", "ai.user.id", "ai.session.id", "ai.location.ip")}
    assert list(found.values()) == ["me", "m", "s", "10.0.0.1"]


def test_measurements_are_those_of_the_attribute():
    data = base("x", {"microsoft.custom_measurements": '{"rows": 3, "bad": "x"}'})
    assert data["measurements"] == {"rows": 3}
    assert "microsoft.custom_measurements" not in data["properties"]


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"microsoft.custom_event.name": "ordered"}, "ordered"),
        ({"APPLICATION_INSIGHTS_EVENT_MARKER_ATTRIBUTE": True}, "the body"),
        ({"microsoft.custom_event.name": "n" * 600}, "n" * 512),
    ],
)
def test_a_named_or_marked_record_is_a_custom_event(attributes, name):
    item = mapped("the body", {**attributes, "tenant": "a"})
    assert item["name"] == "Microsoft.ApplicationInsights.Event"
    assert item["data"]["baseData"]["name"] == name
    assert item["data"]["baseData"]["properties"] == {"tenant": "a", "logger_name": "shop.checkout"}


def test_a_record_with_availability_is_an_availability_result():
    data = base("body", {**AVAILABLE, "microsoft.availability.runLocation": "west", "tenant": "a"})
    assert data == {
        "ver": 2,
        "id": "run-1",
        "name": "front page",
        "duration": "0.00:00:01.500",
        "success": True,
        "runLocation": "west",
        "message": "body",
        "properties": {"tenant": "a", "logger_name": "shop.checkout"},
    }
    assert base("body", {**AVAILABLE, "microsoft.availability.message": "fine"})["message"] == "fine"
    assert base("body", {**AVAILABLE, "microsoft.availability.success": "no"})["success"] is False


def test_an_availability_result_that_lacks_something_is_a_message():
    assert mapped("x", {**AVAILABLE, "microsoft.availability.id": ""})["data"]["baseType"] == "MessageData"


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("00:00:05", 5_000_000_000),
        (" 1.02:03:04.5 ", 93_784_500_000_000),
        ("00:00:00.1234567", 123_456_700),
        ("5", None),
        (5, None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_duration_is_a_time_span(text, nanoseconds):
    assert duration_of(text) == nanoseconds


def test_a_duration_that_is_none_is_kept_as_a_property():
    data = base("x", {**AVAILABLE, "microsoft.availability.duration": "1500"})
    assert (data["duration"], data["properties"]["microsoft.availability.duration"]) == ("0.00:00:00.000", "1500")


def raised():
    try:
        try:
            {}["missing"]
        except KeyError as cause:
            raise ValueError("bad order") from cause
    except ValueError as error:
        return error


def attributes_of(error):
    return {
        "exception.type": type(error).__name__,
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def test_a_record_with_an_exception_is_one_with_frames_and_causes():
    item = mapped("could not sell", {**attributes_of(raised()), "tenant": "a"}, SeverityNumber.ERROR)
    assert item["name"] == "Microsoft.ApplicationInsights.Exception"
    data = item["data"]["baseData"]
    outer, cause = data["exceptions"]
    assert (outer["typeName"], outer["message"], outer["hasFullStack"]) == ("ValueError", "could not sell", True)
    assert outer["parsedStack"][0]["method"] == "raised"
    assert (cause["typeName"], cause["message"], cause["outerId"]) == ("KeyError", "'missing'", 1)
    assert data["severityLevel"] == 3
    assert data["properties"] == {"tenant": "a", "logger_name": "shop.checkout", "exception.message": "bad order"}


def test_the_message_of_an_exception_without_a_body_is_its_own():
    data = base(None, {"exception.message": "bad order"})
    assert data["exceptions"] == [{"typeName": "Exception", "message": "bad order", "hasFullStack": False}]
    assert "exception.message" not in data["properties"]


def test_a_body_that_tells_the_exceptions_message_is_enough():
    assert "exception.message" not in base("failed: bad order", attributes_of(raised()))["properties"]


@pytest.mark.skipif(not HAS_EXCEPTIONS, reason="that SDK's records hold no exception")
def test_an_exception_object_is_enough():
    data = base("could not sell", exception=raised())
    assert [one["typeName"] for one in data["exceptions"]] == ["ValueError", "KeyError"]


@pytest.mark.skipif(not HAS_EXCEPTIONS, reason="that SDK's records hold no exception")
def test_an_exception_object_without_its_attributes_is_enough():
    record = record_of("could not sell", exception=raised())
    record.log_record.attributes = {}
    (item,) = LogMapper().envelopes(record)
    data = item["data"]["baseData"]
    assert [one["message"] for one in data["exceptions"]] == ["could not sell", "'missing'"]
    assert data["properties"]["exception.message"] == "bad order"


def test_what_the_logging_module_logs_arrives_through_the_sdks_handler():
    """`extra` as properties, `exc_info` as an exception."""
    kept = Kept()
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(kept)
    log = logging.getLogger("shop.orders")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it moves to another distribution
        handler = LoggingHandler(logger_provider=provider)
    log.addHandler(handler)
    try:
        log.warning("%d left", 3, extra={"tenant": "a"})
        try:
            raise raised()
        except ValueError:
            log.exception("could not sell")
    finally:
        log.removeHandler(handler)
    message, exception = (LogMapper().envelopes(record)[0]["data"]["baseData"] for record in kept.records)
    assert (message["message"], message["severityLevel"]) == ("3 left", 2)
    assert message["properties"]["tenant"] == "a"
    assert message["properties"]["logger_name"] == "shop.orders"
    assert [one["message"] for one in exception["exceptions"]] == ["could not sell", "'missing'"]


def secrets(**options):
    """Return all text of an item that is full of a password."""
    records = [
        record_of("https://me:hunter2@shop.example", {"password": "hunter2", "url": "https://x/?sig=hunter2"}),
        record_of(
            None, {"exception.message": "Password=hunter2;", "exception.stacktrace": "at Main(password=hunter2)"}
        ),
        record_of("Authorization: Bearer hunter2.hunter2", {"APPLICATION_INSIGHTS_EVENT_MARKER_ATTRIBUTE": True}),
        record_of({"client_secret": "hunter2"}, AVAILABLE),
    ]
    return [str(LogMapper(**options).envelopes(record)) for record in records]


def test_credentials_are_replaced_in_messages_exceptions_names_and_properties():
    assert not [text for text in secrets() if "hunter2" in text]
    assert all("hunter2" in text for text in secrets(redactor=None))


def test_a_credential_that_the_limit_of_a_message_cuts_in_two_is_replaced():
    token = "eyJ" + "a" * 30 + "." + "b" * 30 + "." + "c" * 30
    assert "eyJ" not in base("x" * 32740 + " " + token)["message"]


def test_redaction_is_an_option_of_the_exporter_and_the_processor(server, channel):
    emit(logger_of(ChannelLogRecordProcessor(channel, redact=False)), "password=hunter2")
    emit(logger_of(ChannelLogRecordProcessor(channel, redact=Redactor(patterns=["[0-9]{4}"]))), "pin 1234")
    AppInsightsLogExporter(channel=channel, redact=False).export([record_of("password=hunter3")])
    AppInsightsLogExporter(channel=channel).export([record_of("password=hunter4")])
    assert channel.flush(20.0)
    messages = [item["data"]["baseData"]["message"] for item in server.items]
    assert messages == ["password=hunter2", "pin REDACTED", "password=hunter3", "password=REDACTED"]


class Tracing:
    """A tracer and a logger whose items go through one channel, as the extension sets them up."""

    def __init__(self, channel, ratio=1.0, *, follow_sampling=True) -> None:
        provider = TracerProvider(sampler=InvocationSampler(ratio), resource=RESOURCE, shutdown_on_exit=False)
        spans = ChannelSpanProcessor(channel)
        provider.add_span_processor(spans)
        self.tracer = provider.get_tracer("t")
        logs = ChannelLogRecordProcessor(channel, spans.operations, follow_sampling=follow_sampling)
        self.logger = logger_of(logs)


def delivered(server, channel):
    assert channel.flush(20.0)
    return {item["data"]["baseType"]: item for item in server.items}


def test_a_record_inherits_name_and_parent_of_its_operation(server, channel):
    tracing = Tracing(channel)
    with tracing.tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as request:
        request.set_attributes({"http.request.method": "GET", "http.route": "/items/{id}"})
        with tracing.tracer.start_as_current_span("inner") as inner:
            emit(tracing.logger, "sold out")
    tags = delivered(server, channel)["MessageData"]["tags"]
    assert tags["ai.operation.name"] == "GET /items/{id}"
    assert tags["ai.operation.id"] == f"{inner.get_span_context().trace_id:032x}"
    assert tags["ai.operation.parentId"] == f"{inner.get_span_context().span_id:016x}"


def test_a_record_that_names_its_operation_keeps_that_name(server, channel):
    tracing = Tracing(channel)
    with tracing.tracer.start_as_current_span("work"):
        emit(tracing.logger, "x", {"ai.operation.name": "mine"})
    assert delivered(server, channel)["MessageData"]["tags"]["ai.operation.name"] == "mine"


def test_a_record_outside_any_operation_has_none():
    tags = mapped("x")["tags"]
    assert not [key for key in tags if key.startswith("ai.operation.")]


def sampled_or_not(tracing, sampled):
    """Return a span that the sampler at 50 % keeps, or one that it does not."""
    while True:
        span = tracing.tracer.start_span("work", context.Context())
        if span.get_span_context().trace_flags.sampled is sampled:
            return trace.use_span(span, end_on_exit=True)


def test_a_record_of_a_sampled_operation_carries_its_rate(server, channel):
    tracing = Tracing(channel, 0.5)
    with sampled_or_not(tracing, True):
        emit(tracing.logger, "x")
    assert delivered(server, channel)["MessageData"]["sampleRate"] == 50.0


def test_of_an_operation_that_is_not_sampled_exceptions_are_kept_and_stand_for_themselves(server, channel):
    tracing = Tracing(channel, 0.5)
    with sampled_or_not(tracing, False):
        emit(tracing.logger, "x")
        emit(tracing.logger, "x", attributes_of(raised()))
    found = delivered(server, channel)
    assert "MessageData" not in found
    assert found["ExceptionData"]["sampleRate"] == 100.0


def test_an_exception_of_a_sampled_operation_stands_for_itself(server, channel):
    """For those of the others are kept as well."""
    tracing = Tracing(channel, 0.5)
    with sampled_or_not(tracing, True):
        emit(tracing.logger, "x", attributes_of(raised()))
    assert delivered(server, channel)["ExceptionData"]["sampleRate"] == 100.0


def test_records_can_be_kept_whatever_is_sampled(server, channel):
    tracing = Tracing(channel, 0.5, follow_sampling=False)
    for sampled in (True, False):
        with sampled_or_not(tracing, sampled):
            emit(tracing.logger, "x")
    assert channel.flush(20.0)
    assert [item["sampleRate"] for item in server.items if item["data"]["baseType"] == "MessageData"] == [100.0, 100.0]


def test_the_flag_of_a_remote_caller_takes_no_record_away(server, channel):
    """The host's own sampling is not ours."""
    tracing = Tracing(channel)
    remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0))
    with trace.use_span(NonRecordingSpan(remote)):
        emit(tracing.logger, "x")
    assert delivered(server, channel)["MessageData"]["tags"]["ai.operation.parentId"] == "0000000000000002"


def test_operations_need_not_be_known(server, channel):
    emit(logger_of(ChannelLogRecordProcessor(channel)), "x")
    emit(logger_of(ChannelLogRecordProcessor(channel, Operations())), "x")
    assert channel.flush(20.0)
    assert len(server.items) == 2


def test_the_processor_delivers_at_flush_and_leaves_the_channel_open(server, channel):
    processor = ChannelLogRecordProcessor(channel)
    logger = logger_of(processor)
    emit(logger, "one")
    processor.shutdown()
    assert len(server.items) == 1
    emit(logger, "two")
    assert processor.force_flush(20_000)
    assert len(server.items) == 2


def test_the_exporter_works_with_the_sdks_batches(server):
    exporter = AppInsightsLogExporter(server.connection_string, journal=False)
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    for number in range(3):
        emit(provider.get_logger("n"), f"line {number}")
    provider.force_flush()
    assert exporter.force_flush(20_000)
    assert [item["data"]["baseData"]["message"] for item in server.items] == ["line 0", "line 1", "line 2"]
    provider.shutdown()
    assert exporter.export([]) is LogRecordExportResult.FAILURE


def test_a_shared_channel_stays_open(server, channel):
    exporter = AppInsightsLogExporter(channel=channel)
    exporter.shutdown()
    assert AppInsightsLogExporter(channel=channel).export([record_of("x")]) is LogRecordExportResult.SUCCESS
    assert channel.flush(20.0)
    assert len(server.items) == 1


def test_a_channel_and_options_for_another_are_refused(channel):
    with pytest.raises(TypeError) as caught:
        AppInsightsLogExporter(channel=channel, journal=False)
    assert str(caught.value) == (
        "AppInsightsLogExporter got a channel, which has a destination and options of its own; leave out: journal."
    )


def test_the_local_application_insights_shows_each_kind():
    """In traces, exceptions, customEvents and availabilityResults, of one operation."""
    tables = ("traces", "exceptions", "customEvents", "availabilityResults")
    now = time_ns()  # what is older than two days is refused
    with InsightsServer(port=0) as insights:
        channel = Channel(insights.connection_string, journal=False)
        tracing = Tracing(channel)
        with tracing.tracer.start_as_current_span("work", kind=SpanKind.SERVER) as span:
            emit(tracing.logger, "sold out", {"tenant": "a"}, SeverityNumber.WARN, now)
            emit(tracing.logger, "failed", attributes_of(raised()), timestamp=now)
            emit(tracing.logger, "x", {"microsoft.custom_event.name": "ordered"}, timestamp=now)
            emit(tracing.logger, "x", AVAILABLE, timestamp=now)
        assert channel.flush(20.0)
        found = {table: insights.wait_for(table, 1, timeout=20)[0] for table in tables}
        channel.close(1.0)
    assert {row["operation_Id"] for row in found.values()} == {f"{span.get_span_context().trace_id:032x}"}
    assert {row["operation_Name"] for row in found.values()} == {"work"}
    assert (found["traces"]["message"], found["traces"]["severityLevel"]) == ("sold out", 2)
    assert found["exceptions"]["type"] == "ValueError"
    assert found["customEvents"]["name"] == "ordered"
    assert (found["availabilityResults"]["name"], found["availabilityResults"]["duration"]) == ("front page", 1500)
