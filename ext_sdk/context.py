"""The current invocation, and how to take it along into a thread."""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import ParamSpec

    from ext_sdk.invocation import Invocation

    P = ParamSpec("P")
    R = TypeVar("R")

current: ContextVar[Invocation | None] = ContextVar("ext_sdk.current_invocation", default=None)


def current_invocation() -> Invocation | None:
    """Return the invocation that this thread or task works for, or None outside of one."""
    return current.get()


def propagate(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` bound to the caller's context, for a thread or an executor.

    The current invocation, the current span and every other context variable are there when it runs, as often and in
    as many threads as it is called. Tasks of asyncio inherit all that by themselves.
    """
    context = copy_context()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        # A Context can be entered by one thread at a time, so each call gets a copy.
        return context.copy().run(function, *args, **kwargs)

    return carried
