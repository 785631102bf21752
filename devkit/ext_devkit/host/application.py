"""The web application of the host: finds the route, invokes the function, answers what no function answers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ext_devkit.host.console import logger
from ext_devkit.host.routing import Template, decode_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ext_devkit.host.answers import Answering
    from ext_devkit.host.settings import LocalSettings

HOME = "<!doctype html><title>azfunc-ext</title><p>Your function app is up and running.</p>"


@dataclass(frozen=True)
class Route:
    """Where one function is served. `trigger` names its argument for the request; `methods` None means all."""

    name: str
    function_id: str
    trigger: str
    template: Template
    methods: tuple[str, ...] | None

    def takes(self, method: str) -> bool:
        """Say whether the function answers this method."""
        return self.methods is None or method in self.methods

    @property
    def shown_methods(self) -> str:
        """The methods as `func start` lists them."""
        return ",".join(self.methods) if self.methods is not None else "ALL"


class Application:
    """ASGI application over the routes of one app, the most exact first."""

    def __init__(self, routes: Sequence[Route], answers: Answering) -> None:
        self._routes = sorted(routes, key=lambda route: route.template.precedence)
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        path = decode_path(request.scope.get("raw_path", b"").decode("latin-1") or request.url.path)
        if path.lower().split("/")[0] == "admin":
            return self._admin(path.lower())
        for route in self._routes:
            if route.takes(request.method) and (params := route.template.match(path)) is not None:
                return await self._answers.to(route, request, params)
        if not path and request.method == "GET":
            return HTMLResponse(HOME)
        logger.info("No function answers %s /%s (404)", request.method, path)
        return Response(status_code=404)

    def _admin(self, path: str) -> Response:
        if path == "admin/host/status":
            return JSONResponse({"id": "azfunc-ext", "state": "Running", "version": version("azfunc-ext-devkit")})
        if path == "admin/functions":
            return JSONResponse([_described(route) for route in self._routes])
        return Response(status_code=404)


def with_cors(app: ASGIApp, settings: LocalSettings) -> ASGIApp:
    """Answer for other origins as `Host.CORS` and `Host.CORSCredentials` of local.settings.json say."""
    if not settings.cors:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors,
        allow_methods=["*"],
        allow_headers=["*"],
        allow_credentials=settings.cors_credentials,
    )


def _described(route: Route) -> dict[str, object]:
    return {"name": route.name, "route": route.template.route, "methods": route.shown_methods.split(",")}
