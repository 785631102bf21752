"""Attributes and values of OTLP as Python has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_devkit.insights.ingest.document import MOST_ITEMS, MOST_VALUES, too_many
from ext_devkit.insights.ingest.rejection import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized


class Values:
    """Reads the values of one request; raises RejectedError when they are more than fit into memory."""

    def __init__(self) -> None:
        self._left = MOST_VALUES
        self._parts_left = MOST_ITEMS

    def parts(self, found: Sized) -> Any:
        """Return the parts of an item that become rows of their own, unless they are too many."""
        self._parts_left -= len(found)
        if self._parts_left < 0:
            raise too_many()
        return found

    def attributes(self, pairs: Iterable[Any]) -> dict[str, Any]:
        """Return key-value pairs as dict; of equal keys the last counts."""
        return {pair.key: self.value(pair.value) for pair in pairs}

    def value(self, given: Any) -> Any:
        """Return a value; None if there is none."""
        self._left -= 1
        if self._left < 0:
            raise RejectedError("The body has too many values. Send fewer items at once.", 413)
        kind = given.WhichOneof("value")
        if kind is None:
            return None
        content = getattr(given, kind)
        if kind == "array_value":
            return [self.value(one) for one in content.values]
        if kind == "kvlist_value":
            return self.attributes(content.values)
        return content
