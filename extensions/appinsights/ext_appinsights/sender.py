"""The sending thread of a channel: collects, posts, waits, tries again.

Callers and the thread share a deque and a binary semaphore, and no lock: `send` can run in a signal handler that
interrupted another `send`, and nothing that the thread does makes a caller wait. Only the thread touches the rest.
"""

from __future__ import annotations

import threading
from collections import deque
from contextvars import copy_context
from time import monotonic, time
from typing import TYPE_CHECKING

from ext_appinsights import answers, failures, packing, trouble
from ext_appinsights.counts import Counts
from ext_appinsights.packing import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.options import Options
    from ext_appinsights.packing import Item
    from ext_appinsights.transport import Answer, Transport

_NEVER = 1 << 62


class Ticket:
    """A flush that waits: the thread settles it when it reaches it in the queue, or sees that it cannot in time."""

    __slots__ = ("_done", "deadline", "delivered", "lost_before", "tried")

    def __init__(self, deadline: float, lost_before: int) -> None:
        self.deadline = deadline
        self.lost_before = lost_before
        self.delivered = False
        self.tried = False
        self._done = threading.Lock()
        self._done.acquire()

    @property
    def settled(self) -> bool:
        """Whether the outcome is known."""
        return not self._done.locked()

    def settle(self, *, delivered: bool) -> None:
        """Let the waiting caller go; only the first call counts."""
        if self._done.locked():
            self.delivered = delivered
            _signal(self._done)

    def wait(self) -> bool:
        """Wait until settled, at most until the deadline; return whether everything was delivered."""
        return self._done.acquire(timeout=max(0.0, self.deadline - monotonic())) and self.delivered


def _signal(semaphore: threading.Lock) -> None:
    try:
        semaphore.release()
    except RuntimeError:
        pass


class Sender:
    """What a channel has in one process: the queue, the thread, the connection."""

    def __init__(self, target: ConnectionString, options: Options, credential: TokenCredential | None = None) -> None:
        self._credential = credential
        self.inbox: deque[Item | Ticket] = deque()
        self.counts = Counts()
        self.tickets: deque[Ticket] = deque()
        self.closing = False
        self._target = target
        self._options = options
        self._say = trouble.Reporter(target.ingestion_endpoint, target.instrumentation_key, options.report)
        self._backlog: deque[Parcel | Ticket] = deque()
        self._threshold = _NEVER
        self._wake = threading.Lock()
        self._wake.acquire()
        self._dropping = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._transport: Transport | None = None
        self._linger_until = 0.0
        self._hurry = False
        self._not_before = 0.0
        self._leased = False
        self._failures = 0
        self._until: Ticket | None = None

    # Called from any thread

    def put(self, item: Item) -> None:
        """Queue an item; wakes the thread only when it has a reason to act."""
        self.inbox.append(item)
        if len(self.inbox) > self._options.max_queue:
            self._drop_oldest()
        if self._thread is None:
            self._start()
        if len(self.inbox) >= self._threshold:
            self._threshold = _NEVER
            _signal(self._wake)

    def kick(self) -> None:
        """Have the thread deliver what is queued without waiting for more."""
        self._hurry = True
        _signal(self._wake)

    def flush(self, deadline: float) -> bool:
        """Wait until what was queued before is delivered; False at the deadline, or once that is out of reach."""
        if threading.current_thread() is self._thread:
            return False
        ticket = Ticket(deadline, self.counts.lost)
        self.tickets.append(ticket)
        self.inbox.append(ticket)
        _signal(self._wake)
        if self._thread is None:
            self._start()
        if self._thread is None:
            self._deliver_here(ticket)
        return ticket.wait()

    def stop(self, deadline: float) -> None:
        """End the thread once it is idle; what it holds then is dropped and counted."""
        self.closing = True
        _signal(self._wake)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, deadline - monotonic()))
        elif self._thread is None:
            self._give_up()

    def pending(self) -> bool:
        """Whether there may be something to deliver: there is a thread, or one could not be started."""
        return self._thread is not None or self.waiting() > 0

    def waiting(self) -> int:
        """Items that wait for delivery; one that is still to be mapped counts as one."""
        return len(self.inbox) + sum(len(p.lines) for p in tuple(self._backlog) if isinstance(p, Parcel))

    def _drop_oldest(self) -> None:
        # Whoever comes second leaves it to the first, which looks at the length again.
        if not self._dropping.acquire(blocking=False):
            return
        try:
            while len(self.inbox) > self._options.max_queue + len(self.tickets):
                oldest = self.inbox.popleft()
                if isinstance(oldest, Ticket):
                    oldest.settle(delivered=False)
                else:
                    self.counts.drop("queue_full")
        except IndexError:  # the thread took the rest meanwhile
            pass
        finally:
            self._dropping.release()

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ext_appinsights", daemon=True)
                self._thread.start()
        except RuntimeError:  # no new thread once the interpreter is on its way out
            self._thread = None
        finally:
            self._starting.release()

    def _deliver_here(self, ticket: Ticket) -> None:
        """Do the thread's work in the caller: Python 3.12 starts no thread once the interpreter is on its way out."""
        if not self._starting.acquire(timeout=max(0.0, ticket.deadline - monotonic())):
            return
        try:
            copy_context().run(self._run, ticket)
        finally:
            self._starting.release()

    # Called from the sending thread only

    def _run(self, until: Ticket | None = None) -> None:
        """Work until the channel is closed, or until a flush is settled."""
        quiet = trouble.quieten(threading.get_ident())
        try:
            if self._options.thread_setup is not None:
                self._guarded(self._options.thread_setup)
            self._until = until
            while self._guarded(self._step) is not False:
                pass
        finally:
            if until is None:
                self._give_up()
            trouble.unquieten(quiet)

    def _guarded(self, step: Callable[[], bool | None]) -> bool | None:
        """Run a step; the thread outlives whatever it raises."""
        try:
            return step()
        except Exception as error:
            self._say.trouble("defect", f"a defect of ext_appinsights, please report it: {error!r}")
            self._wake.acquire(timeout=1.0)
            return None

    def _step(self) -> bool:
        """Do the next thing there is to do, or wait for one; return False when it is time to end."""
        self._settle()
        if self._until is not None and self._until.settled:
            return False
        if not self._backlog and not self.inbox:
            self._linger_until = 0.0
            self._hurry = False
            if self.closing:
                return False
            self._sleep(None, 1)
            return True
        pause = self._not_before - monotonic()
        if pause > 0:
            if self.closing and not self.tickets:
                return False
            self._sleep(pause, _NEVER)
        elif self._backlog:
            self._deliver()
        elif (linger := self._linger()) > 0:
            self._sleep(linger, self._options.max_batch)
        else:
            self._pack()
        return True

    def _sleep(self, seconds: float | None, threshold: int) -> None:
        self._threshold = threshold
        # Looked at after the threshold was set: a caller that came in between saw the old one and did not wake us.
        if len(self.inbox) < threshold:
            self._wake.acquire(timeout=-1 if seconds is None else seconds)
        self._threshold = _NEVER

    def _linger(self) -> float:
        """Return for how many seconds to wait for more items before the next request."""
        if self.closing or self.tickets or self._hurry or len(self.inbox) >= self._options.max_batch:
            return 0.0
        now = monotonic()
        if not self._linger_until:
            self._linger_until = now + self._options.interval
        return self._linger_until - now

    def _settle(self) -> None:
        """Let go of the flushes that are done or hopeless, and attempt once for each that is new."""
        while self._backlog and isinstance(self._backlog[0], Ticket):
            ticket = self._backlog.popleft()
            if isinstance(ticket, Ticket):
                ticket.settle(delivered=self.counts.lost == ticket.lost_before)
                self._forget(ticket)
        now = monotonic()
        for ticket in tuple(self.tickets):
            if not ticket.tried:
                ticket.tried = True
                if not self._leased:
                    self._not_before = 0.0
            if ticket.deadline <= max(now, self._not_before):
                ticket.settle(delivered=False)
                self._forget(ticket)

    def _forget(self, ticket: Ticket) -> None:
        if ticket in self.tickets:
            self.tickets.remove(ticket)

    def _pack(self) -> None:
        """Turn what is queued into parcels, up to one request's worth or the next flush."""
        self._linger_until = 0.0
        options = self._options
        lines: list[bytes] = []
        ticket: Ticket | None = None
        size = 0
        while len(lines) < options.max_batch and size < options.max_batch_bytes and self.inbox:
            try:
                item = self.inbox.popleft()
            except IndexError:
                break
            if isinstance(item, Ticket):
                ticket = item
                break
            found, failure = packing.lines_of(item)
            if failure is not None:
                self._broken(failure)
            lines += found
            size += sum(map(len, found))
        self._backlog.extend(packing.parcels_of(lines, options.max_batch, options.max_batch_bytes))
        if ticket is not None:
            self._backlog.append(ticket)

    def _broken(self, failure: Exception) -> None:
        self.counts.drop("invalid")
        self._say.trouble(
            "broken item", f"an item could not be made and is left out: {type(failure).__name__}: {failure}"
        )

    def _deliver(self) -> None:
        parcel = self._backlog.popleft()
        assert isinstance(parcel, Parcel)
        self.counts.requests += 1
        self.counts.sent += len(parcel.lines)
        try:
            answer = self._post(parcel)
        except Exception as error:
            self._back_off(parcel, None)
            self._say.trouble(*failures.words(error))
            return
        self._obey(parcel, answers.judge(answer.status, answer.headers, answer.body, len(parcel.lines), time()))

    def _post(self, parcel: Parcel) -> Answer:
        if self._transport is None:
            from ext_appinsights.transport import Transport

            self._transport = Transport(self._target, self._options.request_timeout, self._credential)
        if self._until is not None:  # nobody else waits here: a request must not outlast the flush
            self._transport.timeout = min(self._options.request_timeout, max(0.01, self._until.deadline - monotonic()))
        body = parcel.body(packing.beginning_of(self._target.instrumentation_key))
        self.counts.bytes += len(body)
        return self._transport.post(body)

    def _obey(self, parcel: Parcel, verdict: answers.Verdict) -> None:
        if verdict.split:
            self._backlog.extendleft(reversed(parcel.halves()))
            return
        self.counts.accepted += verdict.accepted
        for status, items in verdict.rejected.items():
            self.counts.rejected[status] += items
            self.counts.lost += items
        if verdict.again:
            kept = Parcel([parcel.lines[index] for index in verdict.again], parcel.attempts)
            self._back_off(kept, verdict.pause)
        else:
            self._failures = 0
            self._pause(verdict.pause)
        if verdict.trouble is not None:
            self._say.trouble(*verdict.trouble)
        elif verdict.accepted:
            self._say.well(self.waiting())

    def _back_off(self, parcel: Parcel, pause: float | None) -> None:
        """Keep a parcel, first in the queue, until the service's own pause or an exponential one is over."""
        parcel.attempts += 1
        self.counts.retried += len(parcel.lines)
        self._backlog.appendleft(parcel)
        first, longest = self._options.backoff
        from random import Random

        # A generator of its own: the app may have seeded the shared one, and count on what it gives.
        jitter = Random().uniform(0.5, 1.0)  # noqa: S311
        delay = min(first * 2.0 ** min(self._failures, 30), longest) * jitter
        self._failures += 1
        self._not_before = monotonic() + delay
        self._leased = False
        self._pause(pause)

    def _pause(self, seconds: float | None) -> None:
        if seconds is not None:
            self._not_before = monotonic() + seconds
            self._leased = True

    def _give_up(self) -> None:
        """Count what is left when the thread ends, and let every waiting flush go."""
        for ticket in tuple(self.tickets):
            ticket.settle(delivered=False)
        self.counts.drop("closed", self.waiting())
        self._backlog.clear()
        self.inbox.clear()
        if self._transport is not None:
            self._transport.close()
