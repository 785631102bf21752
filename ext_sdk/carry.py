"""How each kind of work is carried into a context: a function, a coroutine function, an executor."""

from __future__ import annotations

from contextvars import copy_context
from functools import cache, partial, wraps
from typing import TYPE_CHECKING, Any

from ext_sdk.context import current_invocation
from ext_sdk.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor
    from contextvars import Context

_CARRIES = "_ext_sdk_carries"


def function(work: Callable[..., Any], context: Context) -> Callable[..., Any]:
    """Return `work`, each call of which runs in a copy of the context."""

    @wraps(work)
    def carried(*args: Any, **kwargs: Any) -> Any:
        # A Context can be entered by one thread at a time, so each call gets a copy.
        return context.copy().run(_correlated, work, *args, **kwargs)

    return carried


def coroutine_function(work: Callable[..., Any], context: Context) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return `work`, each coroutine of which takes all of its steps in a copy of the context."""

    @wraps(work)
    async def carried(*args: Any, **kwargs: Any) -> Any:
        return await _Steps(_awaited(work, args, kwargs), context.copy())

    return carried


async def _awaited(work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return await work(*args, **kwargs)


class _Steps:
    """Takes a coroutine's steps inside a context, whoever the task is that asks for them.

    A task keeps to the context that it was made in, and can be given another one since Python 3.11 only.
    """

    __slots__ = ("_context", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> None:
        self._coroutine = coroutine
        self._context = context

    def __await__(self) -> _Steps:
        return self

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        return self._context.run(_correlated, self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self._context.run(_correlated, self._coroutine.throw, *error)

    def close(self) -> None:
        self._context.run(_correlated, self._coroutine.close)


def executor(pool: Executor) -> Executor:
    """Make each job of the pool run in the context of the code that submits it; return the pool."""
    kind: Any = type(pool)
    if getattr(kind, _CARRIES, False):
        return pool
    try:
        # Not an attribute of the instance: it would refer to the pool and back, and a pool that nobody shuts down
        # lets its threads go when the last reference to it does.
        pool.__class__ = _carrying(kind)
    except TypeError as error:
        raise ExtensionError(
            f"propagate() cannot change a {kind.__name__}. Carry the jobs: pool.submit(propagate(job))."
        ) from error
    return pool


@cache
def _carrying(kind: Any) -> Any:
    def submit(self: Executor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        # The arguments are left to the executor's own submit(), which may have a use for some of them.
        return kind.submit(self, partial(copy_context().run, _correlated, fn), *args, **kwargs)

    same = {"__slots__": (), "__doc__": kind.__doc__, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {**same, "submit": submit, _CARRIES: True})


def _correlated(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `work` in a thread that the worker's log handler takes for a part of the current invocation."""
    invocation = current_invocation()
    if invocation is None:
        return work(*args, **kwargs)
    leave = invocation._function.correlation.enter(invocation.context, invocation.id)
    try:
        return work(*args, **kwargs)
    finally:
        leave()
