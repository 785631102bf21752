"""One log line per invocation, and the Server-Timing header."""

from __future__ import annotations

import logging
import re
from threading import Event
from time import thread_time
from types import SimpleNamespace

import azure.functions as func
import pytest
from azurefunctions.extensions.http.fastapi import PlainTextResponse

from ext_sdk import AppExtension, SettingsError, extensions
from ext_timing import TimingExtension, phase
from tests.support.lifecycle import invoke


def test_an_invocation_is_one_line(line):
    invoke(lambda: None)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms")


def test_a_failure_is_one_line_with_the_error(line):
    with pytest.raises(ZeroDivisionError):
        invoke(lambda: 1 / 0)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms and raised ZeroDivisionError")


def test_a_cold_start_is_named(monkeypatch, line):
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", iter([0]))
    monkeypatch.setattr("ext_timing.cold._marks", {"began": 0, "imported": 5_000_000})
    response = invoke(lambda: func.HttpResponse("ok"))
    assert line() == (
        "INFO",
        "HttpTrigger took N ms, CPU N ms (cold start: import N ms, configure N ms, extensions N ms)",
    )
    assert re.fullmatch(r"function;dur=\d+\.\d{3}, coldstart;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_a_slow_function_is_a_warning(line):
    TimingExtension.configure(slow_ms=0.0)
    invoke(lambda: None)
    assert line() == ("WARNING", "HttpTrigger took N ms, CPU N ms (slow: N ms or more)")


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


def test_an_async_function_is_timed_too(line):
    async def function():
        return func.HttpResponse("ok")

    assert "Server-Timing" in invoke(function).headers
    assert line() == ("INFO", "HttpTrigger took N ms")


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


def test_a_response_that_invocations_return_at_the_same_time_has_one_time_only():
    """Whichever of them wrote last, the next one takes its times away."""
    headers = {"Server-Timing": "function;dur=5, mine;dur=7.125"}
    response = SimpleNamespace(headers=headers)

    def function():
        with phase("db"):
            return response

    invoke(function)
    written_last = headers["Server-Timing"]
    invoke(lambda: response)
    headers["Server-Timing"] = written_last
    invoke(lambda: response)
    assert re.fullmatch(r"function;dur=5, mine;dur=7\.125, function;dur=\d+\.\d{3}", headers["Server-Timing"])


def test_an_invocation_that_another_extension_answers_is_one_line_too(line):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond(func.HttpResponse("no", status_code=401))
            return
            yield

    response = invoke(lambda: func.HttpResponse("ok"))

    assert response.status_code == 401
    assert line() == ("INFO", "HttpTrigger was not called: an extension answered")
    assert response.headers["Server-Timing"] == "function;dur=0.000"


def test_an_exception_of_another_extension_before_the_function_is_a_failure(line):
    class Ends(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            raise SystemExit
            yield

    with pytest.raises(SystemExit):
        invoke(lambda: None)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms and raised SystemExit")


def test_a_coroutine_function_has_no_cpu_time(line):
    """Its thread works for others too while it waits."""

    async def function():
        pass

    invoke(function)
    assert line() == ("INFO", "HttpTrigger took N ms")


def test_cpu_time_is_what_the_functions_thread_worked(caplog):
    def works():
        until = thread_time() + 0.02
        while thread_time() < until:
            pass

    def waits():
        Event().wait(0.05)

    for function in (works, waits):
        invoke(function)
    worked, waited = (record.custom_dimensions["cpu_ms"] for record in caplog.records)
    assert worked >= 20
    assert waited < 20


def test_only_slow_invocations_have_a_line_if_so_set(line):
    TimingExtension.configure(log="slow", slow_ms=10)
    invoke(lambda: None)
    invoke(lambda: Event().wait(0.02))
    assert line() == ("WARNING", "HttpTrigger took N ms, CPU N ms (slow: N ms or more)")


def test_no_invocation_has_a_line_if_so_set(caplog):
    TimingExtension.configure(log="off", slow_ms=0)
    response = invoke(lambda: func.HttpResponse("ok"))
    assert not caplog.records
    assert "Server-Timing" in response.headers


def test_a_wrong_choice_of_lines_is_refused_with_what_is_allowed():
    with pytest.raises(SettingsError) as caught:
        TimingExtension.configure(log="some")
    assert str(caught.value) == "TimingExtension: setting 'log' is 'some'. Allowed: 'all' or 'slow' or 'off'."


def test_the_times_are_dimensions_too(caplog):
    invoke(lambda: None)
    (record,) = caplog.records
    assert sorted(record.custom_dimensions) == ["cpu_ms", "duration_ms"]
    assert record.custom_dimensions["duration_ms"] == pytest.approx(record.args[1], abs=0.001)


def test_a_level_that_nobody_reads_makes_no_record(caplog):
    caplog.set_level(logging.WARNING, "Function.HttpTrigger")
    invoke(lambda: None)
    assert not caplog.records


def test_a_response_of_fastapi_has_the_header():
    response = invoke(lambda: PlainTextResponse("ok"))
    assert re.fullmatch(r"function;dur=\d+\.\d{3}", response.headers["Server-Timing"])


def test_a_result_with_headers_that_are_none_stays_what_it_is():
    result = SimpleNamespace(headers=None)
    assert vars(invoke(lambda: result)) == {"headers": None}


def test_a_response_that_takes_no_attribute_has_the_header():
    class Slotted:
        __slots__ = ("headers",)

        def __init__(self):
            self.headers = {}

    assert "Server-Timing" in invoke(Slotted).headers
    assert extensions()[0].failures == {}
