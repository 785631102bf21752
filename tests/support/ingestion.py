"""An ingestion endpoint on a real socket that behaves as a test wants: it records requests and plays a script."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEY = "11111111-2222-3333-4444-555555555555"


@dataclass
class Answer:
    """What to do with one request. Without a `body` the answer says that all items were accepted."""

    status: int = 200
    body: bytes | dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    trickle: float = 0.0
    """Seconds between the bytes of the answer."""
    raw: bytes | None = None
    """Bytes in place of an HTTP answer; empty closes the connection."""
    hang: bool = False
    """Never answer."""
    reset: bool = False
    """Reset the connection."""


HANG = Answer(hang=True)
RESET = Answer(reset=True)


@dataclass
class Request:
    """A request as it came: `items` are the decoded envelopes."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def items(self) -> list[dict[str, Any]]:
        body = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return [json.loads(line) for line in body.decode("utf-8").splitlines()]


class IngestionServer:
    """Context manager; the script is played once, then every further request gets `default`.

    With `tls`, a server's context, it speaks TLS; `url` then names `localhost`, for which the certificate has to be.
    """

    def __init__(self, *script: Answer, default: Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.script = deque(script)
        self.default = default or Answer()
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> IngestionServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for connection in self._open:
                connection.close()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    @property
    def items(self) -> list[dict[str, Any]]:
        """All items that came so far, those of refused requests included."""
        with self._changed:
            return [item for request in self.requests for item in request.items]

    def wait_for_requests(self, count: int, timeout: float = 20.0) -> list[Request]:
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert came, f"{len(self.requests)} of {count} requests came in {timeout} s"
            return list(self.requests)

    def wait_for_items(self, count: int, timeout: float = 20.0) -> list[dict[str, Any]]:
        with self._changed:
            came = self._changed.wait_for(lambda: sum(len(r.items) for r in self.requests) >= count, timeout)
            assert came, f"fewer than {count} items came in {timeout} s"
            return [item for request in self.requests for item in request.items]

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self._secured(connection, self.tls)
            with connection, connection.makefile("rb") as stream:
                while (request := self._read(stream)) is not None:
                    with self._changed:
                        answer = self.script.popleft() if self.script else self.default
                        self.requests.append(request)
                        self._changed.notify_all()
                    if not self._play(connection, request, answer):
                        return
        except (OSError, ValueError):
            pass
        finally:
            with self._changed:
                self._open.discard(connection)

    def _secured(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        with connection:  # closed if the handshake fails
            secured = tls.wrap_socket(connection, server_side=True)
        with self._changed:
            self._open.discard(connection)
            self._open.add(secured)
        return secured

    @staticmethod
    def _read(stream: Any) -> Request | None:
        line = stream.readline().decode("latin-1")
        if not line.strip():
            return None
        headers = {}
        while header := stream.readline().decode("latin-1").strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return Request(line.split()[1], headers, stream.read(int(headers.get("content-length", "0"))))

    def _play(self, connection: socket.socket, request: Request, answer: Answer) -> bool:
        """Answer; return whether the connection is to be kept."""
        if answer.hang:
            self._stopped.wait()
            return False
        self._stopped.wait(answer.delay)
        if answer.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer.raw is not None:
            connection.sendall(answer.raw)
            return False
        self._write(connection, self._message(request, answer), answer.trickle)
        return True

    def _write(self, connection: socket.socket, message: bytes, trickle: float) -> None:
        if not trickle:
            connection.sendall(message)
            return
        for byte in message:
            connection.sendall(bytes([byte]))
            if self._stopped.wait(trickle):
                return

    @staticmethod
    def _message(request: Request, answer: Answer) -> bytes:
        body = answer.body
        if body is None:
            count = len(request.items) if answer.status == 200 else 0
            body = {"itemsReceived": count, "itemsAccepted": count, "errors": []}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        lines = [f"HTTP/1.1 {answer.status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
