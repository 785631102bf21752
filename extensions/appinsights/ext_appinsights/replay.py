"""What other processes have left in their journals: delivered when there is nothing fresher to do."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from ext_appinsights.packing import Parcel, parcels_of

if TYPE_CHECKING:
    from ext_appinsights.inbox import Inbox
    from ext_appinsights.journal import Line
    from ext_appinsights.options import Options

INTERVAL = 60.0
"""Seconds between two looks into a folder where nothing was to be taken."""


class Replay:
    """The segment that is being replayed, and when to look for the next. For the sending thread."""

    def __init__(self, inbox: Inbox, options: Options) -> None:
        self._inbox = inbox
        self._options = options
        self._parcels: deque[Parcel] = deque()
        self._next_look = 0.0

    def due(self) -> float:
        """Return the seconds until there may be something to do; 0 or less for now."""
        return 0.0 if self._parcels else self._next_look - monotonic()

    def next(self) -> Parcel | None:
        """Return the next parcel, taking over a segment if need be; None if nobody has left anything."""
        if not self._parcels:
            lines = self._inbox.claim()
            self._parcels.extend(parcels_of(lines, self._options.max_batch, self._options.max_batch_bytes))
        if self._parcels:
            return self._parcels.popleft()
        self._next_look = monotonic() + INTERVAL
        return None

    def look_again(self) -> None:
        """Look into the folder as soon as there is nothing else to do."""
        self._next_look = 0.0

    def add(self, parcels: tuple[Parcel, ...]) -> None:
        """Go on with these."""
        self._parcels.extendleft(reversed(parcels))

    def put_back(self, lines: list[Line]) -> None:
        """Leave these, and what is left of the segment, to whoever looks next."""
        for parcel in self._parcels:
            lines += parcel.lines
        self._parcels.clear()
        if lines:
            self._inbox.give_back(lines)
