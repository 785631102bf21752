"""How a file gets from nothing, or from an older version, to the present schema.

Each migration is a function that never changes once released; what was applied is recorded in the table `_migrations`.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ext_devkit.insights.store.indexing import create as create_index

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

APPLICATION_ID = 0x41466578
"""Marks a file as ours in SQLite's header ("AFex"), so that somebody else's database is never written to."""


def eight_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of Application Insights and what a transaction is looked up by."""
    common = """
        timestamp TEXT NOT NULL, operation_Id TEXT, operation_ParentId TEXT, operation_Name TEXT,
        operation_SyntheticSource TEXT, cloud_RoleName TEXT, cloud_RoleInstance TEXT, application_Version TEXT,
        sdkVersion TEXT, user_Id TEXT, user_AuthenticatedId TEXT, user_AccountId TEXT, session_Id TEXT,
        client_Type TEXT, client_Model TEXT, client_OS TEXT, client_IP TEXT, client_City TEXT,
        client_StateOrProvince TEXT, client_CountryOrRegion TEXT, client_Browser TEXT, iKey TEXT,
        itemCount INTEGER NOT NULL, customDimensions TEXT, customMeasurements TEXT"""
    tables = {
        "requests": """id TEXT NOT NULL, name TEXT, duration REAL NOT NULL, success INTEGER NOT NULL,
            resultCode TEXT NOT NULL, url TEXT, source TEXT""",
        "dependencies": """id TEXT, name TEXT NOT NULL, duration REAL NOT NULL, success INTEGER NOT NULL,
            resultCode TEXT, type TEXT, target TEXT, data TEXT""",
        "traces": "message TEXT NOT NULL, severityLevel INTEGER",
        "exceptions": """problemId TEXT, severityLevel INTEGER, type TEXT, message TEXT, assembly TEXT, method TEXT,
            outerType TEXT, outerMessage TEXT, outerAssembly TEXT, outerMethod TEXT, innermostType TEXT,
            innermostMessage TEXT, innermostAssembly TEXT, innermostMethod TEXT, details TEXT NOT NULL""",
        "customEvents": "name TEXT NOT NULL",
        "customMetrics": """name TEXT NOT NULL, value REAL NOT NULL, valueCount INTEGER NOT NULL,
            valueSum REAL NOT NULL, valueMin REAL, valueMax REAL, valueStdDev REAL, namespace TEXT,
            origin TEXT NOT NULL""",
        "pageViews": "id TEXT NOT NULL, name TEXT NOT NULL, duration REAL, url TEXT, referrerUri TEXT",
        "availabilityResults": """id TEXT NOT NULL, name TEXT NOT NULL, duration REAL NOT NULL,
            success INTEGER NOT NULL, location TEXT, message TEXT""",
    }
    types = {"dependencies": "dependency"}
    for table, own in tables.items():
        kind = types.get(table, table.removesuffix("s"))
        connection.execute(
            f"""CREATE TABLE {table} (itemId INTEGER PRIMARY KEY,
                itemType TEXT GENERATED ALWAYS AS ('{kind}') VIRTUAL, {common}, {own})"""
        )
        connection.execute(
            f"""CREATE INDEX {table}_by_operation ON {table} (operation_Id, timestamp)
                WHERE operation_Id IS NOT NULL"""
        )


def full_text(connection: sqlite3.Connection) -> None:
    """Create what searches look into; items that are stored already are indexed by the next server."""
    create_index(connection)


def analysis(connection: sqlite3.Connection) -> None:
    """Create the indexes that questions about many items are answered from, without a look at the items."""
    for table, more in {"requests": "resultCode", "dependencies": "type, target"}.items():
        columns = "timestamp, duration, success, itemCount, cloud_RoleName"
        connection.execute(f"CREATE INDEX {table}_by_time ON {table} ({columns}, name, {more})")
        connection.execute(
            f"CREATE INDEX {table}_by_name ON {table} (name, duration, timestamp, success, itemCount, cloud_RoleName)"
        )
    for table in ("traces", "exceptions", "customEvents", "pageViews", "availabilityResults"):
        connection.execute(f"CREATE INDEX {table}_by_time ON {table} (timestamp)")
    connection.execute(
        "CREATE INDEX customMetrics_by_name ON customMetrics "
        "(name, namespace, timestamp, origin, valueSum, valueCount, valueMin, valueMax)"
    )


def metrics_by_time(connection: sqlite3.Connection) -> None:
    """Create the index by which the latest metrics are found, and the oldest ones to be deleted."""
    connection.execute("CREATE INDEX customMetrics_by_time ON customMetrics (timestamp)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (eight_tables, full_text, analysis, metrics_by_time)
"""The migrations in their order; the first has the number 1."""

LATEST = len(MIGRATIONS)
"""The schema that this version writes and reads."""


def applied(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the file has seen, 0 for an empty file."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_migrations'").fetchone()
    if known is None:
        return 0
    (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM _migrations").fetchone()
    return int(number)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, all or nothing; safe beside another process that does the same.

    The connection must be in autocommit mode (`isolation_level=None`).
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        start = applied(connection)
        if start == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("CREATE TABLE _migrations (number INTEGER PRIMARY KEY, name TEXT, applied TEXT)")
        for number, migration in enumerate(MIGRATIONS[start:], start + 1):
            migration(connection)
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            connection.execute("INSERT INTO _migrations VALUES (?, ?, ?)", (number, migration.__name__, now))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
