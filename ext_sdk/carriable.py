"""Which kind of work something is, and what to do instead with what cannot be carried."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from threading import Thread
from typing import Any

from ext_sdk.errors import ExtensionError

_ELSEWHERE = {"ProcessPoolExecutor", "InterpreterPoolExecutor"}


def is_executor(work: Any) -> bool:
    """Whether `work` is an executor, or a class of them; if nobody imported those, it is not."""
    futures = sys.modules.get("concurrent.futures")
    return futures is not None and issubclass(_kind(work), futures.Executor)


def is_coroutine_function(work: Any) -> bool:
    """Whether calling `work` makes a coroutine; objects with an `async def __call__` included."""
    return any(inspect.iscoroutinefunction(one) for one in _called(work))


def check(work: Any) -> None:
    """Raise ExtensionError if `work` cannot be carried."""
    reason = _not_carried(work)
    if reason:
        raise ExtensionError(f"propagate() {reason}")


def _called(work: Any) -> tuple[Any, Any]:
    """Return what is called when `work` is: itself if it is a function, or what its class says."""
    while isinstance(work, partial):
        work = work.func
    return work, inspect.getattr_static(type(work), "__call__", None)


def _kind(work: Any) -> type:
    return work if isinstance(work, type) else type(work)


def _not_carried(work: Any) -> str:
    if issubclass(_kind(work), Thread):
        return "cannot carry a thread. Carry what it runs: Thread(target=propagate(work))."
    return _not_an_executor_of_threads(work) if is_executor(work) else _not_a_function(work)


def _not_an_executor_of_threads(work: Any) -> str:
    kind = _kind(work)
    if _ELSEWHERE.intersection(base.__name__ for base in kind.__mro__):
        return (
            f"cannot carry an invocation out of the process or interpreter, as a {kind.__name__} would. "
            "Use a ThreadPoolExecutor, or pass the job what it needs as arguments, such as current_invocation().id."
        )
    if kind is work:
        return f"takes an executor, not a class of them. Make one: propagate({kind.__name__}(...))."
    if "submit" in getattr(work, "__dict__", ()):
        return f"cannot carry a {kind.__name__} whose submit() was replaced already. Call propagate() before that."
    return ""


def _not_a_function(work: Any) -> str:
    name = getattr(work, "__name__", type(work).__name__)
    if inspect.iscoroutine(work):
        return f"takes the coroutine function, not the coroutine that it made. Write propagate({name})(...)."
    if inspect.isawaitable(work):
        return f"cannot carry a {name}, which keeps the context that it was made in. Carry what it runs."
    if any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in _called(work)):
        return f"cannot carry the generator function {name}, which runs where it is iterated. Carry what iterates it."
    if not callable(work):
        return f"takes a function, a coroutine function or an executor of threads, not a {name}."
    return ""
