"""Items: searched, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.analysis.facets import facets
from ext_devkit.insights.api.resource import (
    INTEGER,
    ITEM,
    ROLE,
    TABLE,
    TEXT,
    TEXT_OR_NULL,
    WINDOW,
    NotFoundError,
    Resource,
    array,
    choice,
    listing,
    number,
    one_of,
    text,
    without_empty,
)  # fmt: skip
from ext_devkit.insights.search import Search
from ext_devkit.insights.store.reader import decode
from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader

MOST = 500
HAVING = {
    "name": "the name that items have",
    "operation_Id": "the operation that they are of",
    "operation_Name": "the name of that operation",
    "resultCode": "the result that they had",
    "problemId": "the problem that an exception is one of",
    "type": "the type of a dependency or exception",
    "target": "the target of a dependency",
}
"""Columns that can be asked for by value, besides the role."""


def search(
    reader: Reader,
    *,
    q: str,
    table: list[str],
    success: bool | None,
    severity: int | None,
    role: str | None,
    window: Window,
    limit: int,
    cursor: str | None,
    **having: str | None,
) -> dict[str, Any]:
    """Answer a search."""
    asked = {column: value for column, value in ({"cloud_RoleName": role} | having).items() if value is not None}
    found = Search(q, table, success, severity, asked, window.since, window.until).page(reader, limit, cursor)
    return {"items": [without_empty(row) for row in found["items"]], "next": found["next"]}


def item(reader: Reader, *, table: str, itemId: int) -> dict[str, Any]:  # noqa: N803
    """Answer one item."""
    rows = reader.query(f"SELECT * FROM {table} WHERE itemId = ?", (itemId,))  # noqa: S608
    if not rows:
        raise NotFoundError(f"There is no item {itemId} in {table}. It may have been deleted as too old.")
    return without_empty(decode(rows[0]))


VALUES = array(listing(value=TEXT, count=INTEGER))
RESOURCES = (
    Resource(
        "/api/facets",
        "The values that a search can be narrowed by, of all time, with how many items have each.",
        facets,
        returns=listing(roles=VALUES, names=VALUES, resultCodes=VALUES),
    ),
    Resource(
        "/api/search",
        "Items with some words and facts, newest first, in pages.",
        search,
        (
            text("q", 'words that all have to be there, "a phrase", begin*', default=""),
            TABLE,
            choice("success", "whether calls succeeded.", {"true": True, "false": False}),
            number("severity", "the least severity, 0 (verbose) to 4 (critical).", 0, 4),
            ROLE,
            *(text(column, f"{about}.") for column, about in HAVING.items()),
            *WINDOW,
            number("limit", "how many items a page has.", 1, MOST, default=50),
            text("cursor", "what `next` of the page before has."),
        ),
        listing(items=array(ITEM), next=TEXT_OR_NULL),
    ),
    Resource(
        "/api/items/{table}/{itemId}",
        "One item.",
        item,
        (
            one_of("table", "the item type's table.", TABLES, in_path=True),
            number("itemId", "its number there.", 1, 2**53, in_path=True),
        ),
        ITEM,
    ),
)
