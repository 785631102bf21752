"""The item types: which fields they have, which are required, where they are stored.

Sources: EndpointSpecs/Schemas/Bond in microsoft/ApplicationInsights-Home and the generated models of
azure-monitor-opentelemetry-exporter (`_generated/exporter/models/_models.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.ingest import nested
from ext_devkit.insights.ingest.fields import boolean, duration, filled, severity, text
from ext_devkit.insights.ingest.maps import measurements, properties
from ext_devkit.insights.ingest.rejection import missing
from ext_devkit.insights.store.schema import COLUMNS, COMMON

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_devkit.insights.ingest.fields import Read

PROPERTIES = COMMON.index("customDimensions")
MEASUREMENTS = COMMON.index("customMeasurements")


class Field(NamedTuple):
    """One field of the wire: its name, the column, how it is read, and what is stored without it."""

    name: str
    column: str
    read: Read
    expected: str | None = None
    """Type that an error names if the field is required; None if it is optional."""
    default: Any = None


class Kind:
    """One item type: `table` is where it goes, `put` writes the base data into a row."""

    def __init__(
        self,
        base_type: str,
        table: str,
        *fields: Field,
        special: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self.table = table
        self.columns = COLUMNS[table]
        self.fields = fields
        self._owner = base_type
        # Plain tuples: this loop is most of what an item costs.
        self._fields = [
            (field.name, self.columns.index(field.column), field.read, field.expected, field.default)
            for field in fields
        ]
        self._special = special

    def put(self, row: list[Any], data: dict[str, Any]) -> None:
        """Write the fields of `baseData` into a row; raise RejectedError for what is missing or wrong."""
        owner, get = self._owner, data.get
        for name, slot, read, expected, default in self._fields:
            value = get(name)
            if value is not None:
                row[slot] = read(value, name, owner)
            elif expected is not None:
                raise missing(name, owner, expected)
            elif default is not None:
                row[slot] = default
        row[PROPERTIES] = properties(data.get("properties"), self._owner)
        row[MEASUREMENTS] = measurements(data.get("measurements"), self._owner)
        if self._special is not None:
            for column, value in self._special(data).items():
                row[self.columns.index(column)] = value


KINDS = {
    "RequestData": Kind(
        "RequestData",
        "requests",
        Field("id", "id", filled(512), "string"),
        Field("duration", "duration", duration, "string"),
        Field("responseCode", "resultCode", filled(1024), "string"),
        Field("success", "success", boolean, "boolean"),
        Field("name", "name", text(1024)),
        Field("source", "source", text(1024)),
        Field("url", "url", text(2048)),
    ),
    "RemoteDependencyData": Kind(
        "RemoteDependencyData",
        "dependencies",
        # Empty where a span has no name, as messages and names of events can be: Python's exporters send them so.
        Field("name", "name", text(1024), "string"),
        Field("duration", "duration", duration, "string"),
        Field("id", "id", text(512)),
        Field("resultCode", "resultCode", text(1024)),
        Field("success", "success", boolean, default=True),
        Field("type", "type", text(1024)),
        Field("target", "target", text(1024)),
        Field("data", "data", text(8192)),
    ),
    "MessageData": Kind(
        "MessageData",
        "traces",
        Field("message", "message", text(32768), "string"),
        Field("severityLevel", "severityLevel", severity),
    ),
    "ExceptionData": Kind(
        "ExceptionData",
        "exceptions",
        Field("severityLevel", "severityLevel", severity),
        special=nested.exceptions,
    ),
    "EventData": Kind("EventData", "customEvents", Field("name", "name", text(512), "string")),
    "MetricData": Kind("MetricData", "customMetrics", special=nested.metric),
    "PageViewData": Kind(
        "PageViewData",
        "pageViews",
        Field("id", "id", filled(512), "string"),
        Field("name", "name", filled(512), "string"),
        Field("duration", "duration", duration),
        Field("url", "url", text(2048)),
        # The generated Python model misspells the field; what is spelt right wins.
        Field("referredUri", "referrerUri", text(2048)),
        Field("referrerUri", "referrerUri", text(2048)),
    ),
    "AvailabilityData": Kind(
        "AvailabilityData",
        "availabilityResults",
        Field("id", "id", filled(512), "string"),
        Field("name", "name", filled(1024), "string"),
        Field("duration", "duration", duration, "string"),
        Field("success", "success", boolean, "boolean"),
        Field("runLocation", "location", text(1024)),
        Field("message", "message", text(8192)),
    ),
}
"""`baseType` -> what to do with its `baseData`."""

EIGHT = tuple(KINDS)
"""What an error names."""

# What the browser SDK sends (applicationinsights-web 3, `PageViewDataType` and `PageViewPerformanceDataType`).
KINDS["PageviewData"] = KINDS["PageViewData"]
KINDS["PageviewPerformanceData"] = Kind("PageviewPerformanceData", "customMetrics", special=nested.page_timings)
