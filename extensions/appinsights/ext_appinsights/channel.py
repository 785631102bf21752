"""The way to Application Insights: hand items over, and they are delivered from one background thread."""

from __future__ import annotations

import atexit
import os
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any

from ext_appinsights.connection_string import ConnectionString, ConnectionStringError
from ext_appinsights.credentials import credential_for
from ext_appinsights.options import NAMES, Options, check_names
from ext_appinsights.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.packing import Item

_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


class Channel:
    """Delivers telemetry items to one Application Insights resource.

    Nothing that the service or the network does reaches the caller: `send` queues and returns. The thread starts with
    the first item. Items wait in memory, bounded; the oldest go first when the service stays away, and are counted.
    """

    def __init__(
        self,
        connection_string: ConnectionString | str | None = None,
        *,
        credential: TokenCredential | None = None,
        journal: bool | str | os.PathLike[str] = True,
        **options: Any,
    ) -> None:
        """Make a channel; nothing is opened, connected or started yet.

        `connection_string`: None reads APPLICATIONINSIGHTS_CONNECTION_STRING. `credential`: for Entra ID, an object
        with azure-core's `get_token`; None reads APPLICATIONINSIGHTS_AUTHENTICATION_STRING. `journal`: True keeps items
        in a folder of this user under the temporary one until they are delivered, a path keeps them there, and False
        in memory only. `options`: the fields of `Options`.

        Raises:
            ConnectionStringError: when there is no connection string, or it is wrong, or a credential would be sent
                over plain http.
            ValueError: when an option is out of range, or of another type.
            TypeError: when an option is unknown, or `credential` is no credential.

        """
        check_names("Channel", options, ("connection_string", "credential", *NAMES))
        self._target = _target(connection_string)
        self._options = Options(journal=journal, **options)
        self._credential = credential_for(self._target, credential)
        self._sender = Sender(self._target, self._options, self._credential)
        _channels.add(self)

    @property
    def endpoint(self) -> str:
        """The base URL that items are posted to."""
        return self._target.ingestion_endpoint

    def send(self, items: Iterable[Item]) -> None:
        """Hand items over; never blocks and never raises.

        An item is an envelope (see `ext_appinsights.envelope`), its JSON as bytes (one object in UTF-8, without `iKey`
        and without line breaks), or a callable that takes nothing and returns some of these: it is called by the next
        `commit`, or on the sending thread, which is the place for work that the caller should not wait for.
        """
        sender = self._sender
        if sender.closing:
            sender.counts.drop("closed", sum(1 for _ in items))
            return
        for item in items:
            sender.put(item)
        if not sender.started:
            sender.start()

    def commit(self) -> None:
        """Write what was handed over so far to the journal, if there is one; never raises.

        After it, nothing of that is lost if the process is killed. Waits for another thread's commit, which may have
        taken items of this one along, for at most 50 ms.
        """
        self._sender.inbox.commit()

    def kick(self) -> None:
        """Deliver what was handed over now, in the background, without collecting more first; never blocks."""
        self._sender.kick()

    def flush(self, timeout: float = 5.0) -> bool:
        """Deliver what was handed over before, within `timeout` seconds, whatever the service does.

        Returns True when the service accepted all of it; False at the end of the time, or as soon as it is clear that
        it cannot be done in that time, or when some of it was given up.
        """
        sender = self._sender
        if sender.closing:
            return not sender.waiting()
        return sender.flush(monotonic() + max(0.0, timeout))

    def rest(self) -> None:
        """Delete the channel's file in the journal if nothing is left in it; never raises.

        For after a flush that may be the last one: a process that is ended by a signal has no other chance to. The
        channel can be used as before; the next commit begins another file.
        """
        self._sender.inbox.rest()

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, then end the thread; items handed over later are dropped and counted."""
        deadline = monotonic() + max(0.0, timeout)
        complete = self.flush(timeout)
        self._sender.stop(deadline)
        return complete

    def stats(self) -> dict[str, Any]:
        """Return what became of the items so far, in this process.

        `sent`: items that were posted, each attempt counted. `accepted` by the service; `rejected` by it for good, a
        dict from status to items. `retried`: times that an item was posted in vain. `spilled`: left to the journal,
        because memory was full or the channel was closed. `replayed`: taken over from journals and settled.
        `dropped`: a dict from reason to items: `queue_full`, `closed`, `invalid` (could not be made, or written as
        JSON), and of what processes had left in the journal `journal_full`, `expired` and `corrupt`. `waiting` now.
        `requests` and `bytes` (compressed) that were posted. Statuses and reasons appear once they have happened.
        """
        return self._sender.counts.as_dict(self._sender.waiting())

    def __repr__(self) -> str:
        return f"<Channel to {self.endpoint}>"

    def _after_fork(self) -> None:
        # The parent delivers what it had queued; locks and sockets that its thread held are left alone.
        self._sender.abandon()
        self._sender = Sender(self._target, self._options, self._credential)

    def _at_exit(self) -> None:
        if self._options.exit_timeout > 0 and self._sender.pending() and not self._sender.closing:
            self.close(self._options.exit_timeout)
        self.commit()
        self.rest()


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
