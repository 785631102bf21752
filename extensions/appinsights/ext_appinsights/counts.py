"""What became of the items of one channel, in numbers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

OF_JOURNALS = frozenset({"journal_full", "expired", "corrupt"})
"""Reasons that concern what processes had left in the journal: no flush waits for those items."""


class Counts:
    """Plain numbers, which any thread adds to; see `Channel.stats` for their meaning."""

    def __init__(self) -> None:
        self.sent = self.accepted = self.retried = self.spilled = self.replayed = self.requests = self.bytes = 0
        self.rejected: defaultdict[int, int] = defaultdict(int)
        self.dropped: defaultdict[str, int] = defaultdict(int)
        self.lost = 0
        """Items handed over here that are gone, or left to the journal, without having been accepted."""

    def drop(self, reason: str, items: int = 1) -> None:
        """Count items that are gone."""
        if items:
            self.dropped[reason] += items
            if reason not in OF_JOURNALS:
                self.lost += items

    def spill(self, items: int = 1) -> None:
        """Count items that only the journal has from now on."""
        self.spilled += items
        self.lost += items

    def as_dict(self, waiting: int) -> dict[str, Any]:
        """Return the numbers as `Channel.stats` gives them."""
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "rejected": dict(self.rejected),
            "retried": self.retried,
            "spilled": self.spilled,
            "replayed": self.replayed,
            "dropped": dict(self.dropped),
            "waiting": waiting,
            "requests": self.requests,
            "bytes": self.bytes,
        }
