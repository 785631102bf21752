"""What this server is, what it has, and what its tables look like."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.api.resource import INTEGER, TEXT, TEXT_OR_NULL, Resource, array, listing
from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from ext_devkit.insights.store.reader import Reader


def about(reader: Reader) -> dict[str, Any]:
    """Answer what this server is and what it has."""
    # Each by itself is one look into the index, both in one SELECT would be a look at all items.
    first, last = "(SELECT min(timestamp) FROM {0}) AS first", "(SELECT max(timestamp) FROM {0}) AS last"
    ends = [reader.query(f"SELECT {first}, {last}".format(table))[0] for table in TABLES]
    return {
        "name": "azfunc-ext local Application Insights",
        "version": version("azfunc-ext-devkit"),
        "database": str(reader.path.absolute()),
        "bytes": _size(reader.path),
        "items": reader.counts(),
        "oldest": min((end["first"] for end in ends if end["first"]), default=None),
        "newest": max((end["last"] for end in ends if end["last"]), default=None),
    }


def _size(path: Path) -> int:
    """Return the bytes of a database with its write-ahead log, in which all may stand that came last."""
    log = path.with_name(f"{path.name}-wal")
    try:
        return path.stat().st_size + log.stat().st_size
    except FileNotFoundError:
        # Who closes the database last removes the log.
        return path.stat().st_size


def schema(reader: Reader) -> dict[str, Any]:
    """Answer the tables and their columns, as a query can name them."""
    return {
        "tables": {
            table: [
                {"name": column["name"], "type": column["type"] or "TEXT"}
                for column in reader.query("SELECT name, type FROM pragma_table_xinfo(?)", (table,))
            ]
            for table in TABLES
        }
    }


RESOURCES = (
    Resource(
        "/api/about",
        "What this server is, and how many items of each type it has.",
        about,
        returns=listing(
            name=TEXT,
            version=TEXT,
            database=TEXT,
            bytes=INTEGER,
            items={"type": "object", "additionalProperties": INTEGER},
            oldest=TEXT_OR_NULL,
            newest=TEXT_OR_NULL,
            connectionString=TEXT,
        ),
    ),
    Resource(
        "/api/schema",
        "The tables and their columns.",
        schema,
        returns=listing(
            tables={"type": "object", "additionalProperties": array(listing(name=TEXT, type=TEXT))},
        ),
    ),
)
