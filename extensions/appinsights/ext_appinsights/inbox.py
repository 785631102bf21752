"""What waits in memory: items as they were handed over, then as lines, which the journal has too if there is one.

Callers append to a deque and take no lock: `send` can run in a signal handler that interrupted another `send`. The lock
is for what comes after: whoever makes lines of items holds it until the lines are written, so that a commit that got
it knows that nothing of its own is still on the way to the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING

from ext_appinsights.journal import Line
from ext_appinsights.packing import Parcel, lines_of
from ext_appinsights.tickets import Ticket, signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ext_appinsights.counts import Counts
    from ext_appinsights.journal import Journal
    from ext_appinsights.options import Options
    from ext_appinsights.packing import Item

NEVER = 1 << 62

PATIENCE = 0.05
"""Seconds for which a thread waits for the lock; a signal handler may have interrupted the one that holds it."""


class Inbox:
    """The queue of one channel in one process."""

    def __init__(self, options: Options, counts: Counts, journal: Journal | None) -> None:
        self.fresh: deque[Item | Ticket] = deque()
        self.ready: deque[Line | Ticket] = deque()
        self.tickets: deque[Ticket] = deque()
        self.failures: deque[Exception] = deque()
        """Why items could not be made; the sending thread says it."""
        self.wake = threading.Lock()
        """Free when the sending thread has a reason to look."""
        self.wake.acquire()
        self.fresh_enough = self.ready_enough = NEVER
        """How many items or lines are such a reason."""
        self._options = options
        self._counts = counts
        self._journal = journal
        self._fresh_bytes = 0
        self._ready_bytes = 0
        self._settled: deque[list[Line]] = deque()
        self._dropping = threading.Lock()
        self._lock = threading.Lock()
        self._holder = 0

    # Called from any thread

    def put(self, item: Item) -> None:
        """Queue an item; wakes the thread only when it has a reason to act."""
        fresh = self.fresh
        fresh.append(item)
        if type(item) is bytes:
            self._fresh_bytes += len(item)
            if self._fresh_bytes > self._options.max_queue_bytes:
                self._drop_oldest()
        if len(fresh) > self._options.max_queue:
            self._drop_oldest()
        if len(fresh) >= self.fresh_enough:
            self.fresh_enough = NEVER
            signal(self.wake)

    def put_ticket(self, ticket: Ticket) -> None:
        """Queue a flush."""
        self.tickets.append(ticket)
        self.fresh.append(ticket)
        signal(self.wake)

    def commit(self) -> None:
        """Write what was queued to the journal."""
        journal = self._journal
        if journal is None or not (self.fresh or self._lock.locked()) or not journal.works or not self._enter(PATIENCE):
            return
        try:
            self._take_in(NEVER, NEVER)
        except Exception as error:
            self.failures.append(error)
        finally:
            self._leave()
        if len(self.ready) >= self.ready_enough:
            self.ready_enough = NEVER
            signal(self.wake)

    def waiting(self, held: Callable[[], int]) -> int:
        """Items that are queued, one that is still to be mapped as one, and what the sending thread holds of them."""
        entered = self._enter(PATIENCE)  # else some may be on the way from here to there
        try:
            queued = (*tuple(self.fresh), *tuple(self.ready))
            return sum(not isinstance(one, Ticket) for one in queued) + held()
        finally:
            if entered:
                self._leave()

    def _drop_oldest(self) -> None:
        # Whoever comes second leaves it to the first, which looks at the length again.
        if not self._dropping.acquire(blocking=False):
            return
        options, fresh = self._options, self.fresh
        try:
            while len(fresh) > options.max_queue + len(self.tickets) or self._fresh_bytes > options.max_queue_bytes:
                oldest = fresh.popleft()
                if isinstance(oldest, Ticket):
                    oldest.settle(delivered=False)
                    continue
                if isinstance(oldest, bytes):
                    self._fresh_bytes -= len(oldest)
                self._counts.drop("queue_full")
        except IndexError:  # the rest was taken meanwhile
            self._fresh_bytes = 0
        finally:
            self._dropping.release()

    def _enter(self, patience: float) -> bool:
        """Take the lock; False if somebody else keeps it, or this very thread further up."""
        me = get_ident()
        if self._holder == me:
            return False
        if not self._lock.acquire(blocking=False) and not self._lock.acquire(timeout=patience):
            return False
        self._holder = me
        return True

    def _leave(self) -> None:
        self._holder = 0
        self._lock.release()

    # Called with the lock held

    def _take_in(self, most: int, most_bytes: int) -> None:
        """Make lines of what is queued, in order, and keep them."""
        fresh = self.fresh
        lines: list[bytes] = []
        size = 0
        for _ in range(len(fresh)):
            if len(lines) >= most or size >= most_bytes:
                break
            try:
                item = fresh.popleft()
            except IndexError:
                break
            if isinstance(item, Ticket):
                self._keep(lines)
                lines = []
                self.ready.append(item)
                continue
            if type(item) is bytes:
                self._fresh_bytes -= len(item)
            found, failure = lines_of(item)
            if failure is not None:
                self._counts.drop("invalid")
                self.failures.append(failure)
            lines += found
            size += sum(map(len, found))
        self._keep(lines)

    def _keep(self, lines: list[bytes]) -> None:
        if not lines:
            return
        journal, ready = self._journal, self.ready
        ready.extend([Line(line) for line in lines] if journal is None else journal.write(lines))
        self._ready_bytes += sum(map(len, lines))
        while len(ready) > self._options.max_queue or self._ready_bytes > self._options.max_queue_bytes:
            self._relieve()

    def _relieve(self) -> None:
        """Take the oldest lines out of memory: those of one segment, or one that no journal has."""
        oldest = self.ready[0]
        held = None if isinstance(oldest, Ticket) else oldest.segment
        if held is not None and self._journal is not None:
            self._journal.release_current(held)
        while self.ready and (isinstance(oldest := self.ready[0], Ticket) or oldest.segment is held):
            self.ready.popleft()
            if isinstance(oldest, Ticket):
                oldest.settle(delivered=False)
                continue
            self._ready_bytes -= len(oldest.text)
            self._part_with([oldest], "queue_full")
            if held is None:
                return

    def _part_with(self, lines: Iterable[Line], reason: str) -> None:
        """Leave lines to the journal, if it has them; otherwise they are gone."""
        for line in lines:
            if line.segment is None or self._journal is None:
                self._counts.drop(reason)
            else:
                self._counts.spill()
                self._journal.let_go([line])

    def _note_settled(self) -> None:
        while self._settled:
            lines = self._settled.popleft()
            if self._journal is not None:
                self._journal.settle(lines)

    def _next(self, extra: int) -> tuple[list[Line], Ticket | None]:
        lines: list[Line] = []
        most, room = self._options.max_batch, self._options.max_batch_bytes
        while len(lines) < most and (self.ready or self.fresh):
            if not self.ready:
                self._take_in(most - len(lines), room)
                continue
            first = self.ready[0]
            if isinstance(first, Ticket):
                self.ready.popleft()
                return lines, first
            room -= len(first.text) + extra
            if lines and room < 0:
                break
            self.ready.popleft()
            self._ready_bytes -= len(first.text)
            lines.append(first)
        return lines, None

    # Called from the sending thread

    def take(self, extra: int, backlog: deque[Parcel | Ticket]) -> None:
        """Put one request's worth of lines into the backlog, or what comes before the next flush, and that flush.

        `extra`: bytes that each line has more when it is posted.
        """
        if not self._enter(PATIENCE):
            return
        try:
            self._note_settled()
            lines, ticket = self._next(extra)
            if lines:
                backlog.append(Parcel(lines))
            if ticket is not None:
                backlog.append(ticket)
        finally:
            self._leave()

    def settle(self, lines: list[Line]) -> None:
        """Note that these lines need not be delivered any more."""
        if self._journal is not None and lines:
            self._settled.append(lines)
            if self._enter(PATIENCE):
                try:
                    self._note_settled()
                finally:
                    self._leave()

    def give_back(self, lines: list[Line]) -> None:
        """Leave lines of another process's journal to whoever comes next."""
        if self._journal is not None and self._enter(PATIENCE):
            try:
                self._journal.let_go(lines)
            finally:
                self._leave()

    def claim(self) -> list[Line]:
        """Take over lines that another process has left."""
        journal = self._journal
        if journal is None or not self._enter(PATIENCE):
            return []
        try:
            journal.look()
        finally:
            self._leave()
        return journal.claim()

    def give_up(self, held: list[Line]) -> None:
        """Part with everything: what this thread holds, and what is queued."""
        for ticket in tuple(self.tickets):
            ticket.settle(delivered=False)
        if not self._enter(1.0):
            self._counts.drop("closed", self.waiting(lambda: len(held)))
            return
        try:
            self._note_settled()
            self._part_with(held, "closed")
            if self._journal is not None and self.fresh:
                self._take_in(NEVER, NEVER)
            self._part_with([line for line in self.ready if isinstance(line, Line)], "closed")
            self._counts.drop("closed", sum(not isinstance(item, Ticket) for item in self.fresh))
            self.ready.clear()
            self.fresh.clear()
            if self._journal is not None:
                self._journal.close()
                self._journal = None
        finally:
            self._leave()
