"""The HTTP side: which paths there are, and one JSON shape for every answer."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from ext_devkit.insights.ingest.body import MOST_BYTES, Body
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.ingest.track import BUSY, UNAVAILABLE, Answer, refuse, track

if TYPE_CHECKING:
    from starlette.requests import Request

    from ext_devkit.insights.store.store import Store

TRACK_PATHS = ("/v2/track", "/v2.1/track")
"""Where items are sent: the first by .NET SDKs and the Functions host, the second by OpenTelemetry and OpenCensus."""

BODY_SECONDS = 60.0
"""How long a client may take to send one body."""

MOST_DRAINED = 256 * 1024 * 1024
"""How much of a refused body is read and dropped, so that the client gets to read why instead of a broken pipe."""

MOST_HELD = 8 * MOST_BYTES
"""How much the bodies of all requests that are not answered yet may hold together, unpacked."""

RETRY_SECONDS = 5
WORKERS = 4
"""Bodies that are parsed at the same time; each holds at most one body's worth of decoded JSON."""


def create_app(store: Store) -> Starlette:
    """Return the application that stores into `store`.

    Azure's connection strings end their endpoint with a slash, and Microsoft's exporter joins the path to it with
    another one, so each path is served with two as well.
    """
    app = Starlette(
        routes=[Route("/", about, methods=["GET"])]
        + [Route(slash + path, track_items, methods=["POST"]) for path in TRACK_PATHS for slash in ("", "/")],
        exception_handlers={HTTPException: explain},
    )
    # A redirect would answer an exporter without a body, and it would drop its items.
    app.router.redirect_slashes = False
    app.state.store = store
    app.state.held = {}
    app.state.workers = asyncio.Semaphore(WORKERS)
    return app


async def about(request: Request) -> Response:
    """Answer what this server is and how many items it has stored."""
    store: Store = request.app.state.store
    counts = await run_in_threadpool(store.counts)
    return answer_json(
        {
            "name": "azfunc-ext local Application Insights",
            "version": version("azfunc-ext-devkit"),
            "database": str(store.path),
            "items": counts,
        }
    )


async def track_items(request: Request) -> Response:
    """Take telemetry items; answer when they are on file."""
    state = request.app.state
    try:
        body = await asyncio.wait_for(read_body(request, state.held), BODY_SECONDS)
        async with state.workers:
            answer = await run_in_threadpool(track, body, state.store)
    except RejectedError as error:
        answer = refuse(error)
    except asyncio.TimeoutError:
        answer = refuse(RejectedError(f"The body did not arrive within {BODY_SECONDS:g} s.", 408))
    except ClientDisconnect:
        # Nobody is left to read this; Starlette wants a response all the same.
        answer = refuse(RejectedError("The client went away before its body was complete."))
    finally:
        state.held.pop(request, None)
    return answer_track(answer)


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


def busy() -> RejectedError:
    """Return the error for a body for which there is no room beside those of other requests."""
    return RejectedError(
        f"The server already holds {MOST_HELD} bytes of other requests. Send the items again later.", BUSY
    )


def answer_track(answer: Answer) -> Response:
    """Return the response to a track request."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if answer.status in (BUSY, UNAVAILABLE) else None
    return answer_json(answer.body, answer.status, headers)


async def explain(_request: Request, error: Exception) -> Response:
    """Answer a wrong path or method in the one shape of errors."""
    assert isinstance(error, HTTPException)
    hint = f"This server has GET / and POST {' and '.join(TRACK_PATHS)}."
    content = {"ok": False, "error": f"{error.detail}. {hint}", "status": error.status_code}
    return answer_json(content, error.status_code, error.headers)


def answer_json(content: Any, status: int = 200, headers: Any = None) -> Response:
    """Return a JSON response in ASCII, so that nothing a client sent can break its encoding."""
    return Response(json.dumps(content), status, headers, "application/json")
