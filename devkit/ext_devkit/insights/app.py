"""The HTTP side: which paths there are, and one JSON shape for every answer."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ext_devkit.insights import quickpulse
from ext_devkit.insights.ingest import routes as ingest
from ext_devkit.insights.ingest.receiving import Intake

if TYPE_CHECKING:
    from starlette.requests import Request

    from ext_devkit.insights.store.store import Store


def create_app(store: Store, *, strict: bool = True) -> Starlette:
    """Return the application that stores into `store`; without `strict` it takes what Application Insights refuses."""
    app = Starlette(
        routes=[Route("/", about, methods=["GET"]), *ingest.routes, *quickpulse.routes],
        exception_handlers={HTTPException: explain},
    )
    # A redirect would answer an exporter without a body, and it would drop its items.
    app.router.redirect_slashes = False
    app.state.store = store
    app.state.intake = Intake(store, strict=strict)
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


async def explain(_request: Request, error: Exception) -> Response:
    """Answer a wrong path or method in the one shape of errors."""
    assert isinstance(error, HTTPException)
    hint = f"This server has GET / and POST {' and '.join(ingest.TRACK_PATHS)}."
    content = {"ok": False, "error": f"{error.detail}. {hint}", "status": error.status_code}
    return answer_json(content, error.status_code, error.headers)


def answer_json(content: Any, status: int = 200, headers: Any = None) -> Response:
    """Return a JSON response in ASCII, so that nothing a client sent can break its encoding."""
    return Response(json.dumps(content), status, headers, "application/json")
