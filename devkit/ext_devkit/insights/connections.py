"""Connections that nobody can hold for ever: those who send or read too slowly are cut off, and so are too many.

uvicorn has a limit for neither: it waits for the end of a request's headers, and for a client to read, as long as the
connection lasts.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11

from ext_devkit.insights.faults import Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

HEAD_SECONDS = 30.0
"""How long a client may take to send a request's headers."""

READ_SECONDS = 60.0
"""How long a client may leave unread what does not fit into the buffers between."""

MOST_CONNECTIONS = 200
"""Fewer than the files that a process may open by default, which are 256 on macOS."""


class Limit:
    """A time that runs, or not; at its end something is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, then: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._then = then
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let it begin, unless it runs already."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._then)

    def stop(self) -> None:
        """Let it not come to its end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connection(Protocol):
    """One connection, with limits. The one that has been idle for longest makes room if there are too many."""

    _head: Limit
    _unread: Limit
    _idle_since: float

    @property
    def _idle(self) -> bool:
        """Return whether no request is being answered: there was none yet, or its headers are not complete."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for this one, or refuse it."""
        others = [other for other in self.connections if isinstance(other, Connection)]
        super().connection_made(transport)
        self._head = Limit(self.loop, HEAD_SECONDS, self._head_too_late)
        self._unread = Limit(self.loop, READ_SECONDS, self.cut_off)
        self._idle_since = self.loop.time()
        if len(others) >= MOST_CONNECTIONS:
            idle = [other for other in others if other._idle]
            if not idle:
                self._refuse(503, f"There are {MOST_CONNECTIONS} connections already, all in use. Close some of them.")
                return
            min(idle, key=lambda other: other._idle_since).cut_off()
        self._head.start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the limits."""
        self._head.stop()
        self._unread.stop()
        super().connection_lost(exc)

    def cut_off(self) -> None:
        """Close the connection at once."""
        self.connections.discard(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; the first bytes of a request begin its time."""
        super().data_received(data)
        if not self._idle or self.transport.is_closing():
            self._head.stop()
        else:
            self._head.start()

    def on_response_complete(self) -> None:
        """Note since when nothing is asked; what has arrived by now may be the begin of a request."""
        self._idle_since = self.loop.time()
        super().on_response_complete()
        if self._idle and self.conn.trailing_data[0]:
            self._head.start()

    def pause_writing(self) -> None:
        """Begin the time in which the client has to read."""
        super().pause_writing()
        self._unread.start()

    def resume_writing(self) -> None:
        """End that time."""
        super().resume_writing()
        self._unread.stop()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP in the one shape of errors."""
        self._refuse(400, f"{msg} Its headers may have 64 KiB at most, and its body has to be framed as HTTP/1.1 says.")

    def _head_too_late(self) -> None:
        if not self._idle or self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self._refuse(408, f"The headers of a request did not arrive within {HEAD_SECONDS:g} s.")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer without the application, and close."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.cut_off()  # an answer has begun
            return
        content = json.dumps({"ok": False, "error": message, "status": status}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"connection", b"close"),
        ]
        reason = HTTPStatus(status).phrase.encode()
        events = h11.Response(status_code=status, headers=headers, reason=reason), h11.Data(data=content)
        for event in (*events, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
