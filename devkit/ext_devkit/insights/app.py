"""The HTTP side: which paths there are, and one JSON shape for every error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ext_devkit.insights import quickpulse
from ext_devkit.insights.api import live, serving
from ext_devkit.insights.guard import Guard
from ext_devkit.insights.ingest import routes as ingestion
from ext_devkit.insights.ingest.receiving import Intake
from ext_devkit.insights.otlp import routes as otlp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ext_devkit.insights.store.store import Store

UI = Path(__file__).with_name("ui")


def create_app(
    store: Store,
    port: int,
    connection_string: str,
    *,
    strict: bool = True,
    allow_origins: Sequence[str] = (),
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """Return the application that stores into `store` and shows what is there; `port` is the one that it listens on."""
    app = Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Mount("/ui", StaticFiles(directory=UI)),
            *serving.routes(),
            *ingestion.routes,
            *quickpulse.routes,
            *otlp.routes,
        ],
        exception_handlers={HTTPException: explain, Exception: apologise},
        middleware=[Middleware(Guard, port=port, allow_origins=allow_origins), *middleware],
    )
    # A redirect would answer an exporter without a body, and it would drop its items.
    app.router.redirect_slashes = False
    app.state.store = store
    app.state.intake = Intake(store, strict=strict)
    app.state.api = serving.Api(live.Live(store), connection_string)
    return app


async def index(_request: Request) -> Response:
    """Answer the page of the web UI, which loads all else."""
    return FileResponse(UI / "index.html", headers={"Cache-Control": "no-cache"})


async def explain(_request: Request, error: Exception) -> Response:
    """Answer a wrong path or method in the one shape of errors."""
    assert isinstance(error, HTTPException)
    known = serving.known_paths([*ingestion.TRACK_PATHS, *otlp.OTLP_PATHS])
    return serving.error(error.status_code, f"{error.detail}. {known}", error.headers)


async def apologise(_request: Request, error: Exception) -> Response:
    """Answer a mistake of this server, whose traceback is logged, in the one shape of errors."""
    return serving.error(500, f"The server failed: {type(error).__name__}. Its terminal has the traceback; report it.")
