"""Which values a search can be narrowed by, and how many items have each.

They are counted while items are indexed, as to count them in a million items for each page would take long. So they are
those of all time, and what was stored a moment ago may not be among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ext_devkit.insights.store.reader import Reader

MOST = 50
FIELDS = {"roles": "cloud_RoleName", "names": "name", "resultCodes": "resultCode"}


def facets(reader: Reader) -> dict[str, Any]:
    """Return for each of `FIELDS` the `MOST` values that most items have."""
    sql = "SELECT value, count FROM _values WHERE field = ? ORDER BY count DESC, value LIMIT ?"
    return {name: reader.query(sql, (field, MOST)) for name, field in FIELDS.items()}
