"""Connections of urllib3 on which everything ends at one deadline: connecting, CONNECT, TLS, writing, reading."""

from __future__ import annotations

import io
import socket
from time import monotonic
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from ext_appinsights.proxies import Proxy


class Clock:
    """The deadline of the request under way, and how far it came."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.through = False
        """Whether the connection is one to the service itself: there is no proxy, or it let us through."""

    def start(self, seconds: float) -> None:
        """Begin a request that may take so many seconds."""
        self.deadline = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.

        """
        seconds = self.deadline - monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline of the request has passed")
        return seconds


class _Socket:
    """A connected socket on which each wait ends at the deadline, however slowly bytes trickle in."""

    def __init__(self, connected: Any, clock: Clock) -> None:
        self._socket = connected
        self._clock = clock

    def arm(self) -> None:
        self._socket.settimeout(self._clock.remaining())

    def settimeout(self, _seconds: float | None) -> None:
        """Ignore the HTTP client's own timeouts: they start anew with each byte."""

    def sendall(self, data: Any, *_flags: Any) -> None:
        with memoryview(data).cast("B") as view:
            sent = 0
            while sent < len(view):
                self.arm()
                sent += self._socket.send(view[sent:])

    def recv(self, size: int, *_flags: Any) -> bytes:
        self.arm()
        found: bytes = self._socket.recv(size)
        return found

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._socket.makefile("rb", buffering=0)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def _kept(connected: Any, clock: Clock) -> _Socket:
    return connected if isinstance(connected, _Socket) else _Socket(connected, clock)


class _Reader(io.RawIOBase):
    """The reading side of a `_Socket`, unbuffered."""

    def __init__(self, owner: _Socket, raw: Any) -> None:
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._owner.arm()
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def pools(clock: Clock, proxy: Proxy | None, context: Callable[[], SSLContext]) -> urllib3.PoolManager:
    """Return a pool manager whose connections keep the clock's deadline; `context` is asked for TLS only."""

    class Deadline:
        def _new_conn(self: Any) -> socket.socket:
            clock.through = False
            return _connect(self._dns_host, self.port, clock, self.socket_options)

        def _connect_tls_proxy(self: Any, hostname: str, connected: Any) -> Any:
            secured = super()._connect_tls_proxy(hostname, connected)  # type: ignore[misc]
            secured.settimeout(clock.remaining())
            return _kept(secured, clock)

        def _tunnel(self: Any) -> None:
            connected = self.sock
            self.sock = _kept(connected, clock)
            super()._tunnel()  # type: ignore[misc]
            clock.through = True
            connected.settimeout(clock.remaining())
            self.sock = connected

        def connect(self: Any) -> None:
            super().connect()  # type: ignore[misc]
            clock.through = True
            self.sock = _kept(self.sock, clock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = type("PlainConnection", (Deadline, HTTPConnection), {})

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = type("TLSConnection", (Deadline, HTTPSConnection), {})

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "ssl_context": context()})

    if proxy is None:
        manager = urllib3.PoolManager(num_pools=2, maxsize=1)
    else:
        headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        secure = context() if proxy.url.startswith("https:") else None
        manager = urllib3.ProxyManager(
            proxy.url, num_pools=2, maxsize=1, proxy_headers=headers, proxy_ssl_context=secure
        )
    manager.pool_classes_by_scheme = {"http": PlainPool, "https": TLSPool}
    return manager


def _connect(host: str, port: int, clock: Clock, options: Any) -> socket.socket:
    """Connect to the first address of `host` that answers, all of them together within the deadline.

    Each gets an equal share of what is left: one that swallows packets must not take the time of the one that answers.
    """
    failure: OSError = OSError(f"no address for {host}")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        share = clock.remaining() / (len(found) - tried)
        connected = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                connected.setsockopt(*option)
            connected.settimeout(share)
            connected.connect(address)
            connected.settimeout(clock.remaining())
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure
