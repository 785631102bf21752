"""Takes the bodies of requests that bring telemetry: read within bounds, then worked on in a thread."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ext_devkit.insights.ingest.body import MOST_BYTES, Body
from ext_devkit.insights.ingest.rejection import BUSY, RejectedError
from ext_devkit.insights.otlp.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from ext_devkit.insights.ingest.rejection import Rejection
    from ext_devkit.insights.store.store import Store

    Spoil = Callable[[int], Rejection | None]
    T = TypeVar("T")

BODY_SECONDS = 60.0
"""How long a client may take to send one body."""

MOST_DRAINED = 256 * 1024 * 1024
"""How much of a refused body is read and dropped, so that the client gets to read why instead of a broken pipe."""

MOST_HELD = 8 * MOST_BYTES
"""How much the bodies of all requests that are not answered yet may hold together, unpacked."""

WORKERS = 4
"""Bodies that are parsed at the same time; each holds at most one body's worth of decoded JSON."""

SPOIL = "ext_devkit.spoil"
"""Where the state of a request has what refuses some of its items on purpose (see `faults`)."""


class Intake:
    """What all paths that take telemetry share: where it goes, how strictly it is read, and how much of it at once."""

    def __init__(self, store: Store, *, strict: bool = True) -> None:
        self.store = store
        self.strict = strict
        self.totals = Totals()
        self._held: dict[Request, int] = {}
        self._workers = asyncio.Semaphore(WORKERS)

    async def take(self, request: Request, use: Callable[[bytearray], T]) -> T:
        """Return what `use` makes of the request's body, unpacked, in a thread; raise RejectedError if it has none."""
        try:
            body = await asyncio.wait_for(read_body(request, self._held), BODY_SECONDS)
            async with self._workers:
                return await run_in_threadpool(use, body)
        except asyncio.TimeoutError as error:
            raise RejectedError(f"The body did not arrive within {BODY_SECONDS:g} s.", 408) from error
        except ClientDisconnect as error:
            # Nobody is left to read this; Starlette wants a response all the same.
            raise RejectedError("The client went away before its body was complete.") from error
        finally:
            self._held.pop(request, None)


def intake_of(request: Request) -> Intake:
    """Return the intake of the application that got a request."""
    intake: Intake = request.app.state.intake
    return intake


def spoil_of(request: Request) -> Spoil | None:
    """Return what refuses items of this request on purpose, by their index."""
    state: dict[str, Any] = request.scope.get("state") or {}
    return state.get(SPOIL)


async def read_body(request: Request, held: dict[Request, int]) -> bytearray:
    """Return the body unpacked; read a refused one to its end first, within bounds.

    `held` has what each unanswered request holds, in bytes; together they are bounded.
    """
    refused: RejectedError | None = None
    body: Body | None = None
    received = 0
    try:
        body = Body(request.headers.get("content-encoding", ""))
    except RejectedError as error:
        refused = error
    async for chunk in request.stream():
        received += len(chunk)
        if received > MOST_DRAINED:
            break
        if body is not None and refused is None:
            try:
                body.feed(chunk)
                held[request] = body.size
                if sum(held.values()) > MOST_HELD:
                    raise busy()
            except RejectedError as error:
                # Its traceback would keep what has been unpacked until the rest is read.
                refused, body = error.with_traceback(None), None
                held.pop(request, None)
    if refused is not None or body is None:
        raise refused or RejectedError("The body was not read.")
    return body.finish()


async def drain(request: Request) -> None:
    """Read a body and drop it, so that the client gets to read the answer."""
    with suppress(asyncio.TimeoutError, ClientDisconnect):
        await asyncio.wait_for(_drop(request), BODY_SECONDS)


async def _drop(request: Request) -> None:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MOST_DRAINED:
            return


def busy() -> RejectedError:
    """Return the error for a body for which there is no room beside those of other requests."""
    return RejectedError(
        f"The server already holds {MOST_HELD} bytes of other requests. Send the items again later.", BUSY
    )
