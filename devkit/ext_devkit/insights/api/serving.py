"""Turns resources into routes: one JSON shape for answers, one for errors, in threads of their own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ext_devkit.errors import DevkitError
from ext_devkit.insights.api import about, analysis, items, live, openapi, query, transactions
from ext_devkit.insights.api.resource import TABLE, NotFoundError
from ext_devkit.insights.sql import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from ext_devkit.insights.api.resource import Resource

RESOURCES: tuple[Resource, ...] = (
    *about.RESOURCES,
    *items.RESOURCES,
    *transactions.RESOURCES,
    *analysis.RESOURCES,
)
DOCUMENT = "/api/openapi.json"
AT_ONCE = 4
"""Questions that are answered at the same time; those who send telemetry have other threads."""

STATEMENTS_AT_ONCE = 2
"""The same for statements in SQL, which may take long: pages are answered beside them."""

BODY_SECONDS = 10.0
"""How long a client may take to send a statement."""


class Api:
    """What the routes of an application share; its `connection_string` is shown to those who ask what it is."""

    def __init__(self, streams: live.Live, connection_string: str) -> None:
        self.live = streams
        self.connection_string = connection_string
        self.askers = asyncio.Semaphore(AT_ONCE)
        self.statements = asyncio.Semaphore(STATEMENTS_AT_ONCE)


def routes() -> list[Route]:
    """Return the routes of the API."""
    found = [Route(resource.path, _serve(resource), methods=["GET"]) for resource in RESOURCES]
    return [
        *found,
        Route("/api/query", ask, methods=["POST"]),
        Route("/api/live", stream, methods=["GET"]),
        Route(DOCUMENT, document, methods=["GET"]),
    ]


def _serve(resource: Resource) -> Callable[[Request], Any]:
    async def serve(request: Request) -> Response:
        state = request.app.state
        given, in_path = request.query_params.multi_items(), request.path_params

        def answer() -> Any:
            found = resource.ask(state.store, given, in_path)
            if resource.path == "/api/about":
                return found | {"connectionString": state.api.connection_string}
            return found

        return await _answer(state.api.askers, answer)

    return serve


async def ask(request: Request) -> Response:
    """Answer a statement in SQL; end it if the client or the server does."""
    state = request.app.state
    # A page of another site cannot send this type without asking first, and it is told no.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return error(415, "The Content-Type has to be application/json.")
    try:
        body = await asyncio.wait_for(_read(request), BODY_SECONDS)
    except asyncio.TimeoutError:
        return error(408, f"The body did not arrive within {BODY_SECONDS:g} s.")
    except ClientDisconnect:
        return error(400, "The client went away before its body was complete.")  # nobody reads it
    if body is None:
        return error(413, f"The body is longer than {query.MOST_BYTES} bytes.")
    statement = Statement()
    watching = asyncio.create_task(_end_if_gone(request, statement))
    try:
        return await _answer(state.api.statements, lambda: query.answer(state.store, body, statement))
    finally:
        watching.cancel()


async def _read(request: Request) -> bytes | None:
    """Return the body, None if it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > query.MOST_BYTES:
            return None
    return bytes(body)


async def _end_if_gone(request: Request, statement: Statement) -> None:
    """Wait until the connection is lost, which it also is when the server ends."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    statement.end()


async def stream(request: Request) -> Response:
    """Answer what is stored, as it is stored."""
    if request.method == "HEAD":  # it would go on for ever, and nobody would get it
        return Response(media_type=live.MEDIA_TYPE)
    streams: live.Live = request.app.state.api.live
    given = request.query_params.multi_items()
    try:
        for name, value in given:
            if name != TABLE.name:
                raise DevkitError(f"There is no parameter '{name[:40]}'. Known here: {TABLE.name}.")
            TABLE.read(name, value)
        opened = streams.open([value for _, value in given])
    except DevkitError as refused:
        return error(400, str(refused))
    except live.TooManyStreamsError:
        return error(503, f"There are {live.MOST_STREAMS} live streams already. Close one of them.")
    return StreamingResponse(streams.events(opened), media_type=live.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def document(_request: Request) -> Response:
    """Answer the API's own document."""
    return answer_json(openapi.document(RESOURCES))


async def _answer(askers: asyncio.Semaphore, answer: Callable[[], Any]) -> Response:
    try:
        async with askers:
            return answer_json(await run_in_threadpool(answer))
    except NotFoundError as missing:
        return error(404, str(missing))
    except DevkitError as wrong:
        return error(400, str(wrong))


def error(status: int, message: str, headers: Any = None) -> Response:
    """Return an error in the one shape of errors."""
    return answer_json({"ok": False, "error": message, "status": status}, status, headers)


def answer_json(content: Any, status: int = 200, headers: Any = None) -> Response:
    """Return a JSON response in ASCII, so that nothing a client sent can break its encoding."""
    added = {"Cache-Control": "no-store"} | dict(headers or {})
    return Response(json.dumps(content), status, added, "application/json")


def known_paths(more: Sequence[str]) -> str:
    """Return what an error says that there is."""
    return (
        f"This server has / for a browser, {DOCUMENT} for what can be asked, and takes telemetry at {', '.join(more)}."
    )
