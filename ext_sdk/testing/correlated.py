"""Which log records a simulated worker hands to the host as an invocation's, and which it does not.

Each worker's log handler asks where it keeps the invocation of the current task or thread:

- classic (azure_functions_worker/dispatcher.py, `get_current_invocation_id`): the task, whose child tasks inherit it,
  then the `threading.local` that is `context.thread_local_storage`, set in the pool's thread while a function runs;
- the library runtimes (proxy_worker/dispatcher.py, `get_current_invocation_id`): the task, then the runtime's context
  variable, set in the pool's thread (utils/executor.py, `run_sync_func`), then the thread's entry in a registry, which
  the event loop's thread keeps after an invocation has ended.

The host drops records without an invocation that it knows of; records of some loggers are the platform's own.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ext_sdk.workers import correlation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ext_sdk.testing.running import Result

_OF_TASK = "__azure_function_invocation_id__"
_SYSTEM = ("azure_functions_worker", "proxy_worker", "azure.functions")
"""Beginnings of the loggers whose records are the platform's (`is_system_log_category` of both workers' logging.py)."""


class Correlated:
    """Where one simulated worker keeps which invocation a thread or task works for."""

    def __init__(self, generation: str) -> None:
        self._package = f"simulated_{generation}"
        self._generation = generation
        self.storage = threading.local()
        """What `context.thread_local_storage` is."""
        self._variable: ContextVar[str | None] = ContextVar("invocation_id", default=None)
        self._threads: dict[int, str] = {}

    @contextmanager
    def known(self) -> Iterator[None]:
        """Have ext_sdk find these places as it finds those of the real worker; those of an unknown one it does not."""
        functions = f"{self._package}.functions"
        modules: dict[str, dict[str, Any]] = {}
        if self._generation == "classic":
            correlation.WAYS[functions] = correlation.classic(self._package)
            modules["dispatcher"] = {"_invocation_id_local": self.storage}
        elif self._of_runtime:
            correlation.WAYS[functions] = correlation.runtime(self._package, f"{self._package}.proxy")
            modules["utils.executor"] = {"invocation_id_cv": self._variable}
            modules["proxy"] = {
                "get_thread_invocation_id": self._threads.get,
                "set_thread_invocation_id": self._threads.__setitem__,
                "clear_thread_invocation_id": lambda thread: self._threads.pop(thread, None),
            }
        for name, content in modules.items():
            module = ModuleType(f"{self._package}.{name}")
            vars(module).update(content)
            sys.modules[module.__name__] = module
        try:
            yield
        finally:
            correlation.WAYS.pop(functions, None)
            for name in modules:
                del sys.modules[f"{self._package}.{name}"]

    def prepare(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the tasks of a loop hand their invocation to the tasks that they start."""
        loop.set_task_factory(_Task.of)

    def mark_task(self, invocation_id: str) -> None:
        """Let the current task work for an invocation, as the workers do when a request comes in."""
        setattr(asyncio.current_task(), _OF_TASK, invocation_id)
        if self._of_runtime:
            self._threads[threading.get_ident()] = invocation_id

    def call(self, invocation_id: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call something for an invocation, in a thread of the pool."""
        self.storage.invocation_id = invocation_id
        token = self._variable.set(invocation_id)
        try:
            return function(*args)
        finally:
            self._variable.reset(token)
            self.storage.invocation_id = None

    @contextmanager
    def reporting(self, result: Result, invocation_id: str) -> Iterator[None]:
        """Note in a result what the worker would hand to the host as the invocation's."""
        handler = _Reported(self, result, invocation_id)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)

    def current_id(self) -> str | None:
        """Return what the worker's log handler takes for the current invocation."""
        found = getattr(_current_task(), _OF_TASK, None)
        if self._of_runtime:
            return found or self._variable.get() or self._threads.get(threading.get_ident())
        return found or getattr(self.storage, "invocation_id", None)

    @property
    def _of_runtime(self) -> bool:
        return self._generation.startswith("runtime")


class _Task(asyncio.Task):  # type: ignore[type-arg] # cannot be said to a base class on Python 3.10
    """A task that works for the invocation of the task that started it, as ContextEnabledTask of both workers."""

    def __init__(self, coro: Any, *, loop: asyncio.AbstractEventLoop, **more: Any) -> None:
        super().__init__(coro, loop=loop, **more)
        found = getattr(asyncio.current_task(loop), _OF_TASK, None)
        if found is not None:
            setattr(self, _OF_TASK, found)

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> _Task:
        """Make one, as a loop asks for it."""
        return cls(coro, loop=loop, **more)


class _Reported(logging.Handler):
    """Keeps the records of one invocation, by the worker's own rule."""

    def __init__(self, correlated: Correlated, result: Result, invocation_id: str) -> None:
        super().__init__()
        self._correlated, self._result, self._id = correlated, result, invocation_id

    def emit(self, record: logging.LogRecord) -> None:
        if self._correlated.current_id() == self._id and not record.name.startswith(_SYSTEM):
            self._result.reported.append(record)


def _current_task() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        return None
