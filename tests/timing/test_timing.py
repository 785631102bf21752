"""One log line per invocation, and the Server-Timing header."""

from __future__ import annotations

import logging
import re

import azure.functions as func
import pytest

from ext_sdk import AppExtension, SettingsError, registry
from ext_timing import TimingExtension
from tests.support.lifecycle import invoke


@pytest.fixture(autouse=True)
def active(caplog, monkeypatch):
    """The extension with its defaults, on a warm process, and nothing else."""
    caplog.set_level(logging.INFO, "Function.HttpTrigger")
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", iter(range(1, 100)))
    mine = registry.registration_of(TimingExtension)
    registry._registrations.clear()
    registry._registrations[registry.identity(TimingExtension)] = mine
    TimingExtension.configure()


def line(caplog):
    (record,) = caplog.records
    return record.levelname, re.sub(r"[\d.]+ ms", "N ms", record.getMessage())


def test_an_invocation_is_one_line(caplog):
    invoke(lambda: None)
    assert line(caplog) == ("INFO", "HttpTrigger took N ms, CPU N ms")


def test_a_failure_is_one_line_with_the_error(caplog):
    with pytest.raises(ZeroDivisionError):
        invoke(lambda: 1 / 0)
    assert line(caplog) == ("INFO", "HttpTrigger took N ms, CPU N ms and raised ZeroDivisionError")


def test_a_cold_start_is_named(caplog, monkeypatch):
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", iter([0]))
    response = invoke(lambda: func.HttpResponse("ok"))
    assert line(caplog) == ("INFO", "HttpTrigger took N ms, CPU N ms (cold start: import N ms, configure N ms, extensions N ms)")
    assert re.fullmatch(r"function;dur=\d+\.\d{3}, coldstart;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_a_slow_function_is_a_warning(caplog):
    TimingExtension.configure(slow_ms=0.0)
    invoke(lambda: None)
    assert line(caplog) == ("WARNING", "HttpTrigger took N ms, CPU N ms (slow: N ms or more)")


def test_an_http_response_gets_the_header():
    response = invoke(lambda: func.HttpResponse("ok"))
    assert re.fullmatch(r"function;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_a_header_of_the_functions_own_is_kept():
    response = invoke(lambda: func.HttpResponse("ok", headers={"Server-Timing": "db;dur=5"}))
    assert re.fullmatch(r"db;dur=5, function;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_a_plain_text_result_stays_what_it_is():
    assert invoke(lambda: "ok") == "ok"


def test_the_header_can_be_switched_off():
    TimingExtension.configure(server_timing=False)
    assert "Server-Timing" not in invoke(lambda: func.HttpResponse("ok")).headers


def test_an_app_setting_does_what_configure_does(monkeypatch):
    monkeypatch.setenv("EXT_TIMING_SERVER_TIMING", "false")
    TimingExtension.configure()
    assert "Server-Timing" not in invoke(lambda: func.HttpResponse("ok")).headers


def test_an_async_function_is_timed_too(caplog):
    async def function():
        return func.HttpResponse("ok")

    assert "Server-Timing" in invoke(function).headers
    assert line(caplog) == ("INFO", "HttpTrigger took N ms")


def test_a_wrong_setting_is_refused_with_what_is_allowed():
    with pytest.raises(SettingsError) as caught:
        TimingExtension.configure(slow_ms="slow")
    assert str(caught.value) == "TimingExtension: setting 'slow_ms' is 'slow'. Allowed: a number or None."


def test_a_response_that_a_function_returns_again_has_one_time_only():
    """Such as a constant of the module."""
    response = func.HttpResponse("no", status_code=404, headers={"Server-Timing": "db;dur=5"})
    for _ in range(3):
        invoke(lambda: response)
    assert re.fullmatch(r"db;dur=5, function;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_an_invocation_that_another_extension_answers_is_one_line_too(caplog):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond(func.HttpResponse("no", status_code=401))
            return
            yield

    response = invoke(lambda: func.HttpResponse("ok"))

    assert response.status_code == 401
    assert line(caplog) == ("INFO", "HttpTrigger was not called: an extension answered")
    assert response.headers["Server-Timing"] == "function;dur=0.000"


def test_an_exception_of_another_extension_before_the_function_is_a_failure(caplog):
    class Ends(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise SystemExit
            yield

    with pytest.raises(SystemExit):
        invoke(lambda: None)
    assert line(caplog) == ("INFO", "HttpTrigger took N ms, CPU N ms and raised SystemExit")
