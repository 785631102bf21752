"""The items of `tests.support.many_items` as clients send them: envelopes, a batch in a body."""

from __future__ import annotations

import gzip
import json

from ext_devkit.insights.ingest.maps import TAGS
from ext_devkit.insights.store.schema import COLUMNS

BASE_TYPES = {
    "requests": "RequestData",
    "dependencies": "RemoteDependencyData",
    "traces": "MessageData",
    "exceptions": "ExceptionData",
    "customEvents": "EventData",
    "customMetrics": "MetricData",
    "pageViews": "PageViewData",
    "availabilityResults": "AvailabilityData",
}


def envelope(table, row):
    """Return the envelope from which a server makes this row."""
    values = {name: value for name, value in zip(COLUMNS[table], row, strict=True) if value is not None}
    tags = {tag: values[column] for tag, (column, _limit) in TAGS.items() if column in values}
    data = {"ver": 2, **_data(table, values)}
    if "customDimensions" in values:
        data["properties"] = json.loads(values["customDimensions"])
    return {
        "name": f"Microsoft.ApplicationInsights.{BASE_TYPES[table].removesuffix('Data')}",
        "time": values["timestamp"],
        "iKey": values["iKey"],
        "sampleRate": 100,
        "tags": tags,
        "data": {"baseType": BASE_TYPES[table], "baseData": data},
    }


def array(items):
    """Return a body as Microsoft's exporters send it: a JSON array, as it is."""
    return json.dumps([envelope(*item) for item in items]).encode(), {"Content-Type": "application/json"}


def lines(items):
    """Return a body as the .NET SDKs, Node's and ours send it: an object per line, in gzip."""
    text = "\n".join(json.dumps(envelope(*item)) for item in items)
    return gzip.compress(text.encode(), 6), {"Content-Type": "application/x-json-stream", "Content-Encoding": "gzip"}


def _data(table, values):
    if table == "exceptions":
        chain = [
            {"id": 1, "typeName": one["type"], **{key: value for key, value in one.items() if key != "type"}}
            for one in json.loads(values["details"])
        ]
        return {"exceptions": chain, "severityLevel": values["severityLevel"], "problemId": values["problemId"]}
    if table == "customMetrics":
        names = {"name": "name", "value": "value", "count": "valueCount", "min": "valueMin", "max": "valueMax"}
        return {"metrics": [{wire: values[column] for wire, column in names.items()}]}
    own = {
        name: values[name]
        for name in ("id", "name", "success", "url", "type", "target", "data", "message", "severityLevel")
        if name in values
    }
    if "success" in own:
        own["success"] = bool(own["success"])
    if "duration" in values:
        own["duration"] = _duration(values["duration"])
    if "resultCode" in values:
        own["responseCode" if table == "requests" else "resultCode"] = values["resultCode"]
    if "location" in values:
        own["runLocation"] = values["location"]
    return own


def _duration(milliseconds):
    seconds, ticks = divmod(round(milliseconds * 10_000), 10_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ticks:07}"
