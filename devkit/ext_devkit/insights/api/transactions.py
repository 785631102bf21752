"""Operations with all their items, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.api.resource import (
    INTEGER,
    ITEM,
    NUMBER_OR_NULL,
    ROLE,
    TEXT,
    TEXT_OR_NULL,
    WINDOW,
    NotFoundError,
    Resource,
    array,
    listing,
    number,
    text,
)  # fmt: skip
from ext_devkit.insights.transaction import Transaction

if TYPE_CHECKING:
    from ext_devkit.insights.analysis.window import Window
    from ext_devkit.insights.store.reader import Reader


def recent(reader: Reader, *, limit: int, window: Window, role: str | None) -> dict[str, Any]:
    """Answer the operations that started last."""
    found = reader.recent_operations(limit, window.since, window.until, role)
    return {"items": [Transaction.read(reader, operation).summary() for operation in found]}


def transaction(reader: Reader, *, operation_Id: str) -> dict[str, Any]:  # noqa: N803
    """Answer one operation."""
    found = Transaction.read(reader, operation_Id)
    if found.main() is None:
        raise NotFoundError(f"There is no operation '{operation_Id[:64]}'. GET /api/transactions lists the latest.")
    return found.summary() | {"tree": found.items(), "left_out": found.left_out}


SUMMARY = listing(
    operation_Id=TEXT, timestamp=TEXT_OR_NULL, name=TEXT, cloud_RoleName=TEXT_OR_NULL, duration=NUMBER_OR_NULL,
    resultCode=TEXT_OR_NULL, success={"type": "boolean"}, items=INTEGER, failures=INTEGER,
)  # fmt: skip
RESOURCES = (
    Resource(
        "/api/transactions",
        "The operations that started last.",
        recent,
        (number("limit", "how many of them.", 1, 500, default=20), ROLE, *WINDOW),
        listing(items=array(SUMMARY)),
    ),
    Resource(
        "/api/transactions/{operation_Id}",
        "One operation: its items as a tree, from the top, each with its depth.",
        transaction,
        (text("operation_Id", "the operation's id.", in_path=True),),
        SUMMARY
        | {
            "required": [*SUMMARY["required"], "tree", "left_out"],
            "properties": SUMMARY["properties"] | {"tree": array(ITEM), "left_out": INTEGER},
        },
    ),
)
