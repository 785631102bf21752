"""What the client of an HTTP function gets, and what the console says of the invocation."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ext_devkit.host.bindings import HTTP, RETURN
from ext_devkit.host.console import flush_output, logger, users_traceback
from ext_devkit.host.http import BodyTooLargeError, read_body, request_datum, response_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from ext_devkit.host.application import Route
    from ext_devkit.host.functions import Registry
    from ext_devkit.host.invocation import Invoker, Outcome


class Answering(Protocol):
    """Invokes the functions that requests are for."""

    async def to(self, route: Route, request: Request, params: Mapping[str, str]) -> ASGIApp:
        """Return the response of a route's function, whatever it does."""


class Answers:
    """Invokes functions that take and return the types of azure.functions."""

    def __init__(self, registry: Registry, invoker: Invoker, app: Path) -> None:
        self._registry = registry
        self._invoker = invoker
        self._app = app

    async def to(self, route: Route, request: Request, params: Mapping[str, str]) -> Response:
        """Run a function for a request, once that is whole; the response is 500 with no body if it fails."""
        try:
            body = await read_body(request)
        except BodyTooLargeError:
            return Response(status_code=413)
        except ClientDisconnect:
            logger.info("The client of %s went away before its request was whole", route.name)
            return Response(status_code=400)
        run = Run(route.name, self._app)
        inputs = {route.trigger: request_datum(request, params, body)}
        outcome = await self._invoker.call(route.function_id, inputs, invocation_id=run.id, headers=request.headers)
        response = self._response(route, outcome, run)
        run.end(response.status_code)
        return response

    def _response(self, route: Route, outcome: Outcome, run: Run) -> Response:
        if outcome.error is None:
            say_outputs(route.name, outcome, self._registry.outputs[route.function_id])
            try:
                return response_of(outcome)
            except ValueError as error:
                run.fail(error)
        else:
            run.fail(outcome.error)
        return Response(status_code=500)


class Run:
    """One invocation, as the console shows it."""

    def __init__(self, name: str, app: Path) -> None:
        self.id = str(uuid.uuid4())
        self._name = name
        self._app = app
        self._started = time.perf_counter()
        self._error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Show why it failed, once for each error."""
        if error is not self._error:
            self._error = error
            logger.error("%s", users_traceback(error, self._app))

    def end(self, status: int) -> None:
        """Show what the function printed, as the workers do, and how it ended."""
        duration = (time.perf_counter() - self._started) * 1000
        flush_output()
        verdict = "Succeeded" if self._error is None else "Failed"
        logger.info("Executed '%s' (%s, %d, Id=%s, Duration=%dms)", self._name, verdict, status, self.id, duration)


def response_of(outcome: Outcome) -> Response:
    """Return the response to an HTTP function that did not fail.

    Without an answer it is 204, as the documentation of the HTTP trigger says. Raises ValueError for an answer that
    cannot be written as HTTP.
    """
    return Response(status_code=204) if outcome.response is None else response_from(outcome.response)


def say_outputs(function: str, outcome: Outcome, types: Mapping[str, str]) -> None:
    """Show what an invocation sent to other bindings than HTTP; `types` are theirs, by name."""
    given = dict(outcome.outputs)
    if outcome.result is not None and outcome.returned is not None:
        given[RETURN] = outcome.result
    for name, datum in given.items():
        kind = types.get(name, "unnamed")
        if kind != HTTP:
            size = len(datum.value) if hasattr(datum.value, "__len__") else len(str(datum.value))
            logger.info(
                "%s: output %r (%s): %s of length %d, not delivered from here", function, name, kind, datum.type, size
            )
