"""Does wrong on purpose what a service can do wrong, so that clients can be tested: see `fault_specs` for what."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from ext_devkit.insights.fault_specs import Fault, parse_fault
from ext_devkit.insights.ingest.receiving import SPOIL, drain
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.ingest.routes import TRACK_PATHS, response
from ext_devkit.insights.ingest.track import refuse
from ext_devkit.insights.otlp.answers import failure, media_type
from ext_devkit.insights.otlp.routes import OTLP_PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ext_devkit.insights.ingest.receiving import Spoil
    from ext_devkit.insights.ingest.rejection import Rejection

PATHS = frozenset(TRACK_PATHS + OTLP_PATHS)
"""Where faults happen: where telemetry is sent to be stored."""

TRANSPORT = "ext_devkit.transport"
"""Where the state of a request has its connection."""

# A connection that is closed with this answers what comes later with RST (socket(7), SO_LINGER).
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Protocol(H11Protocol):
    """HTTP whose requests know their connection, for `reset`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the connection."""
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)


class Plan:
    """Which fault happens to which request: the same ones for the same seed and the same order of requests.

    Raises DevkitError for a fault that cannot be understood.
    """

    def __init__(self, faults: Sequence[Fault | str] = (), seed: int = 0) -> None:
        self._lots: list[Lots] = []
        self.set(faults, seed)

    def set(self, faults: Sequence[Fault | str], seed: int = 0) -> None:
        """Have these happen from the next request on, in place of those before."""
        known = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        self._lots = [Lots(fault, f"{seed}/{number}") for number, fault in enumerate(known)]

    def next(self, path: str) -> tuple[Fault, random.Random] | None:
        """Return the fault of the next request to a path, and chance for its details; the first that hits counts."""
        hit = None
        # Each draws for each request, so that none changes what the others do.
        for lots in self._lots:
            if lots.fault.path in ("", path):
                hit = lots.draw(may_hit=hit is None) or hit
        return hit


class Lots:
    """The chance of one fault."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self._random = random.Random(seed)  # noqa: S311  no secret: to be the same again is what it is for
        self._left = fault.times

    def draw(self, *, may_hit: bool) -> tuple[Fault, random.Random] | None:
        """Return the fault, and chance for its details, if it happens."""
        drawn, details = self._random.random(), self._random.random()
        if not may_hit or drawn >= self.fault.rate or self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        return self.fault, random.Random(details)  # noqa: S311


class FaultMiddleware:
    """ASGI middleware that has the faults of a plan happen to requests that bring telemetry, and to no others."""

    def __init__(self, app: ASGIApp, plan: Plan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or have something happen to it."""
        planned = None
        if scope["type"] == "http" and scope["method"] == "POST":
            path = "/" + scope["path"].lstrip("/")
            planned = self._plan.next(path) if path in PATHS else None
        if planned is None:
            await self._app(scope, receive, send)
            return
        fault, chance = planned
        if fault.kind == "partial":
            scope["state"] = {**scope.get("state", {}), SPOIL: _spoil(fault, chance)}
            await self._app(scope, receive, send)
        elif fault.kind == "slow":
            await self._app(scope, receive, _slowly(fault.seconds or 0.0, receive, send))
        else:
            await _instead(fault, Request(scope, receive), receive, send)


async def _instead(fault: Fault, request: Request, receive: Receive, send: Send) -> None:
    """Have a fault happen in place of what was asked for; the body is read, and dropped."""
    await drain(request)
    if fault.kind == "reset":
        _reset(request)
        await _gone(receive, None)
    elif fault.kind != "hang":
        await _answer(fault, request)(request.scope, receive, send)
    elif not await _gone(receive, fault.seconds):
        _reset(request)


def _answer(fault: Fault, request: Request) -> Response:
    if fault.kind == "empty":
        return Response()
    if fault.kind == "redirect":
        return Response(status_code=fault.status, headers={"Location": _location(fault.url, request)})
    reason = f"{_asked(fault)} Nothing of this request was stored."
    if request.url.path.lstrip("/") in {path.lstrip("/") for path in OTLP_PATHS}:
        answer = failure(fault.status, reason, media_type(request.headers.get("content-type", "")))
    else:
        answer = response(refuse(RejectedError(reason, fault.status)))
    if "retry-after" in answer.headers:
        del answer.headers["retry-after"]
    if fault.retry_after is not None:
        answer.headers["retry-after"] = f"{fault.retry_after:g}"
    return answer


def _asked(fault: Fault) -> str:
    return f"This server was asked for the fault {fault.text or fault.kind!r}."


def _location(url: str, request: Request) -> str:
    """Return where to send the request: the same path, unless the URL has one."""
    if "/" in url.partition("://")[2]:
        return url
    query = request.url.query
    return f"{url}{request.url.path}{'?' if query else ''}{query}"


def _spoil(fault: Fault, chance: random.Random) -> Spoil:
    seed = chance.random()

    def spoil(index: int) -> Rejection | None:
        # By index, as the items of a request may be looked at in any order.
        if random.Random(f"{seed}/{index}").random() >= fault.share:  # noqa: S311
            return None
        return fault.status, f"{_asked(fault)} This item was not stored."

    return spoil


def _slowly(seconds: float, receive: Receive, send: Send) -> Send:
    async def slow(message: Message) -> None:
        if message["type"] == "http.response.start":
            await _gone(receive, seconds)
        await send(message)

    return slow


async def _gone(receive: Receive, seconds: float | None) -> bool:
    """Wait until the client has gone or the server ends, at most so many seconds; return whether that came first."""
    try:
        await asyncio.wait_for(_disconnected(receive), seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset(request: Request) -> None:
    """Break the connection off as if the other end had crashed."""
    transport: Any = request.scope["state"][TRANSPORT]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
