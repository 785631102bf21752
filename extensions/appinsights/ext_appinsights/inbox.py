"""What waits in memory: items as they were handed over, then as lines, which the journal has too if there is one.

Whoever makes lines of items holds a lock until the lines are written, so that a commit that got it knows that nothing
of its own is still on the way to the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING

from ext_appinsights.journal import Line, only_in_memory
from ext_appinsights.packing import Parcel, lines_of
from ext_appinsights.queued import NEVER, Queued
from ext_appinsights.tickets import Ticket, signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ext_appinsights.counts import Counts
    from ext_appinsights.journal import Journal
    from ext_appinsights.options import Options

PATIENCE = 0.05
"""Seconds for which a thread waits for the lock; a signal handler may have interrupted the one that holds it."""


class Inbox:
    """The queue of one channel in one process."""

    def __init__(self, options: Options, counts: Counts, journal: Journal | None) -> None:
        self.queued = Queued(options, counts)
        self.ready: deque[Line | Ticket] = deque()
        self.ready_enough = NEVER
        """How many lines are a reason for the sending thread to look."""
        self.failures: deque[Exception] = deque()
        """Why items could not be made; the sending thread says it."""
        self._options = options
        self._counts = counts
        self._journal = journal
        self._ready_bytes = 0
        self.owed: deque[tuple[Callable[[Iterable[Line]], None], list[Line]]] = deque()
        """What the journal is still to be told: the method, and the lines."""
        self._lock = threading.Lock()
        self._holder = 0

    # Called from any thread

    def commit(self) -> None:
        """Write what was queued to the journal."""
        # All in one, without a call that can be done without: it is at the end of every invocation.
        journal, items, lock = self._journal, self.queued.items, self._lock
        if journal is None or not (items or lock.locked()) or (journal.off_until and not journal.works):
            return
        me = get_ident()
        if self._holder == me or not (lock.acquire(blocking=False) or lock.acquire(timeout=PATIENCE)):
            return
        self._holder = me
        try:
            if len(items) == 1:
                self._take_in_one(journal)
            else:
                self._take_in(NEVER, NEVER)
        except Exception as error:
            self.failures.append(error)
        finally:
            self._holder = 0
            lock.release()
        if journal.crowded or len(self.ready) >= self.ready_enough:
            self.ready_enough = NEVER
            signal(self.queued.wake)

    def rest(self) -> None:
        """Leave no empty file in the journal."""
        if self._journal is not None and self._enter(PATIENCE):
            try:
                self._note()
                if self._journal is not None:
                    self._journal.rest()
            finally:
                self._leave()

    def waiting(self, held: Callable[[], int]) -> int:
        """Items that are queued, one that is still to be mapped as one, and what the sending thread holds of them."""
        entered = self._enter(PATIENCE)  # else some may be on the way from here to there
        try:
            queued = (*tuple(self.queued.items), *tuple(self.ready))
            being_made = 0 if entered else 1
            return sum(not isinstance(one, Ticket) for one in queued) + being_made + held()
        finally:
            if entered:
                self._leave()

    def is_entered_here(self) -> bool:
        """Whether this very thread is making lines, further up."""
        return self._holder == get_ident()

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
        queued = self.queued
        lines: list[bytes] = []
        size = 0
        try:
            for _ in range(len(queued.items)):
                if len(lines) >= most or size >= most_bytes:
                    break
                item = queued.pop()
                if item is None:
                    break
                if isinstance(item, Ticket):
                    self._keep(lines)
                    lines = []
                    self.ready.append(item)
                    continue
                found, failure = lines_of(item)
                if failure is not None:
                    self._counts.drop("invalid")
                    self.failures.append(failure)
                for line in found:
                    lines.append(line)
                    size += len(line)
        finally:  # a Ctrl-C costs no more than the item in which it came
            self._keep(lines)

    def _take_in_one(self, journal: Journal) -> None:
        """Do the same for a single item, as most invocations end with one span: at two thirds of the cost."""
        item = self.queued.pop()
        if item is None:
            return
        if isinstance(item, Ticket):
            self.ready.append(item)
            return
        found, failure = lines_of(item)
        if failure is not None:
            self._counts.drop("invalid")
            self.failures.append(failure)
        if len(found) == 1:
            self.ready.append(journal.write_one(found[0]))
            self._ready_bytes += len(found[0])
            if len(self.ready) > self._options.max_queue or self._ready_bytes > self._options.max_queue_bytes:
                self._limit()
        else:
            self._keep(found)

    def _keep(self, lines: list[bytes]) -> None:
        if not lines:
            return
        journal = self._journal
        self.ready.extend(map(only_in_memory, lines) if journal is None else journal.write(lines))
        self._ready_bytes += sum(map(len, lines))
        self._limit()

    def _limit(self) -> None:
        options = self._options
        while len(self.ready) > options.max_queue or self._ready_bytes > options.max_queue_bytes:
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

    def _note(self) -> None:
        while self.owed:
            tell, lines = self.owed.popleft()
            tell(lines)

    def _next(self, most: int, extra: int, lines: list[Line]) -> Ticket | None:
        """Add up to `most` lines, or one request's worth, or what comes before a flush, which is returned."""
        ready, most_bytes, size = self.ready, self._options.max_batch_bytes, 0
        while size < most_bytes and len(lines) < most and (ready or self.queued.items):
            if not ready:
                self._take_in(most - len(lines), most_bytes - size)
                continue
            first = ready[0]
            if isinstance(first, Ticket):
                ready.popleft()
                return first
            text = len(first.text)
            if lines and size + text + extra > most_bytes:
                break
            size += text + extra
            ready.popleft()
            self._ready_bytes -= text  # at once: what is taken in next must not be pushed out by what has gone
            lines.append(first)
        return None

    # Called from the sending thread

    def take(self, most: int, extra: int, backlog: deque[Parcel | Ticket]) -> None:
        """Put one request's worth of lines into the backlog, or what comes before the next flush, and that flush.

        `most`: lines in it. `extra`: bytes that each line has more when it is posted.
        """
        if not self._enter(PATIENCE):
            return
        try:
            lines: list[Line] = []
            ticket = self._next(most, extra, lines)
            if lines:
                backlog.append(Parcel(lines))
            if ticket is not None:
                backlog.append(ticket)
        finally:
            self._leave()

    def put_back(self, parcel: Parcel) -> bool:
        """Have its lines wait behind all others, but before the flushes that wait for them; False if not now."""
        if not self._enter(PATIENCE):
            return False
        try:
            self._take_in(NEVER, NEVER)
            ready, lines, parcel.lines = self.ready, parcel.lines, []
            waits = (index for index, one in enumerate(ready) if isinstance(one, Ticket) and not one.settled)
            behind = next(waits, len(ready))
            ready.rotate(-behind)
            ready.extendleft(reversed(lines))
            ready.rotate(behind)
            self._ready_bytes += sum(len(line.text) for line in lines)
            return True
        finally:
            self._leave()

    def settle(self, lines: list[Line]) -> None:
        """Note that these lines need not be delivered any more."""
        if self._journal is not None and lines:
            self.owed.append((self._journal.settle, lines))
            self.note()

    def give_back(self, lines: list[Line]) -> None:
        """Leave lines of another process's journal to whoever comes next."""
        if self._journal is not None and lines:
            self.owed.append((self._journal.give_back, lines))
            self.note()

    def note(self) -> None:
        """Tell the journal what it is to be told, or as soon as nobody else is at it."""
        if self.owed and self._enter(PATIENCE):
            try:
                self._note()
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
        for ticket in tuple(self.queued.tickets):
            ticket.settle(delivered=False)
        if not self._enter(1.0):
            self._counts.drop("closed", self.waiting(lambda: len(held)))
            return
        try:
            self._note()
            self._part_with(held, "closed")
            if self._journal is not None and self.queued.items:
                self._take_in(NEVER, NEVER)
            self._part_with([line for line in self.ready if isinstance(line, Line)], "closed")
            self._counts.drop("closed", sum(not isinstance(item, Ticket) for item in self.queued.items))
            self.ready.clear()
            self.queued.items.clear()
            if self._journal is not None:
                self._journal.close()
                self._journal = None
        finally:
            self._leave()
