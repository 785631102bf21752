"""An ingestion service that fails at any point of a request, and keeps a ledger of every item that it stored."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from tests.support.ingestion import KEY

PROCESS = "x-process"
"""The header by which a client tells which process it is, where several are killed."""


@dataclass(frozen=True)
class Plan:
    """What becomes of one request."""

    status: int = 200
    items: Callable[[int], int] | None = None
    """Gives the status of each item, by its place in the request; the answer lists those that are not 200."""
    headers: Mapping[str, str] = field(default_factory=dict)
    fails: Literal["", "in request", "before answer", "in answer"] = ""
    """Where it goes wrong. What was read as a whole is stored, whether or not the answer gets through."""
    how: Literal["reset", "close", "hang"] = "reset"
    delay: float = 0.0
    """Seconds between storing and answering."""
    trickle: float = 0.0
    """Seconds between the bytes of the answer."""


@dataclass
class Visit:
    """One request, and how far it got."""

    number: int
    came: float
    process: str
    path: str
    plan: Plan
    ids: list[str] = field(default_factory=list, repr=False)
    stored: list[str] = field(default_factory=list, repr=False)
    answered: float | None = None
    """When the last byte of the answer was handed to the network; None if it never was, or the client had gone."""


def id_of(item: Mapping[str, Any]) -> str:
    """Return what an item is known by: its name, and the sum of its payload if that is damaged."""
    base = item["data"]["baseData"]
    payload = base.get("properties", {}).get("payload")
    return base["name"] if payload in (None, payload_of(base["name"])) else f"damaged {base['name']}"


def payload_of(name: str) -> str:
    """Return the text that an item of that name carries, so that one torn apart is noticed."""
    return f"{name} ü\u2028" * 5


class FaultyServer:
    """Context manager. The script is played once, then `default` says what becomes of each further request."""

    def __init__(self, *script: Plan, default: Plan | None = None, listener: socket.socket | None = None) -> None:
        self.script = deque(script)
        self.default = default or Plan()
        self.choose: Callable[[Visit], Plan] | None = None
        """Takes the place of `default`."""
        self.visits: list[Visit] = []
        self._stored: Counter[str] = Counter()
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        """With a server's context it speaks TLS; `url` then names `localhost`, for which the certificate has to be."""
        self.troubles: list[BaseException] = []
        """What the server itself could not understand: a test that ends well has none."""
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.changed = threading.Condition()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> FaultyServer:
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.changed:
            for connection in self._open:
                connection.close()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    @property
    def stored(self) -> Counter[str]:
        """How often each item was stored."""
        with self.changed:
            return self._stored.copy()

    def wait_until(self, condition: Callable[[], bool], timeout: float = 30.0) -> None:
        """Wait until something is so; it is looked at after each event of a request, and ten times a second."""
        deadline = monotonic() + timeout
        with self.changed:
            while not condition():
                assert monotonic() < deadline, f"not so after {timeout} s: {self.summary()}"
                self.changed.wait(0.1)

    def wait_for_visits(self, count: int) -> None:
        self.wait_until(lambda: len(self.visits) >= count)

    def wait_for(self, names: Iterable[str], timeout: float = 30.0) -> None:
        """Wait until each of these items has been stored."""
        missing = set(names)

        def complete() -> bool:
            missing.difference_update(self._stored)
            return not missing

        with self.changed:
            came = self.changed.wait_for(complete, timeout)
        assert came, f"{len(missing)} items did not come in {timeout} s, as {sorted(missing)[:3]}: {self.summary()}"

    def summary(self) -> str:
        """Return the last requests, for a message."""
        last = [(v.number, v.process, v.plan.status, v.plan.fails, len(v.ids), len(v.stored)) for v in self.visits[-5:]]
        return f"{len(self.visits)} requests, the last {last}"

    def open_visits(self, killed: Iterable[str] = ()) -> set[int]:
        """Return the numbers of the requests of which the client may not have known that they were answered.

        Those whose answer was cut off or never given; and of a process that was killed the last one, of which nobody
        can tell whether the process had taken the answer yet. A process has one request at a time.
        """
        unknown = {visit.number for visit in self.visits if visit.answered is None}
        for process in killed:
            own = [visit.number for visit in self.visits if visit.process == process]
            unknown.update(own[-1:])
        return unknown

    def check(
        self, names: Iterable[str], *, killed: Iterable[str] = (), others: bool = False, grace: float = 0.0
    ) -> None:
        """Assert that each of these items was stored, and again only if nobody could know that it was.

        `others`: more than these may have been stored. `grace`: seconds for which a request of a process that is dead
        may have lain in the network when another took its items over.
        """
        assert self.troubles == []
        stored, wanted = self.stored, Counter(names)
        assert wanted.total() == len(wanted), "a test's names must differ"
        lost = [name for name in wanted if not stored[name]]
        assert lost == []
        unasked = [name for name in stored if name not in wanted and (not others or name.startswith("damaged "))]
        assert unasked == []
        unknown = self.open_visits(killed)
        known_at: dict[str, float] = {}
        for visit in self.visits:
            for name in visit.stored:
                late = name in known_at and visit.came > known_at[name] + grace
                assert not late, f"{name} was stored again by {visit}"
                if visit.number not in unknown:
                    assert name not in known_at, f"{name} was stored again by {visit}"
                    assert visit.answered is not None
                    known_at[name] = visit.answered

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(plain, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while self._visit(connection, stream):
                    pass
        except OSError:
            pass
        except BaseException as error:
            self.troubles.append(error)
        finally:
            plain.close()
            with self.changed:
                self._open.discard(plain)
                self.changed.notify_all()

    def _visit(self, connection: socket.socket, stream: Any) -> bool:
        """Receive, store and answer one request; return whether the connection is to be kept."""
        line = stream.readline().decode("latin-1")
        if not line.endswith("\r\n"):
            return False
        came = monotonic()
        headers = {}
        while header := stream.readline().decode("latin-1").strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        with self.changed:
            visit = Visit(len(self.visits), came, headers.get(PROCESS, ""), line.split()[1], self.default)
            self.visits.append(visit)
            visit.plan = self._plan(visit)
        if visit.plan.fails == "in request":
            stream.read(length // 2)
            return self._fail(connection, visit)
        body = stream.read(length)
        if len(body) < length:  # the client is gone
            return False
        answer = self._store(visit, body)
        return self._answer(connection, visit, answer)

    def _plan(self, visit: Visit) -> Plan:
        if self.script:
            return self.script.popleft()
        return self.choose(visit) if self.choose is not None else self.default

    def _store(self, visit: Visit, body: bytes) -> bytes:
        """Enter what is accepted into the ledger; return the answer."""
        plan = visit.plan
        ids = [id_of(json.loads(one)) for one in gzip.decompress(body).decode().split("\n")]
        statuses = [(plan.items(index) if plan.items else plan.status) for index in range(len(ids))]
        errors = [{"index": i, "statusCode": s, "message": "busy"} for i, s in enumerate(statuses) if s != 200]
        with self.changed:
            visit.ids = ids
            visit.stored = [name for name, status in zip(ids, statuses, strict=True) if status == 200]
            self._stored.update(visit.stored)
            self.changed.notify_all()
        accepted = len(ids) - len(errors)
        content: Any = {"itemsReceived": len(ids), "itemsAccepted": accepted, "errors": errors if plan.items else []}
        text = json.dumps(content).encode() if plan.status in (200, 206) else b""
        lines = [f"HTTP/1.1 {plan.status} Whatever", f"Content-Length: {len(text)}"]
        lines += [f"{name}: {value}" for name, value in plan.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + text

    def _answer(self, connection: socket.socket, visit: Visit, answer: bytes) -> bool:
        plan = visit.plan
        self._stopped.wait(plan.delay)
        if has_gone(connection):
            return False
        if plan.fails == "before answer":
            return self._fail(connection, visit)
        if plan.fails == "in answer":
            connection.sendall(answer[: len(answer) // 2])
            return self._fail(connection, visit)
        for part in [answer] if not plan.trickle else [bytes([byte]) for byte in answer]:
            connection.sendall(part)
            if self._stopped.wait(plan.trickle):
                return False
        with self.changed:
            visit.answered = monotonic()
            self.changed.notify_all()
        return True

    def _fail(self, connection: socket.socket, visit: Visit) -> bool:
        with self.changed:
            self.changed.notify_all()
        if visit.plan.how == "hang":
            self._stopped.wait()
        elif visit.plan.how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def has_gone(client: socket.socket) -> bool:
    """Tell whether the other side has closed the connection: it does not wait for the answer any more."""
    if isinstance(client, ssl.SSLSocket):
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def reserved_port() -> socket.socket:
    """Return a socket that has a port and does not listen: whoever connects is refused."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def full_backlog() -> Any:
    """Give a listener to which nobody can connect any more: the kernel leaves the first packet unanswered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        try:
            for _ in range(10):
                one = socket.socket()
                waiting.append(one)
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield listener
        finally:
            for one in waiting:
                one.close()
