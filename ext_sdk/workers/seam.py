"""One seam serves every worker: `Registry.get_function` of the worker's `functions` module.

Each worker looks the function up there at every invocation (azure_functions_worker/dispatcher.py,
azure_functions_runtime/handle_event.py and native_invocation.py, azure_functions_runtime_v1/handle_event.py), so a
function that was loaded before the first extension is covered too, and nothing that indexing looks at is disturbed.
"""

from __future__ import annotations

import logging
import sys
import threading
from functools import wraps
from inspect import isfunction, signature
from typing import TYPE_CHECKING, Any

from ext_sdk import lifecycle, registry, switch
from ext_sdk.workers.describe import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ext_sdk.function import Function
    from ext_sdk.lifecycle import Plan

_log = logging.getLogger("ext_sdk")

_workers = [
    "azure_functions_worker.functions",  # Python <= 3.12
    "azure_functions_runtime.functions",  # 3.13 and later, function_app.py
    "azure_functions_runtime_v1.functions",  # 3.13 and later, function.json
]
_driven: dict[str, type] = {}
_told: set[str] = set()
_lock = threading.Lock()

_ORIGINAL = "_ext_sdk_original"
"""Where our method keeps the worker's own. A second copy of ext_sdk in the process (the classic worker drops imported
modules when it switches to the app's dependencies) replaces the first one's method, it does not wrap it once more."""

_NEEDED = {"func", "name", "directory", "requires_context", "is_async", "input_types", "output_types"}
"""The fields of `FunctionInfo` that the seam reads; workers have others beside them, and not all the same."""


def register_worker(module_name: str) -> None:
    """Name one more module that has a worker's `Registry` and `FunctionInfo`; it is watched from now on."""
    if module_name not in _workers:
        _workers.append(module_name)
    if registry.active():
        install()


def driven_by() -> list[str]:
    """Return the names of the modules through which invocations reach the extensions."""
    return list(_driven)


def install() -> None:
    """Watch each known worker that is loaded and not watched yet. An unfamiliar one is left alone, and named once."""
    if not switch.enabled():
        _tell_once("switch", logging.INFO, f"Extensions are switched off: {switch.NAME} is set to a false value.")
        return
    with _lock:
        for name in _workers:
            module = sys.modules.get(name)
            if module is not None:
                _watch(name, module)


def _watch(name: str, module: ModuleType) -> None:
    registry_type = getattr(module, "Registry", None)
    if registry_type is not None and _driven.get(name) is registry_type:
        return
    unfamiliar = _unfamiliar(module)
    if unfamiliar:
        _tell_once(
            name,
            logging.WARNING,
            f"Extensions do not run: {name} {unfamiliar}, so this worker is not one that ext_sdk knows. "
            "The functions are served as if there were no extensions. Look for a newer azfunc-ext-sdk.",
        )
        return
    lookup = module.Registry.get_function
    module.Registry.get_function = _watched(getattr(lookup, _ORIGINAL, lookup))
    _driven[name] = module.Registry
    _log.debug("Extensions are driven by %s.Registry.get_function", name)


def _tell_once(topic: str, level: int, message: str) -> None:
    if topic not in _told:
        _told.add(topic)
        _log.log(level, message)


def _unfamiliar(module: ModuleType) -> str:
    """Return what differs from the shape that all workers have had since 2021; nothing if it is familiar."""
    lookup = getattr(getattr(module, "Registry", None), "get_function", None)
    if not isfunction(lookup):
        return "has no Registry.get_function"
    if list(signature(lookup).parameters) != ["self", "function_id"]:
        return f"has Registry.get_function{signature(lookup)}"
    fields = getattr(getattr(module, "FunctionInfo", None), "_fields", ())
    missing = sorted(_NEEDED.difference(fields))
    return f"has a FunctionInfo without {', '.join(missing)}" if missing else ""


def _watched(lookup: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    wrapped: dict[tuple[int, str], tuple[Any, Any]] = {}

    @wraps(lookup)
    def get_function(self: Any, function_id: str) -> Any:
        info = lookup(self, function_id)
        if info is None:  # the workers ask whether a function is loaded yet
            return None
        key = (id(self), function_id)
        seen = wrapped.get(key)
        if seen is None or seen[0] is not info:  # new, or indexed again
            seen = wrapped[key] = (info, _wrap(info))
        return seen[1]

    setattr(get_function, _ORIGINAL, lookup)
    return get_function


def _wrap(info: Any) -> Any:
    """Return the worker's record with our call in the function's place, or unchanged if it cannot be read."""
    try:
        function = describe(info)
        call = _async_call(function) if function.is_async else _sync_call(function)
        return info._replace(func=call, requires_context=info.requires_context or function.has_context)
    except Exception:
        name = getattr(info, "name", "?")
        _log.exception("Extensions do not run around function %r: the worker's record of it could not be read.", name)
        return info


def _sync_call(function: Function) -> Callable[..., Any]:
    made: tuple[int, Plan] = (-1, ())  # one name for both: a thread must not see the new version with the old plan

    @wraps(function.call)
    def call(**args: Any) -> Any:
        nonlocal made
        mine = made
        if mine[0] != registry.version:
            mine = made = registry.plan_for(function)
        return lifecycle.run(function, mine[1], args)

    return call


def _async_call(function: Function) -> Callable[..., Any]:
    made: tuple[int, Plan] = (-1, ())  # as above

    @wraps(function.call)
    async def call(**args: Any) -> Any:
        nonlocal made
        mine = made
        if mine[0] != registry.version:
            mine = made = registry.plan_for(function)
        return await lifecycle.run_async(function, mine[1], args)

    return call
