"""FunctionTimer: the same for one function."""

from __future__ import annotations

import re
import subprocess
import sys

import azure.functions as func
import pytest

from ext_sdk import AppExtension, extensions, registry
from ext_timing import FunctionTimer, TimingExtension, phase
from tests.support.lifecycle import invoke


def test_it_times_the_function_of_its_file(alone, line, tmp_path):
    FunctionTimer(str(tmp_path / "HttpTrigger" / "__init__.py"))
    invoke(lambda: None, name="Other")
    invoke(lambda: None)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms")


def test_it_times_the_function_that_it_names(alone, line):
    FunctionTimer(function="HttpTrigger", slow_ms=0)
    invoke(lambda: None)
    assert line() == ("WARNING", "HttpTrigger took N ms, CPU N ms (slow: N ms or more)")


def test_it_times_the_function_that_it_decorates(alone, line):
    timer = FunctionTimer()

    @timer
    def function():
        with phase("db"):
            return func.HttpResponse("ok")

    response = invoke(function)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms: db N ms")
    assert re.fullmatch(r"function;dur=[\d.]+, db;dur=[\d.]+", response.headers["Server-Timing"])


def test_each_tells_the_percentiles_of_its_function(alone):
    FunctionTimer(function="HttpTrigger")
    invoke(lambda: None)
    (status,) = extensions()
    assert (status.name, status.function) == ("FunctionTimer", "HttpTrigger")
    assert status.facts["functions"]["HttpTrigger"]["count"] == 1


def test_beside_the_extension_there_is_one_line_and_it_is_the_timers(line):
    TimingExtension.configure(slow_ms=0)
    FunctionTimer(function="HttpTrigger", slow_ms=60_000)
    response = invoke(lambda: func.HttpResponse("ok"))
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms")
    assert response.headers["Server-Timing"].count("function;dur") == 1


def test_beside_the_extension_both_count(monkeypatch):
    FunctionTimer(function="HttpTrigger")
    invoke(lambda: None)
    assert [one.facts["functions"]["HttpTrigger"]["count"] for one in extensions()] == [1, 1]


def test_where_the_extension_is_suspended_each_invocation_has_the_timers_line_with_its_phases(monkeypatch, caplog):
    monkeypatch.setattr(TimingExtension, "_statistics", None)
    FunctionTimer(function="HttpTrigger")

    def function(context):
        with context.app_ext_attributes["timing"].phase("db"), phase("connect"):
            pass

    for _ in range(9):
        invoke(function)
    lines = [
        re.sub(r"[\d.]+ ms", "N ms", one.getMessage()) for one in caplog.records if hasattr(one, "custom_dimensions")
    ]
    assert "TimingExtension" in caplog.text
    assert lines == ["HttpTrigger took N ms, CPU N ms: db N ms, db.connect N ms"] * 9


def test_where_an_extension_answers_before_it_the_line_is_the_extensions(line):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no")
            return
            yield

    FunctionTimer(function="HttpTrigger")
    invoke(lambda: None)
    assert line() == ("INFO", "HttpTrigger was not called: an extension answered")


def test_its_import_does_not_time_the_whole_app():
    program = "from ext_timing import FunctionTimer, phase\nfrom ext_sdk import extensions\nassert extensions() == []"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def test_what_the_package_has_not_is_an_error_as_usual():
    program = "import ext_timing\nassert not hasattr(ext_timing, 'Other')\ntry:\n    ext_timing.Other\nexcept AttributeError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=50, capture_output=True, text=True)
    assert done.stdout == "module 'ext_timing' has no attribute 'Other'\n"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"slow_ms": "1s"}, "FunctionTimer: slow_ms is '1s'. Allowed: a number or None."),
        ({"slow_ms": True}, "FunctionTimer: slow_ms is True. Allowed: a number or None."),
        ({"slow_ms": float("nan")}, "FunctionTimer: slow_ms is nan. Allowed: a number or None."),
        ({"server_timing": "yes"}, "FunctionTimer: server_timing is 'yes'. Allowed: True or False."),
        ({"metrics": None}, "FunctionTimer: metrics is None. Allowed: True or False."),
        ({"log": "none"}, "FunctionTimer: log is 'none'. Allowed: 'all' or 'slow' or 'off'."),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_is_timed(alone, setting, said):
    with pytest.raises(ValueError, match="FunctionTimer") as caught:
        FunctionTimer(function="HttpTrigger", **setting)
    assert str(caught.value) == said
    assert registry.active() == []
