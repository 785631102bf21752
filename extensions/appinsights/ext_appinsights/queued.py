"""What callers have handed over: a deque that they append to, without any lock.

`put` can run in a signal handler that interrupted another `put`, and nothing that others do with the queue makes a
caller wait.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from ext_appinsights.tickets import Ticket, signal

if TYPE_CHECKING:
    from ext_appinsights.counts import Counts
    from ext_appinsights.options import Options
    from ext_appinsights.packing import Item

NEVER = 1 << 62


class Queued:
    """Items as they were handed over, and the flushes among them; bounded."""

    def __init__(self, options: Options, counts: Counts) -> None:
        self.items: deque[Item | Ticket] = deque()
        self.tickets: deque[Ticket] = deque()
        """The flushes that wait, wherever they have got to."""
        self.wake = threading.Lock()
        """Free when the sending thread has a reason to look."""
        self.wake.acquire()
        self.enough = NEVER
        """How many items are such a reason."""
        self.bytes = 0
        """Of the items that are bytes; approximate while several threads are at it."""
        self._most = options.max_queue
        self._most_bytes = options.max_queue_bytes
        self._counts = counts
        self._dropping = threading.Lock()

    def put(self, item: Item) -> None:
        """Queue an item; wakes the thread only when it has a reason to act."""
        items = self.items
        items.append(item)
        if type(item) is bytes:
            self.bytes += len(item)
            if self.bytes > self._most_bytes:
                self._drop_oldest()
        if len(items) > self._most:
            self._drop_oldest()
        if len(items) >= self.enough:
            self.enough = NEVER
            signal(self.wake)

    def put_ticket(self, ticket: Ticket) -> None:
        """Queue a flush."""
        self.tickets.append(ticket)
        self.items.append(ticket)
        signal(self.wake)

    def pop(self) -> Item | Ticket | None:
        """Take the oldest; None if somebody else has taken the last."""
        items = self.items
        try:
            item = items.popleft()
        except IndexError:
            self.bytes = 0
            return None
        if not items:  # what several threads have miscounted would else stay for good
            self.bytes = 0
        elif type(item) is bytes:
            self.bytes -= len(item)
        return item

    def _drop_oldest(self) -> None:
        # Whoever comes second leaves it to the first, which looks at the length again.
        if not self._dropping.acquire(blocking=False):
            return
        items = self.items
        try:
            while len(items) > self._most + len(self.tickets) or self.bytes > self._most_bytes:
                oldest = self.pop()
                if isinstance(oldest, Ticket):
                    oldest.settle(delivered=False)
                elif oldest is not None:
                    self._counts.drop("queue_full")
        finally:
            self._dropping.release()
