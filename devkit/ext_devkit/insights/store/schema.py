"""The tables and columns as they are now; `migrations` tells how a file gets there.

Names are those of Application Insights (learn.microsoft.com, "Azure Monitor Logs reference", tables `App*`, in their
classic spelling), so that what is learnt here can be used there.
"""

from __future__ import annotations

COMMON = (
    "timestamp",
    "operation_Id",
    "operation_ParentId",
    "operation_Name",
    "operation_SyntheticSource",
    "cloud_RoleName",
    "cloud_RoleInstance",
    "application_Version",
    "sdkVersion",
    "user_Id",
    "user_AuthenticatedId",
    "user_AccountId",
    "session_Id",
    "client_Type",
    "client_Model",
    "client_OS",
    "client_IP",
    "client_City",
    "client_StateOrProvince",
    "client_CountryOrRegion",
    "client_Browser",
    "iKey",
    "itemCount",
    "customDimensions",
    "customMeasurements",
)
"""Columns of every table: `timestamp` is UTC text with microseconds and `Z`, `itemCount` is `100 / sampleRate`."""

OWN = {
    "requests": ("id", "name", "duration", "success", "resultCode", "url", "source"),
    "dependencies": ("id", "name", "duration", "success", "resultCode", "type", "target", "data"),
    "traces": ("message", "severityLevel"),
    "exceptions": (
        "problemId",
        "severityLevel",
        "type",
        "message",
        "assembly",
        "method",
        "outerType",
        "outerMessage",
        "outerAssembly",
        "outerMethod",
        "innermostType",
        "innermostMessage",
        "innermostAssembly",
        "innermostMethod",
        "details",
    ),
    "customEvents": ("name",),
    "customMetrics": (
        "name",
        "value",
        "valueCount",
        "valueSum",
        "valueMin",
        "valueMax",
        "valueStdDev",
        "namespace",
        "origin",
    ),
    "pageViews": ("id", "name", "duration", "url", "referrerUri"),
    "availabilityResults": ("id", "name", "duration", "success", "location", "message"),
}
"""Columns of each table besides the common ones: `duration` is milliseconds, `success` 0 or 1, `severityLevel` 0 to 4.

`origin` of a metric is `application`, `standard` (an SDK counted requests or dependencies for the portal), `statistics`
(an SDK counted its own work) or `resource` (it only carries resource attributes)."""

COLUMNS = {table: COMMON + own for table, own in OWN.items()}
"""Columns that a row brings, in the order of a row. `itemId` and `itemType` are the file's own."""

TABLES = tuple(OWN)
"""The eight tables, in the order of Application Insights' own documentation."""

JSON_COLUMNS = frozenset({"customDimensions", "customMeasurements", "details"})
"""Columns that hold JSON text."""

INSERTS = {
    table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    for table, columns in COLUMNS.items()
}
"""The statement that stores a row of each table."""
