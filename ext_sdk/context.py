"""The current invocation, and how to take it along into threads, executors and other event loops."""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from typing_extensions import ParamSpec

    from ext_sdk.invocation import Invocation

    T = TypeVar("T", bound=Executor)
    P = ParamSpec("P")
    R = TypeVar("R")

Later = list[Any]
"""What an Invocation is made of, for a function that has no extensions: made when somebody asks, which is seldom.

As nothing is quicker to make, a list: an Invocation's arguments, then the Invocation.
"""

current: ContextVar[Invocation | Later | None] = ContextVar("ext_sdk.current_invocation", default=None)

_PARTS = 5  # the arguments that it starts with


def current_invocation() -> Invocation | None:
    """Return the invocation that this thread or task works for, or None outside of one."""
    found = current.get()
    return _made(found) if isinstance(found, list) else found


def _made(later: Later) -> Invocation:
    from ext_sdk.invocation import Invocation

    if len(later) == _PARTS:
        later.append(Invocation(*later[:_PARTS]))
    made: Invocation = later[_PARTS]  # the first one, if several threads of the invocation made one at the same time
    return made


@overload
def propagate(work: T) -> T: ...


@overload
def propagate(work: Callable[P, R]) -> Callable[P, R]: ...


def propagate(work: Any) -> Any:
    """Return `work` so that it runs for the caller's invocation, in whatever thread or event loop it comes to run.

    The current invocation, the current span and every other context variable are there then, and log records are
    put down to the invocation, as far as the worker lets them.

    - A function, or anything else that is called: the context of now is taken, for each of its calls, as often and
      in as many threads as there are.
    - A coroutine function: likewise, for each step of its coroutines. Tasks on the same event loop inherit all that
      by themselves; this is for coroutines that another event loop, or a task of another invocation, is to run.
    - A `concurrent.futures.ThreadPoolExecutor`, or another executor of threads: the very same executor is returned,
      and from now on each job runs in the context of the code that submitted it, `map`, `loop.run_in_executor` and,
      for an event loop's default executor, `asyncio.to_thread` included. A second time changes nothing.

    Outside of an invocation the context is taken as it is. Raises ExtensionError for what cannot be carried: a pool
    of processes, a class of executors, a coroutine, a generator function, a thread.
    """
    from ext_sdk import carriable, carry

    carriable.check(work)
    if carriable.is_executor(work):
        return carry.executor(work)
    if carriable.is_coroutine_function(work):
        return carry.coroutine_function(work, copy_context())
    return carry.function(work, copy_context())
