"""How each worker's log correlation is carried into threads.

The log handler of a worker asks in several places, one after the other, which invocation a record belongs to:

- the classic worker (azure_functions_worker/dispatcher.py, `get_current_invocation_id`): an attribute of the current
  task, then the `threading.local` that is `context.thread_local_storage`;
- the worker of the library runtimes (proxy_worker/dispatcher.py, `get_current_invocation_id`): the attribute of the
  task, then the runtime's context variable, then a registry by thread id. Its `threading.local` is not the one in
  `context.thread_local_storage`. With a runtime that has no such variable it takes the invocation that started last,
  before all else, which nobody can mend from here;
- the local host: `context.thread_local_storage`.

Places are looked for each time, and one that is not there, or not as it was, is passed over: then the logs of a thread
stay without their invocation, as they would without us, and nothing else happens.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ext_sdk.function import UNCORRELATED, Correlation

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT: Any = object()


def of(module_name: str) -> Correlation:
    """Return the way of the worker whose functions are in the module."""
    return WAYS.get(module_name, UNCORRELATED)


def of_this_process() -> Correlation:
    """Return the way of the worker that is loaded, if its registry is not to be had."""
    return next((way for name, way in WAYS.items() if name in sys.modules), UNCORRELATED)


class _Place(Protocol):
    """Somewhere a log handler looks for an invocation id, as seen from the current thread and task."""

    def read(self, context: Any) -> Any:
        """Return the id, None if there is none now, or _ABSENT if the place itself does not exist."""

    def write(self, context: Any, invocation_id: str | None) -> None:
        """Put an id there, or none."""


class _Task:
    """The attribute that the workers' own tasks have and hand to their child tasks."""

    NAME = "__azure_function_invocation_id__"

    def read(self, _context: Any) -> Any:
        return getattr(_current_task(), self.NAME, _ABSENT)

    def write(self, _context: Any, invocation_id: str | None) -> None:
        setattr(_current_task(), self.NAME, invocation_id)


class _ThreadLocal:
    """`context.thread_local_storage`, or where the worker keeps it, for when its Context is not at hand."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def _storage(self, context: Any) -> Any:
        found = getattr(context, "thread_local_storage", None)
        return _attribute(self._module, self._name) if found is None else found

    def read(self, context: Any) -> Any:
        storage = self._storage(context)
        return _ABSENT if storage is None else getattr(storage, "invocation_id", None)

    def write(self, context: Any, invocation_id: str | None) -> None:
        self._storage(context).invocation_id = invocation_id


class _Variable:
    """The context variable of a runtime. Tasks, and threads of `asyncio.to_thread`, inherit it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def read(self, _context: Any) -> Any:
        variable = _attribute(self._module, "invocation_id_cv")
        return _ABSENT if variable is None else variable.get()

    def write(self, _context: Any, invocation_id: str | None) -> None:
        _attribute(self._module, "invocation_id_cv").set(invocation_id)


class _ThreadRegistry:
    """The registry by thread id that the worker of the library runtimes keeps."""

    def __init__(self, module: str) -> None:
        self._module = module

    def read(self, _context: Any) -> Any:
        get = _attribute(self._module, "get_thread_invocation_id")
        return _ABSENT if get is None else get(threading.get_ident())

    def write(self, _context: Any, invocation_id: str | None) -> None:
        if invocation_id is None:
            _attribute(self._module, "clear_thread_invocation_id")(threading.get_ident())
        else:
            _attribute(self._module, "set_thread_invocation_id")(threading.get_ident(), invocation_id)


class _Places(Correlation):
    """Reads the places in the order in which the worker's log handler does, and writes all of them."""

    def __init__(self, *places: _Place) -> None:
        self._places = places

    def current_id(self) -> str:
        for place in self._places:
            found = _read(place, None)
            if isinstance(found, str) and found:
                return found
        return ""

    def enter(self, context: Any, invocation_id: str) -> Callable[[], object]:
        marked: list[tuple[_Place, Any]] = []
        for place in self._places if invocation_id else ():
            before = _read(place, context)
            if before not in (_ABSENT, invocation_id):
                _write(place, context, invocation_id)
                marked.append((place, before))
        return partial(_unmark, context, marked) if marked else super().enter(context, invocation_id)


class _OfRuntime(_Places):
    """The worker of the library runtimes, where asyncio itself can carry the id into threads."""

    def __init__(self, variable: _Variable, threads: _ThreadRegistry) -> None:
        super().__init__(_Task(), variable, threads)
        self._variable = variable

    def inherit(self, invocation_id: str) -> None:
        """Let the threads and tasks that this task starts by `asyncio.to_thread` and the like be known as its part.

        For the task that the worker makes for one invocation: what is set here ends with the task.
        """
        if invocation_id:
            _write(self._variable, None, invocation_id)


def _read(place: _Place, context: Any) -> Any:
    try:
        return place.read(context)
    except Exception:  # a worker of another shape: not known there
        return _ABSENT


def _write(place: _Place, context: Any, invocation_id: str | None) -> None:
    try:
        place.write(context, invocation_id)
    except Exception:  # noqa: S110 - as above: not carried, and to say so for each job would help nobody
        pass


def _unmark(context: Any, marked: list[tuple[_Place, Any]]) -> None:
    for place, before in marked:
        _write(place, context, before)


def _attribute(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)


def _current_task() -> Any:
    asyncio: Any = sys.modules.get("asyncio")
    loop = asyncio and asyncio._get_running_loop()
    return None if loop is None else asyncio.current_task(loop)


def classic(package: str) -> Correlation:
    """Return the way of the classic worker, from the package that it is."""
    return _Places(_Task(), _ThreadLocal(f"{package}.dispatcher", "_invocation_id_local"))


def runtime(package: str, proxy: str = "proxy_worker.dispatcher") -> Correlation:
    """Return the way of a library runtime, from its package and the module of the worker that calls it."""
    return _OfRuntime(_Variable(f"{package}.utils.executor"), _ThreadRegistry(proxy))


WAYS: dict[str, Correlation] = {
    "azure_functions_worker.functions": classic("azure_functions_worker"),
    "azure_functions_runtime.functions": runtime("azure_functions_runtime"),
    "azure_functions_runtime_v1.functions": runtime("azure_functions_runtime_v1"),
    "ext_devkit.host.functions": _Places(_ThreadLocal("ext_devkit.host.context", "thread_local_storage")),
}
"""Module of the worker's functions -> its way."""
