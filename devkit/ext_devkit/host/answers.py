"""What the client of an HTTP function gets, and what the console says of the invocation."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from starlette.responses import Response

from ext_devkit.host.bindings import HTTP, RETURN
from ext_devkit.host.console import flush_output, logger, users_traceback
from ext_devkit.host.http import request_datum, response_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from azure.functions.meta import Datum
    from starlette.requests import Request

    from ext_devkit.host.application import Route
    from ext_devkit.host.functions import Registry
    from ext_devkit.host.invocation import Invoker, Outcome


class Answers:
    """Invokes the functions that requests are for."""

    def __init__(self, registry: Registry, invoker: Invoker, app: Path) -> None:
        self._registry = registry
        self._invoker = invoker
        self._app = app

    async def to(self, route: Route, request: Request, params: Mapping[str, str], body: bytes) -> Response:
        """Run the function of a route and return its response: 500 with no body if it fails."""
        run = Run(route.name, self._app)
        inputs = {route.trigger: request_datum(request, params, body)}
        outcome = await self._invoker.call(route.function_id, inputs, invocation_id=run.id, headers=request.headers)
        response = Response(status_code=500)
        if outcome.error is None:
            self._say_outputs(route, outcome)
            try:
                response = response_of(outcome)
            except ValueError as error:
                run.fail(error)
        else:
            run.fail(outcome.error)
        run.end(response.status_code)
        return response

    def _say_outputs(self, route: Route, outcome: Outcome) -> None:
        types = self._registry.outputs[route.function_id]
        given = dict(outcome.outputs)
        if outcome.result is not None and outcome.returned is not None:
            given[RETURN] = outcome.result
        for name, datum in given.items():
            kind = types.get(name, "unnamed")
            if kind != HTTP:
                _say_output(route.name, name, kind, datum)


class Run:
    """One invocation, as the console shows it."""

    def __init__(self, name: str, app: Path) -> None:
        self.id = str(uuid.uuid4())
        self._name = name
        self._app = app
        self._started = time.perf_counter()
        self._failed = False

    def fail(self, error: BaseException) -> None:
        """Show why it failed."""
        self._failed = True
        logger.error("%s", users_traceback(error, self._app))

    def end(self, status: int) -> None:
        """Show what the function printed, as the workers do, and how it ended."""
        duration = (time.perf_counter() - self._started) * 1000
        flush_output()
        verdict = "Failed" if self._failed else "Succeeded"
        logger.info("Executed '%s' (%s, %d, Id=%s, Duration=%dms)", self._name, verdict, status, self.id, duration)


def response_of(outcome: Outcome) -> Response:
    """Return the response to an HTTP function that did not fail.

    Without an answer it is 204, as the documentation of the HTTP trigger says. Raises ValueError for an answer that
    cannot be written as HTTP.
    """
    return Response(status_code=204) if outcome.response is None else response_from(outcome.response)


def _say_output(function: str, name: str, kind: str, datum: Datum) -> None:
    size = len(datum.value) if hasattr(datum.value, "__len__") else len(str(datum.value))
    logger.info("%s: output %r (%s): %s of length %d, not delivered from here", function, name, kind, datum.type, size)
