"""What a track endpoint does with a body: read it, store what is valid, and answer item by item."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_devkit.insights.ingest.document import Unreadable, read_items
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.loose import read_loosely
from ext_devkit.insights.ingest.moment import Window
from ext_devkit.insights.ingest.rejection import UNAVAILABLE, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_devkit.insights.ingest.receiving import Spoil
    from ext_devkit.insights.ingest.rejection import Rejection
    from ext_devkit.insights.store.store import Store
    from ext_devkit.insights.store.writer import Rows

    Read = Callable[[Any, Window], tuple[str, list[Any]]]

OK = 200
PARTIAL = 206


class Answer(NamedTuple):
    """The answer to a track request: HTTP status, and per rejected item its index, status and reason.

    None accepted: the status is that of the first item (ENDPOINT-PROTOCOL.md in microsoft/ApplicationInsights-Home).
    """

    received: int
    rejections: dict[int, Rejection]

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        if not self.rejections:
            return OK
        return PARTIAL if len(self.rejections) < self.received else self.rejections[0][0]

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        errors = [
            {"index": index, "statusCode": status, "message": message}
            for index, (status, message) in self.rejections.items()
        ]
        accepted = max(self.received - len(errors), 0)
        return {"itemsReceived": self.received, "itemsAccepted": accepted, "errors": errors}


def refuse(error: RejectedError) -> Answer:
    """Return the answer to a body as a whole that is not taken; no item was received, index 0 has the reason."""
    return Answer(0, {0: error.rejection})


def track(body: bytes | bytearray, store: Store | None, *, strict: bool = True, spoil: Spoil | None = None) -> Answer:
    """Store the items of a body; return when what is accepted is committed.

    Without a store they are only checked. `strict` takes what Application Insights takes, otherwise whatever can be
    understood is (see `loose`). `spoil` refuses items on purpose, by their index.
    """
    try:
        items = read_items(body)
    except RejectedError as error:
        return refuse(error)
    rows, rejections = _sort(items, read_item if strict else read_loosely, spoil)
    if rows and store is not None and (reason := keep(rows, store)) is not None:
        rejections |= dict.fromkeys(range(len(items)), (UNAVAILABLE, reason)) | rejections
    return Answer(len(items), dict(sorted(rejections.items())))


def keep(rows: Rows, store: Store) -> str | None:
    """Return when rows are committed; if they cannot be, return why not."""
    try:
        store.store(rows).result()
    except sqlite3.Error as error:
        return f"The items could not be stored in {store.path}: {error}. Send them again later."
    return None


def _sort(items: list[Any], read: Read, spoil: Spoil | None) -> tuple[Rows, dict[int, Rejection]]:
    """Return the rows of each table, and what is rejected by its index."""
    window = Window()
    rows: dict[str, list[list[Any]]] = {}
    rejections: dict[int, Rejection] = {}
    for index, item in enumerate(items):
        try:
            if type(item) is Unreadable:
                raise RejectedError(item.reason)
            table, row = read(item, window)
            if spoil is not None and (refusal := spoil(index)) is not None:
                rejections[index] = refusal
            elif table in rows:
                rows[table].append(row)
            else:
                rows[table] = [row]
        except RejectedError as error:
            rejections[index] = error.rejection
    return rows, rejections
