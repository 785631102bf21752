"""The way to Application Insights: hand items over, and they are delivered from one background thread."""

from __future__ import annotations

import atexit
import os
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any

from ext_appinsights.connection_string import ConnectionString, ConnectionStringError
from ext_appinsights.options import Options
from ext_appinsights.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_appinsights.packing import Item

_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


class Channel:
    """Delivers telemetry items to one Application Insights resource.

    Nothing that the service or the network does reaches the caller: `send` queues and returns. The thread starts with
    the first item. Items wait in memory, bounded; the oldest go first when the service stays away, and are counted.
    """

    def __init__(self, connection_string: ConnectionString | str | None = None, **options: Any) -> None:
        """Make a channel; None reads APPLICATIONINSIGHTS_CONNECTION_STRING. `options`: the fields of `Options`.

        Raises:
            ConnectionStringError: when there is no connection string, or it is wrong.
            ValueError: when an option is out of range.
            TypeError: when an option is unknown.

        """
        self._target = _target(connection_string)
        self._options = Options(**options)
        self._sender = Sender(self._target, self._options)
        _channels.add(self)

    @property
    def endpoint(self) -> str:
        """The base URL that items are posted to."""
        return self._target.ingestion_endpoint

    def send(self, items: Iterable[Item]) -> None:
        """Hand items over; never blocks and never raises.

        An item is an envelope (see `ext_appinsights.envelope`), or a callable that takes nothing and returns some: it
        is called on the sending thread, which is the place for work that the caller should not wait for.
        """
        sender = self._sender
        if sender.closing:
            sender.counts["dropped"] += sum(1 for _ in items)
            return
        for item in items:
            sender.put(item)

    def flush(self, timeout: float = 5.0) -> bool:
        """Deliver what was handed over before, within `timeout` seconds, whatever the service does.

        Returns True when the service accepted all of it; False at the end of the time, or as soon as it is clear that
        it cannot be done in that time, or when some of it was given up.
        """
        sender = self._sender
        if sender.closing or not sender.pending():
            return not sender.waiting()
        return sender.flush(monotonic() + max(0.0, timeout))

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, then end the thread; items handed over later are dropped and counted."""
        deadline = monotonic() + max(0.0, timeout)
        complete = self.flush(timeout)
        self._sender.stop(deadline)
        return complete

    def stats(self) -> dict[str, int]:
        """Return what became of the items so far, in this process.

        `accepted` by the service, `refused` by it for good, `dropped` because too many were waiting or the channel was
        closed, `broken` (could not be made or written as JSON), `waiting` now, `retried` (times an item was sent in
        vain), and the `requests` and `bytes` (compressed) that were sent.
        """
        return {**self._sender.counts, "waiting": self._sender.waiting()}

    def __repr__(self) -> str:
        return f"<Channel to {self.endpoint}>"

    def _after_fork(self) -> None:
        # The parent delivers what it had queued; locks and sockets that its thread held are left alone.
        self._sender = Sender(self._target, self._options)

    def _at_exit(self) -> None:
        if self._options.exit_timeout > 0 and self._sender.pending() and not self._sender.closing:
            self.close(self._options.exit_timeout)


def _target(given: ConnectionString | str | None) -> ConnectionString:
    if isinstance(given, ConnectionString):
        return given
    found = ConnectionString.from_environment() if given is None else ConnectionString.parse(given)
    if found is None:
        raise ConnectionStringError(
            "There is no connection string: pass one, or set APPLICATIONINSIGHTS_CONNECTION_STRING "
            "(for an Application Insights on this machine, `azfunc-ext insights` prints one)."
        )
    return found


def _after_fork() -> None:
    for channel in list(_channels):
        channel._after_fork()


def _at_exit() -> None:
    for channel in list(_channels):
        channel._at_exit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
