"""What a channel has in one process: the inbox, the journal, and the thread that delivers."""

from __future__ import annotations

import threading
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING

from ext_appinsights.counts import Counts
from ext_appinsights.inbox import Inbox
from ext_appinsights.journal import journal_for
from ext_appinsights.loop import Loop
from ext_appinsights.tickets import Ticket, signal

if TYPE_CHECKING:
    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.options import Options


class Sender:
    """Starts and ends the thread, and is what callers see of it. Nothing that the thread does makes a caller wait."""

    def __init__(self, target: ConnectionString, options: Options, credential: TokenCredential | None) -> None:
        self.counts = Counts()
        self.journal = journal_for(target, options, self.counts)
        self.inbox = Inbox(options, self.counts, self.journal)
        self.put = self.inbox.queued.put
        self.closing = False
        """Whether nothing more is taken."""
        self.started = False
        self._loop = Loop(target, options, credential, self.counts, self.inbox, self.journal)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless somebody else is at it."""
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._loop.run, name="ext_appinsights", daemon=True)
                thread.start()
                self._thread = thread
                self.started = True
        except RuntimeError:  # no new thread once the interpreter is on its way out
            pass
        finally:
            self._starting.release()

    def kick(self) -> None:
        """Have the thread deliver what is queued without waiting for more."""
        if self.inbox.queued.items or self.inbox.ready:
            self._loop.hurry = True
            signal(self.inbox.queued.wake)

    def flush(self, deadline: float) -> bool:
        """Wait until what was queued before is delivered; False at the deadline, or once that is out of reach."""
        if self._loop.thread_id == threading.get_ident() or self.inbox.is_entered_here():
            return False
        if not self.waiting():  # the thread may be replaying, which is none of this caller's business
            return True
        ticket = Ticket(deadline, self.counts.lost)
        self.inbox.queued.put_ticket(ticket)
        if not self.started:
            self.start()
        if not self.started:
            self._deliver_here(ticket)
        return ticket.wait()

    def stop(self, deadline: float) -> None:
        """End the thread once it is idle; what it holds then is left to the journal, or dropped and counted."""
        self.closing = self._loop.closing = True
        self.inbox.commit()
        signal(self.inbox.queued.wake)
        if self._thread is None:
            self._loop.give_up()
        elif self._thread is not threading.current_thread():
            self._thread.join(max(0.0, deadline - monotonic()))

    def pending(self) -> bool:
        """Whether there may be something to deliver: there is a thread, or one could not be started."""
        return self._thread is not None or self.waiting() > 0

    def waiting(self) -> int:
        """Items of this process that are not delivered yet; one that is still to be mapped counts as one."""
        return self.inbox.waiting(self._loop.held)

    def abandon(self) -> None:
        """Close what a forked child has inherited of its parent's journal."""
        if self.journal is not None:
            self.journal.abandon()

    def _deliver_here(self, ticket: Ticket) -> None:
        """Do the thread's work in the caller: Python 3.12 starts no thread once the interpreter is on its way out."""
        if not self._starting.acquire(timeout=max(0.0, ticket.deadline - monotonic())):
            return
        try:
            if not self.started:  # somebody else may have been starting it
                copy_context().run(self._loop.run, ticket)
        finally:
            self._starting.release()
