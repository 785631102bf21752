"""What becomes of the items of one export request: rows, or a count of those that are refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.ingest.document import Unreadable, read_items
from ext_devkit.insights.ingest.item import read_item
from ext_devkit.insights.ingest.loose import read_loosely
from ext_devkit.insights.ingest.moment import Window
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.otlp.origin import SDK_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_devkit.insights.ingest.receiving import Spoil


class Batch:
    """Collects rows. What was one item for the sender is stored with all that it has become, or not at all."""

    def __init__(self, *, strict: bool, spoil: Spoil | None) -> None:
        self.rows: dict[str, list[list[Any]]] = {}
        self.received = 0
        self.rejected = 0
        self.reason = ""
        """Why the first one was refused."""
        self._read = read_item if strict else read_loosely
        self._window = Window()
        self._spoil = spoil

    def add(self, lines: Iterable[bytes], sdk_version: str) -> bool:
        """Read the lines that an item has become, as if they had been sent to a track path; return whether it is taken.

        So the same limits hold, and the same is refused.
        """
        index = self.received
        self.received += 1
        try:
            found = [self._row(item, sdk_version) for item in read_items(b"[" + b",".join(lines) + b"]")]
            refusal = self._spoil(index) if self._spoil is not None else None
            if refusal is not None:
                raise RejectedError(refusal[1], refusal[0])
        except RejectedError as error:
            self._reject(str(error))
            return False
        for table, row in found:
            self.rows.setdefault(table, []).append(row)
        return True

    def refuse(self, error: RejectedError) -> None:
        """Count an item that is not even mapped."""
        self.received += 1
        self._reject(str(error))

    def _row(self, item: Any, sdk_version: str) -> tuple[str, list[Any]]:
        if type(item) is Unreadable:
            raise RejectedError(item.reason)
        item["tags"][SDK_VERSION] = sdk_version
        return self._read(item, self._window)

    def _reject(self, reason: str) -> None:
        self.rejected += 1
        self.reason = self.reason or reason
