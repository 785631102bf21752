"""What other processes have left in their journals: delivered when there is nothing fresher to do."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from ext_appinsights.backoff import Pauses
from ext_appinsights.packing import Parcel, parcels_of

if TYPE_CHECKING:
    from ext_appinsights.inbox import Inbox
    from ext_appinsights.options import Options

INTERVAL = 60.0
"""Seconds between two looks into a folder where nothing was to be taken."""

LAST = 10
"""Requests in vain after which a segment is left for later: enough to come upon one item among 500 by halves."""


class Replay:
    """The segment that is being replayed, and when to look for the next. For the sending thread."""

    def __init__(self, inbox: Inbox, options: Options) -> None:
        self._inbox = inbox
        self._options = options
        self._parcels: deque[Parcel] = deque()
        self._pauses = Pauses(*options.backoff)
        self._in_vain = 0
        self._next_look = 0.0

    def due(self) -> float:
        """Return the seconds until there may be something to do; 0 or less for now."""
        wait = self._pauses.remaining()
        return wait if self._parcels else max(wait, self._next_look - monotonic())

    def next(self) -> Parcel | None:
        """Return the next parcel, taking over a segment if need be; None if nobody has left anything."""
        if not self._parcels:
            lines = self._inbox.claim()
            self._in_vain = 0
            self._parcels.extend(parcels_of(lines, self._options.max_batch, self._options.max_batch_bytes))
        if self._parcels:
            return self._parcels.popleft()
        self._next_look = monotonic() + INTERVAL
        return None

    def look_again(self) -> None:
        """Look into the folder as soon as there is nothing else to do."""
        self._pauses.cut_short()
        self._next_look = 0.0

    def add(self, parcels: tuple[Parcel, ...]) -> None:
        """Go on with these."""
        self._parcels.extendleft(reversed(parcels))

    def succeeded(self) -> None:
        """Note that the service takes these."""
        self._in_vain = 0
        self._pauses.succeeded(None)

    def failed(self, parcel: Parcel) -> None:
        """Have a parcel wait behind the others, in halves: one item may be what is in the way."""
        self._pauses.failed(None)
        self._in_vain += 1
        nothing_else = len(parcel.lines) == 1 and not self._parcels
        self._parcels.extend(parcel.halves() if len(parcel.lines) > 1 else (parcel,))
        if nothing_else or self._in_vain >= LAST:
            self.put_back()

    def put_back(self) -> None:
        """Leave what is left of the segment to whoever looks next."""
        lines = [line for parcel in self._parcels for line in parcel.lines]
        self._parcels.clear()
        self._inbox.give_back(lines)
