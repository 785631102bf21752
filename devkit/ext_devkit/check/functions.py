"""Functions of an app, as checks write them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import azure.functions as func  # noqa: TC002 - whoever loads these functions resolves their annotations

if TYPE_CHECKING:
    from collections.abc import Callable


def sync(body: Callable[[int], Any]) -> Callable[..., Any]:
    """Return a function of an app that returns `body(n)`, n being a parameter of its request."""

    def function(req: func.HttpRequest, context: func.Context) -> Any:  # noqa: ARG001 - as functions of apps are
        return body(int(req.params.get("n", 0)))

    return function


def coroutine(body: Callable[[int], Any]) -> Callable[..., Any]:
    """Return the same as a coroutine function."""

    async def function(req: func.HttpRequest, context: func.Context) -> Any:  # noqa: ARG001 - as functions of apps are
        await asyncio.sleep(0)
        return body(int(req.params.get("n", 0)))

    return function


def says_ok(**_: Any) -> str:
    """Be a function that takes anything."""
    return "ok"


async def says_ok_async(**_: Any) -> str:
    """Be a coroutine function that takes anything."""
    return "ok"


def fails(*_: Any, **__: Any) -> None:
    """Be a function that raises, a new exception each time: one that is raised again grows by its tracebacks."""
    raise ValueError("the function's own")


def raising(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises this."""

    def function(**_: Any) -> None:
        raise error

    return function
