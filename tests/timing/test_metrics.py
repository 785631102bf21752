"""The metrics of OpenTelemetry's semantic conventions for functions, recorded with its SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from ext_sdk import AppExtension
from ext_sdk.function import Trigger
from ext_timing import TimingExtension, metrics
from tests.support.lifecycle import invoke


@pytest.fixture
def recorded(monkeypatch):
    """Return what was recorded: metric -> (its unit, attributes, value or count)."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(api, "get_meter_provider", lambda: provider)
    monkeypatch.setattr(api, "get_meter", provider.get_meter)
    monkeypatch.setattr(metrics, "_instruments", None)
    monkeypatch.setattr(metrics, "_attributes", {})

    def all_of_them():
        data = reader.get_metrics_data()
        found = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for one in scope.metrics:
                    for point in one.data.data_points:
                        value = getattr(point, "count", None) or point.value
                        found.setdefault(one.name, []).append((one.unit, dict(point.attributes), value))
        return found

    yield all_of_them
    provider.shutdown()


def test_a_call_is_counted_and_timed(recorded):
    for _ in range(3):
        invoke(lambda: None)
    http = {"faas.name": "HttpTrigger", "faas.trigger": "http"}
    assert recorded() == {
        "faas.invocations": [("{invocation}", http, 3)],
        "faas.invoke_duration": [("s", http, 3)],
    }


def test_a_failure_is_an_error_and_no_invocation(recorded):
    """`faas.invocations` is the number of successful ones."""
    with pytest.raises(ZeroDivisionError):
        invoke(lambda: 1 / 0)
    assert sorted(recorded()) == ["faas.errors", "faas.invoke_duration"]


def test_a_cold_start_is_counted_with_what_it_took(recorded, monkeypatch):
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", iter([0, 1]))
    invoke(lambda: None)
    invoke(lambda: None)
    found = recorded()
    assert [found[name][0][2] for name in ("faas.coldstarts", "faas.init_duration", "faas.invocations")] == [1, 1, 2]


def test_a_call_that_an_extension_answered_has_no_duration(recorded):
    class Gate(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.respond("no")
            return
            yield

    invoke(lambda: None)
    assert list(recorded()) == ["faas.invocations"]


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ("httpTrigger", "http"), ("timerTrigger", "timer"), ("queueTrigger", "pubsub"), ("blobTrigger", "datasource"),
        ("activityTrigger", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_the_trigger_is_named_as_the_conventions_have_it(recorded, trigger, told):
    invoke(lambda: None, trigger=Trigger("it", trigger, {}))
    assert recorded()["faas.invocations"][0][1]["faas.trigger"] == told


def test_buckets_are_seconds(recorded):
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    histogram = metrics._histogram(provider.get_meter("x"), "faas.invoke_duration", "")
    histogram.record(0.003)
    (point,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert point.explicit_bounds[:2] == (0.005, 0.01)
    provider.shutdown()


def test_they_can_be_switched_off(recorded):
    TimingExtension.configure(metrics=False)
    invoke(lambda: None)
    assert recorded() == {}


def test_another_provider_has_instruments_of_its_own(recorded, monkeypatch):
    invoke(lambda: None)
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(api, "get_meter_provider", lambda: provider)
    monkeypatch.setattr(api, "get_meter", provider.get_meter)
    invoke(lambda: None)
    assert recorded()["faas.invocations"][0][2] == 1
    assert reader.get_metrics_data() is not None
    provider.shutdown()


def test_without_opentelemetry_the_line_and_the_header_are_the_same():
    program = """
import logging, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import azure.functions as func
from ext_timing import TimingExtension
from tests.support.lifecycle import invoke
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
print(invoke(lambda: func.HttpResponse("ok")).headers["Server-Timing"])
assert "opentelemetry" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=50, capture_output=True, text=True)
    line, header = done.stdout.splitlines()
    assert line.startswith("HttpTrigger took ")
    assert header.startswith("function;dur=")
    assert done.stderr == ""
