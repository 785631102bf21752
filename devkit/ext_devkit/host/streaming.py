"""The functions of an app that uses HTTP streaming: each response goes out while the function's body produces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ext_devkit.host.answers import Run, say_outputs
from ext_devkit.host.http import request_datum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ext_devkit.host.application import Route
    from ext_devkit.host.functions import Registry
    from ext_devkit.host.invocation import Invoker
    from ext_devkit.host.web import WebFramework


class StreamedAnswers:
    """Invokes functions that take and return the types of a web framework."""

    def __init__(self, registry: Registry, invoker: Invoker, app: Path, web: WebFramework) -> None:
        self._registry = registry
        self._invoker = invoker
        self._app = app
        self._web = web

    async def to(self, route: Route, request: Request, params: Mapping[str, str]) -> ASGIApp:
        """Return what runs a function for a request and streams its response."""
        inputs = {route.trigger: request_datum(request, params, b"")}

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            run = Run(route.name, self._app)
            status = _Status(send)

            async def answer(web_request: Any) -> Any:
                self._web.set_route_params(web_request, params)
                return await self._call(route, run, inputs, web_request)

            try:
                await self._web.serve(scope, receive, status.send, run.id, answer)
            except Exception as error:  # the framework passes on what it has answered with 500
                run.fail(error)
            run.end(status.code)

        return respond

    async def _call(self, route: Route, run: Run, inputs: Mapping[str, Any], web_request: Any) -> Any:
        outcome = await self._invoker.call(
            route.function_id,
            inputs,
            invocation_id=run.id,
            headers=web_request.headers,
            web_request=web_request,
        )
        error = outcome.error
        if error is None and outcome.returned is None:
            error = ValueError(f"function {route.name!r} returned None, for which HTTP streaming has no response")
        if error is None:
            say_outputs(route.name, outcome, self._registry.outputs[route.function_id])
            return outcome.returned
        run.fail(error)
        if isinstance(error, Exception):
            raise error  # the framework has answers to its own exceptions
        return Response(status_code=500)


class _Status:
    """Notes the status that a response begins with."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.code = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.code = message["status"]
        await self._send(message)
