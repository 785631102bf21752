"""What the sending thread does: collects, posts, waits, tries again, and replays what others have left.

Callers and the thread share the inbox; only the thread touches the rest.
"""

from __future__ import annotations

from collections import deque
from math import inf
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING

from ext_appinsights import trouble
from ext_appinsights.backoff import Pauses
from ext_appinsights.delivery import Delivery
from ext_appinsights.packing import Parcel
from ext_appinsights.queued import NEVER
from ext_appinsights.replay import Replay
from ext_appinsights.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.counts import Counts
    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.inbox import Inbox
    from ext_appinsights.journal import Journal
    from ext_appinsights.options import Options


class Loop:
    """One step after the other, until the channel is closed."""

    def __init__(
        self,
        target: ConnectionString,
        options: Options,
        credential: TokenCredential | None,
        counts: Counts,
        inbox: Inbox,
        journal: Journal | None,
    ) -> None:
        self.closing = False
        self.hurry = False
        """Whether to deliver without waiting for more."""
        self.thread_id = 0
        """The thread that is in `run`."""
        self._options = options
        self._counts = counts
        self._inbox = inbox
        self._journal = journal
        self._say = trouble.Reporter(target.ingestion_endpoint, target.instrumentation_key, options.report)
        self._delivery = Delivery(target, options, credential, counts)
        self._replay = Replay(inbox, options)
        self._pauses = Pauses(*options.backoff)
        self._backlog: deque[Parcel | Ticket] = deque()
        self._in_flight: Parcel | Ticket | None = None
        self._linger_until = 0.0
        self._most = options.max_batch
        self._replay_turn = False
        self._spilled = 0
        self._until: Ticket | None = None

    def held(self) -> int:
        """Items of this process that were taken from the inbox and are not delivered; any thread may ask."""
        parcels = {id(one): one for one in (*tuple(self._backlog), self._in_flight) if isinstance(one, Parcel)}
        return sum(len(parcel.lines) for parcel in parcels.values() if not parcel.replayed)

    def run(self, until: Ticket | None = None) -> None:
        """Work until the channel is closed, or until a flush is settled."""
        self.thread_id = get_ident()
        quiet = trouble.quieten(self.thread_id)
        try:
            if self._options.thread_setup is not None:
                self._guarded(self._options.thread_setup)
            self._until = until
            while self._guarded(self._step) is not False:
                pass
        finally:
            if until is None:
                self.give_up()
            self.thread_id = 0
            trouble.unquieten(quiet)

    def _guarded(self, step: Callable[[], bool | None]) -> bool | None:
        """Run a step; the thread outlives whatever it raises."""
        try:
            return step()
        except Exception as error:
            self._say.trouble("defect", f"a defect of ext_appinsights, please report it: {error!r}")
            self._inbox.queued.wake.acquire(timeout=1.0)
            return None

    def _step(self) -> bool:
        """Do the next thing there is to do, or wait for one; return False when it is time to end."""
        self._tell()
        self._inbox.note()
        if self._journal is not None and self._journal.crowded:
            self._journal.make_room()
        self._settle()
        if self._until is not None and self._until.settled:
            return False
        idle = not (self._backlog or self._inbox.ready or self._inbox.queued.items)
        if idle and self.closing:
            return False
        pause = self._pauses.remaining()
        if pause > 0:
            return self._wait_out(pause, idle=idle)
        if idle:
            self._be_idle()
        elif self._backlog:
            self._deliver()
        else:
            self._collect(self._linger())
        return True

    def _collect(self, linger: float) -> None:
        """Wait for more items for so many seconds, or have those go that there are."""
        # Exactly 0: somebody waits, or a request is full. Below: the time is up, also for what the service keeps back,
        # which is always there, and would leave no other turn.
        if linger and self._replay_turn and self._replay_next():
            return
        if linger > 0:
            self._sleep(linger, self._options.max_batch, self._options.max_batch)
        else:
            self._pack()

    def _wait_out(self, pause: float, *, idle: bool) -> bool:
        if self.closing and not self._inbox.queued.tickets:
            return False
        enough = NEVER
        if self._journal is not None and self._journal.works:
            enough = self._options.max_batch
            if len(self._inbox.queued.items) >= enough:
                self._inbox.commit()
        self._sleep(pause, 1 if idle else enough, NEVER)
        return True

    def _be_idle(self) -> None:
        self._linger_until = 0.0
        if self._journal is None or self._until is not None:
            self._sleep(None, 1, 1)
        elif (wait := self._replay.due()) > 0 or not self._replay_next():
            self._sleep(max(wait, 0.0), 1, 1)

    def _sleep(self, seconds: float | None, fresh: int, ready: int) -> None:
        inbox = self._inbox
        inbox.queued.enough, inbox.ready_enough = fresh, ready
        # Looked at after that was set: a caller that came in between saw the old numbers and did not wake us.
        if len(inbox.queued.items) < fresh and len(inbox.ready) < ready and not inbox.owed:
            inbox.queued.wake.acquire(timeout=-1 if seconds is None else seconds)
        inbox.queued.enough = inbox.ready_enough = NEVER

    def _linger(self) -> float:
        """Return for how many seconds to wait for more items before the next request."""
        inbox, enough = self._inbox, self._options.max_batch
        if (
            self.closing
            or inbox.queued.tickets
            or self.hurry
            or len(inbox.queued.items) >= enough
            or len(inbox.ready) >= enough
        ):
            return 0.0
        now = monotonic()
        if not self._linger_until:
            self._linger_until = now + self._options.interval
        return self._linger_until - now

    def _tell(self) -> None:
        """Say what callers have come upon."""
        inbox, journal = self._inbox, self._journal
        while inbox.failures:
            failure = inbox.failures.popleft()
            what = f"an item could not be made and is left out: {type(failure).__name__}: {failure}"
            self._say.mishap("broken item", what)
        while journal is not None and journal.troubles:
            self._say.mishap(*journal.troubles.popleft(), silence=inf)

    def _settle(self) -> None:
        """Let go of the flushes that are done or hopeless, and attempt once for each that is new."""
        while self._backlog and isinstance(ticket := self._backlog[0], Ticket):
            self._backlog.popleft()
            ticket.settle(delivered=self._counts.lost == ticket.lost_before)
        now = monotonic()
        for ticket in tuple(self._inbox.queued.tickets):
            if not ticket.tried:
                ticket.tried = True
                self._pauses.cut_short()
            if ticket.deadline <= max(now, self._pauses.until):
                ticket.settle(delivered=False)
            if ticket.settled:
                self._inbox.queued.tickets.remove(ticket)

    def _pack(self) -> None:
        """Make a parcel of one request's worth, or of what comes before the next flush."""
        self._linger_until = 0.0
        self._inbox.take(self._most, len(self._delivery.beginning), self._backlog)
        if not (self._inbox.ready or self._inbox.queued.items):
            self.hurry = False

    def _deliver(self) -> None:
        parcel = self._in_flight = self._backlog[0]
        assert isinstance(parcel, Parcel)
        self._backlog.popleft()
        items = len(parcel.lines)
        again = self._attempt(parcel)
        self._replay_turn = sum(len(one.lines) for one in again) < items
        if len(again) > 1:
            self._backlog.extendleft(reversed(again))
        elif again:
            self._send_later(parcel)
        self._in_flight = None

    def _send_later(self, parcel: Parcel) -> None:
        """Have a parcel wait behind all others: what the service may never take must not hold them up."""
        backlog = self._backlog
        self._linger_until = monotonic()  # what is collected meanwhile goes along
        while backlog and isinstance(last := backlog[-1], Ticket) and last.settled:
            backlog.pop()
        if backlog:  # the other part of a request that was split, and then a flush that waits for all of them
            backlog.insert(len(backlog) - isinstance(backlog[-1], Ticket), parcel)
        elif not self._inbox.put_back(parcel):
            backlog.append(parcel)

    def _replay_next(self) -> bool:
        """Deliver one parcel of what others have left; False if there is none."""
        if self._until is not None or self.closing or self._replay.due() > 0:
            return False
        self._replay_turn = False
        parcel = self._replay.next()
        if parcel is None:
            return False
        again = self._attempt(parcel)
        self._in_flight = None
        if len(again) > 1:
            self._replay.add(again)
        elif again:
            self._replay.failed(parcel)
        else:
            self._replay.succeeded()
        return True

    def _attempt(self, parcel: Parcel) -> tuple[Parcel, ...]:
        """Post a parcel; return what is to be sent again: the parcel itself with fewer lines, or its halves."""
        self._in_flight = parcel
        verdict = self._delivery.attempt(parcel, None if self._until is None else self._until.deadline)
        if verdict.split:
            return parcel.halves()
        kept, done = parcel.divided(verdict.again)
        if done:
            self._most = self._options.max_batch
        if kept and parcel.replayed:  # nothing fresh waits because of what others have left
            self._pauses.obey(verdict.pause)
        elif kept:
            if done:  # the service works: those that it keeps back do not make the pauses of the others grow
                self._pauses.succeeded(None)
            self._pauses.failed(verdict.pause)
            if self._pauses.failures > 1:  # one item, or a slow network, may be what is in the way
                self._most = max(1, len(kept) // 2)
        elif self._pauses.succeeded(verdict.pause) or self._counts.spilled != self._spilled:
            self._spilled = self._counts.spilled
            self._replay.look_again()
        self._inbox.settle(done)
        parcel.lines = kept
        if verdict.trouble is not None:
            self._say.trouble(*verdict.trouble)
        elif verdict.accepted:
            self._say.well(self._inbox.waiting(self.held))
        return (parcel,) if kept else ()

    def give_up(self) -> None:
        """Part with what is left when the thread ends, and let every waiting flush go."""
        self._replay.put_back()
        held = [line for parcel in self._backlog if isinstance(parcel, Parcel) for line in parcel.lines]
        self._backlog.clear()
        self._inbox.give_up(held)
        self._tell()
        self._delivery.close()
