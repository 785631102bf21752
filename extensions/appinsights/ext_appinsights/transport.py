"""One POST to the ingestion endpoint, with one deadline over connecting, writing, reading and redirects."""

from __future__ import annotations

import io
import socket
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.credentials import TokenCredential

PATH = "/v2.1/track"
HEADERS = {
    "Content-Type": "application/x-json-stream",
    "Content-Encoding": "gzip",
    "Accept": "application/json",
    "User-Agent": "azfunc-ext-appinsights",
}

MOST_HOPS = 5
BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that are read; an honest one has about 150 for each item that was refused."""

REDIRECTS = frozenset({307, 308})
ALLOWED_SUFFIXES = (
    ".livediagnostics.monitor.azure.com",
    ".monitor.azure.com",
    ".services.visualstudio.com",
    ".applicationinsights.azure.com",
    ".monitor.azure.us",
    ".applicationinsights.azure.us",
    ".monitor.azure.cn",
    ".applicationinsights.azure.cn",
)
"""Where both hosts of a redirect must lie, unless they are equal (`_constants.py` of Microsoft's exporter)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are lower-case, and `refused_redirect` is where it was not followed to."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    refused_redirect: str | None = None


class Transport:
    """Posts to one endpoint, over one connection that is kept open. For one thread only."""

    def __init__(self, target: ConnectionString, timeout: float, credential: TokenCredential | None = None) -> None:
        self._endpoint = target.ingestion_endpoint
        self._current = self._endpoint
        self._credential = credential
        self.timeout = timeout
        self.deadline = 0.0
        self._pools = _pools(self)

    def post(self, body: bytes) -> Answer:
        """Post a gzip body of newline-delimited items.

        Raises:
            Exception: whatever the network came up with; nothing is known of the items then.

        """
        self.deadline = monotonic() + self.timeout
        try:
            return self._follow(body)
        except BaseException:
            self._current = self._endpoint
            self._pools.clear()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._pools.clear()

    def _follow(self, body: bytes) -> Answer:
        answer = self._once(body)
        for _ in range(MOST_HOPS):
            if answer.status not in REDIRECTS:
                return answer
            target = redirect_target(self._current, answer.headers.get("location", ""))
            if target is None:
                break
            self._current = target
            answer = self._once(body)
        if answer.status not in REDIRECTS:
            return answer
        self._current = self._endpoint
        host = urlsplit(answer.headers.get("location", "")).hostname
        return Answer(answer.status, answer.headers, answer.body, refused_redirect=host or "nowhere")

    def _once(self, body: bytes) -> Answer:
        response: Any = self._pools.urlopen(
            "POST",
            self._current + PATH,
            body=body,
            headers=HEADERS,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=self.timeout,
        )
        content = response.read(BODY_LIMIT, decode_content=True)
        if response.read(1):
            response.close()
        response.release_conn()
        return Answer(response.status, {key.lower(): value for key, value in response.headers.items()}, content)


def redirect_target(current: str, location: str) -> str | None:
    """Return the endpoint that a redirect names, or None if it must not be followed.

    Only scheme and host are taken from it. The host must be the same or lie under the same suffix of the allow-list,
    and https must not become http: whoever receives the items sees them.
    """
    try:
        old, new = urlsplit(current), urlsplit(urljoin(current + PATH, location))
        if not location or new.scheme not in ("http", "https") or not new.hostname or new.port == 0:
            return None
    except ValueError:
        return None
    if old.scheme == "https" and new.scheme != "https":
        return None
    if old.hostname != new.hostname and not any(
        (old.hostname or "").endswith(suffix) and new.hostname.endswith(suffix) for suffix in ALLOWED_SUFFIXES
    ):
        return None
    base = f"{new.scheme}://{new.netloc.rpartition('@')[2]}"
    return base + new.path.removesuffix(PATH) if new.path.endswith(PATH) else base


class _DeadlineSocket:
    """A connected socket on which each wait ends at the transport's deadline, however slowly bytes trickle in."""

    def __init__(self, connected: socket.socket, transport: Transport) -> None:
        self._socket = connected
        self._transport = transport

    def arm(self) -> None:
        remaining = self._transport.deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline of the request has passed")
        self._socket.settimeout(remaining)

    def settimeout(self, _seconds: float | None) -> None:
        """Ignore the HTTP client's own timeouts: they start anew with each byte."""

    def sendall(self, data: Any) -> None:
        self.arm()
        self._socket.sendall(data)

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self, self._socket.makefile("rb", buffering=0)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class _DeadlineReader(io.RawIOBase):
    """The reading side of a `_DeadlineSocket`, unbuffered."""

    def __init__(self, owner: _DeadlineSocket, raw: Any) -> None:
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


def _pools(transport: Transport) -> urllib3.PoolManager:
    """Return a pool manager whose connections keep the transport's deadline."""

    class Deadline:
        def _new_conn(self: Any) -> socket.socket:
            return _connect(self.host, self.port, transport.deadline, self.socket_options)

        def connect(self: Any) -> None:
            super().connect()  # type: ignore[misc]
            self.sock = _DeadlineSocket(self.sock, transport)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = type("PlainConnection", (Deadline, HTTPConnection), {})

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = type("TLSConnection", (Deadline, HTTPSConnection), {})

    pools = urllib3.PoolManager(num_pools=2, maxsize=1)
    pools.pool_classes_by_scheme = {"http": PlainPool, "https": TLSPool}
    return pools


def _connect(host: str, port: int, deadline: float, options: Any) -> socket.socket:
    """Connect to the first address of `host` that answers, all of them together within the deadline."""
    failure: OSError = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline of the request has passed")
        connected = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                connected.setsockopt(*option)
            connected.settimeout(remaining)
            connected.connect(address)
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure
