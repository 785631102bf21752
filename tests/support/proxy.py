"""An HTTP proxy on loopback: it forwards what is addressed to it, opens tunnels, and misbehaves as a test wants."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl


@dataclass
class Asked:
    """A request as it came to the proxy; `target` is `host:port` of a CONNECT, else the whole URL."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)


class Proxy:
    """Context manager. `names` maps host names, which need not exist, to ports on this machine.

    `credentials`: `user:password` that it asks for. `answer`: what it says to every request in place of doing it;
    `trickle`: seconds between the bytes of that; `mute`: it never says anything. `tls`: a context, for a proxy that is
    spoken to over TLS; its certificate has to be for `localhost`.
    """

    def __init__(
        self,
        names: dict[str, int] | None = None,
        *,
        credentials: str = "",
        answer: bytes = b"",
        trickle: float = 0.0,
        mute: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.names = names or {}
        self.credentials = credentials
        self.answer = answer
        self.trickle = trickle
        self.mute = mute
        self.tls = tls
        self.asked: list[Asked] = []
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _end(connection)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                with connection:
                    connection = self.tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            with connection:
                self._handle(connection)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _handle(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                return
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.asked.append(Asked(method, target, headers))
        if self.mute:
            self._stopped.wait()
        elif self.answer:
            self._say(connection, self.answer)
        elif self.credentials and headers.get("proxy-authorization") != _basic(self.credentials):
            self._say(connection, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif method == "CONNECT":
            with self._reach(urlsplit(f"//{target}")) as service:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._pump(connection, service)
        else:
            parts = urlsplit(target)
            kept = [line for line in lines if not line.lower().startswith("proxy-")]
            with self._reach(parts) as service:
                service.sendall(
                    "\r\n".join([f"{method} {parts.path} HTTP/1.1", *kept, "", ""]).encode("latin-1") + rest
                )
                self._pump(connection, service)

    def _say(self, connection: socket.socket, message: bytes) -> None:
        if not self.trickle:
            connection.sendall(message)
            return
        for byte in message:
            connection.sendall(bytes([byte]))
            if self._stopped.wait(self.trickle):
                return

    def _reach(self, target) -> socket.socket:
        host, port = target.hostname, target.port or 80
        service = socket.create_connection(("127.0.0.1", self.names[host]) if host in self.names else (host, port))
        with self._lock:
            self._open.add(service)
        return service

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        """Copy both ways until both have ended."""
        back = threading.Thread(target=_copy, args=(other, one), daemon=True)
        back.start()
        _copy(one, other)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    _end(source)
    _end(sink)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _basic(pair: str) -> str:
    return "Basic " + b64encode(pair.encode()).decode()
