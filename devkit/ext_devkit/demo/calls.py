"""The requests that the demo sends, and the telemetry that each has to cause."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.client import HTTPConnection

TIMEOUT = 30.0
"""Seconds for one answer: the first request waits for the whole app to warm up, on a machine that may be busy."""


def _new_id() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Call:
    """A request with a trace of its own, so that its telemetry can be told from any other in the same database."""

    path: str
    shows: str
    """What it demonstrates, for the reader."""
    status: int
    """The status that it has to be answered with."""
    expected: dict[str, int]
    """Table -> how many rows its operation has at least when all its telemetry has arrived."""
    operation_id: str = field(default_factory=_new_id)
    """The trace id that it sends, which is the `operation_Id` of all that it causes."""

    def send(self, port: int) -> Answer:
        """Send it to the function app at a port of loopback, as the first span of its trace."""
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            trace_parent = f"00-{self.operation_id}-{secrets.token_hex(8)}-01"
            connection.request("GET", self.path, headers={"traceparent": trace_parent})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", "replace"))
        finally:
            connection.close()


@dataclass(frozen=True)
class Answer:
    """What the function app answered."""

    status: int
    text: str


def calls() -> list[Call]:
    """Return the demo's requests, each with a fresh trace id."""
    return [
        Call("/api/greet/Ada", "calls another service", 200, {"requests": 1, "dependencies": 2}),
        Call("/api/withdraw/50", "raises", 500, {"requests": 1, "exceptions": 1}),
        Call("/api/together", "is async", 200, {"requests": 1, "dependencies": 2}),
    ]
