"""Our metric items are those of Microsoft's exporter, but for the differences in this file, each with its reason."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import NumberDataPoint
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from ext_opentelemetry.as_metric import NAMESPACE_OPT_IN, MetricMapper
from tests.support.signals import RESOURCE, Metrics, points_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from azure.monitor.opentelemetry.exporter.export.metrics._exporter import (
        AzureMonitorMetricExporter,
        _convert_point_to_envelope,
    )

KINDS = ("counter", "up_down_counter", "observable_gauge", "histogram", "exponential")
LEFT_OUT_TAGS = {"ai.device.id", "ai.device.locale", "ai.device.type", "ai.device.osVersion", "ai.internal.sdkVersion"}
"""The device is the one that the end user holds, and a server does not know it; the SDK version is each one's own."""


def kind(theirs, source):
    theirs["point"]["kind"] = 1


def exponential(theirs, source):
    point = source.point
    if hasattr(point, "scale"):
        theirs["point"] |= {"value": point.sum, "count": point.count, "min": point.min, "max": point.max}


def as_json_text(theirs, source):
    theirs["properties"] = {
        key[:150]: (value if isinstance(value, str) else json_of(value))[:8192]
        for key, value in source.point.attributes.items()
        if key
    }


def limits_of_tags(theirs, source):
    theirs["tags"] = {key: value[:256] for key, value in theirs["tags"].items()}


def one_hundred(theirs, source):
    theirs["sampleRate"] = 100.0


DEVIATIONS = {
    kind: "DataPoint.bond has a count only for aggregations, and says so with kind 1",
    exponential: "an exponential histogram is a histogram: theirs is sent as 0, counted once",
    as_json_text: "dimensions that are no text are JSON, no Python repr; a long key is cut, its value is not lost",
    limits_of_tags: "tags have limits too",
    one_hundred: "sampleRate is on every item",
}
"""What changes theirs into ours -> the reason."""


class Source:
    """One data point, and where it comes from."""

    def __init__(self, name, point, resource, scope) -> None:
        self.name, self.point, self.resource, self.scope = name, point, resource, scope

    def theirs(self):
        item = _convert_point_to_envelope(self.point, self.name, self.resource, self.scope)
        return flat({**item.as_dict(), "tags": {getattr(k, "value", k): v for k, v in item.tags.items()}})

    def expected(self, left_out=()):
        found = self.theirs()
        for deviate in DEVIATIONS:
            if deviate not in left_out:
                deviate(found, self)
        return found


def json_of(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def flat(item):
    data = item["data"]["baseData"]
    assert item["data"]["baseType"] == "MetricData"
    (point,) = data["metrics"]
    return {
        "name": item["name"],
        "moment": datetime.fromisoformat(item["time"].replace("Z", "+00:00")),
        "sampleRate": item.get("sampleRate"),
        "tags": {key: value for key, value in item["tags"].items() if key not in LEFT_OUT_TAGS and value},
        "properties": data.get("properties") or {},
        "point": {key: value for key, value in point.items() if value is not None},
    }


def measured(of, name, value, attributes, resource=RESOURCE):
    views = [View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())]
    metrics = Metrics(resource, views if of == "exponential" else ())
    if of == "observable_gauge":
        from opentelemetry.metrics import Observation

        metrics.meter.create_observable_gauge(name, [lambda _: [Observation(value, attributes)]])
    elif of in ("histogram", "exponential"):
        histogram = metrics.meter.create_histogram(name)
        for one in (abs(value), abs(value) / 2):
            histogram.record(one, attributes)
    else:
        getattr(metrics.meter, f"create_{of}")(name).add(abs(value) if of == "counter" else value, attributes)
    return in_whole_microseconds(metrics.collect())


def in_whole_microseconds(collected):
    """Theirs go through a float, which has no more digits: what is below would be rounded now up, now down."""
    for of_scope in collected.resource_metrics[0].scope_metrics:
        for metric in of_scope.metrics:
            points = metric.data.data_points
            points[:] = [replace(one, time_unix_nano=one.time_unix_nano // 1000 * 1000) for one in points]
    return collected


texts = st.text(max_size=30) | st.sampled_from(["v" * 8191, "v" * 8192, "v" * 8193, "ü" * 8193, "🎉"])
keys = st.text(min_size=1, max_size=20) | st.sampled_from(
    ["k" * 149, "k" * 150, "j" * 151, "http.route", "server.port", "user_agent.original"]
)
values = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
attributes = st.dictionaries(keys, values | st.lists(texts, max_size=3).map(tuple), max_size=4)
names = st.from_regex(r"[A-Za-z][-_./A-Za-z0-9]{0,250}", fullmatch=True)
numbers = st.integers(-(10**15), 10**15) | st.floats(-1e300, 1e300)


@settings(max_examples=300, deadline=None)
@given(of=st.sampled_from(KINDS), name=names, value=numbers, attributes=attributes)
def test_our_item_is_theirs_but_for_named_differences(of, name, value, attributes):
    """Every field, of every kind of instrument."""
    compare(measured(of, name, value, attributes))


def compare(collected):
    sources = [Source(*found) for found in points_of(collected)]
    ours = [flat(item) for item in MetricMapper(None).envelopes(collected)]
    assert ours == [source.expected() for source in sources]


@pytest.mark.parametrize(
    "resource",
    [
        Resource({"service.name": "s", "service.version": "1.2", "service.instance.id": "i"}),
        Resource({"service.name": "unknown_service", "k8s.deployment.name": "d", "k8s.pod.name": "p"}),
        Resource({"service.name": "s", "service.instance.id": "i" * 300}),
    ],
)
def test_so_is_its_origin(resource):
    """The tags that a resource becomes."""
    compare(measured("counter", "orders", 1, {}, resource))


@pytest.mark.parametrize("setting", ["true", "TRUE", "false", ""])
def test_so_is_its_namespace(monkeypatch, setting):
    """Opted in by the same variable."""
    monkeypatch.setenv(NAMESPACE_OPT_IN, setting)
    compare(measured("counter", "orders", 1, {}))


EXAMPLES = {
    kind: lambda: measured("counter", "orders", 1, {}),
    exponential: lambda: measured("exponential", "orders", 2, {}),
    as_json_text: lambda: measured("counter", "orders", 1, {"flag": True, "k" * 151: "v"}),
    limits_of_tags: lambda: measured("counter", "c", 1, {}, Resource({"service.name": "s" * 300})),
    one_hundred: lambda: measured("counter", "orders", 1, {}),
}


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_no_deviation_outlives_its_case(deviation):
    """Each is needed: without it there is a difference."""
    collected = EXAMPLES[deviation]()
    (source,) = [Source(*found) for found in points_of(collected)]
    (item,) = MetricMapper(None).envelopes(collected)
    assert flat(item) == source.expected()
    assert flat(item) != source.expected(left_out={deviation})
    assert DEVIATIONS[deviation]


@pytest.mark.parametrize("name", ["http.server.request.duration", "http.client.duration"])
def test_http_metrics_are_metrics_as_all_others(name):
    """Theirs take the place of the service's own counting of requests, and mark each span as counted; ours do not.

    The service makes its standard metrics of requests and dependencies; sent as well they would count twice.
    """
    collected = measured("histogram", name, 2, {"http.response.status_code": 200, "tenant": "a"})
    ((_, point, resource, scope),) = points_of(collected)
    theirs = AzureMonitorMetricExporter._point_to_envelope(Exporter(), point, name, resource, scope)
    assert theirs.data.base_data.properties["_MS.IsAutocollected"] == "True"
    (ours,) = MetricMapper(None).envelopes(collected)
    assert ours["data"]["baseData"]["properties"] == {"http.response.status_code": "200", "tenant": "a"}


class Exporter:
    """As much of theirs as converts, without what it starts."""

    _metrics_to_log_analytics = True
    _is_sdkstats = _is_customer_sdkstats = False
    _instrumentation_key = "key"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_not_sent(value):
    """Theirs is, as a word that is no JSON."""
    collected = measured("counter", "orders", 1, {})
    (metric,) = collected.resource_metrics[0].scope_metrics[0].metrics
    metric.data.data_points[:] = [NumberDataPoint({}, 0, 1, value)]
    ((name, point, resource, scope),) = points_of(collected)
    assert not math.isfinite(_convert_point_to_envelope(point, name, resource, scope).data.base_data.metrics[0].value)
    assert list(MetricMapper(None).envelopes(collected)) == []
