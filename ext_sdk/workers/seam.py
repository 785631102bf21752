"""One seam serves every worker: `Registry.get_function` of the worker's `functions` module.

Each worker looks the function up there at every invocation (azure_functions_worker/dispatcher.py,
azure_functions_runtime/handle_event.py and native_invocation.py, azure_functions_runtime_v1/handle_event.py), so a
function that was loaded before the first extension is covered too, and nothing that indexing looks at is disturbed.
"""

from __future__ import annotations

import logging
from functools import wraps
from inspect import isfunction, signature
from typing import TYPE_CHECKING, Any

from ext_sdk import registry, switch
from ext_sdk.workers import calls, switched_off
from ext_sdk.workers.describe import describe
from ext_sdk.workers.patched import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ext_sdk.function import Function

_log = logging.getLogger("ext_sdk")

_NEEDED = {"func", "name", "directory", "requires_context", "is_async", "input_types", "output_types"}
"""The fields of `FunctionInfo` that the seam reads; workers have others beside them, and not all the same."""


def unfamiliar(module: ModuleType) -> str:
    """Return what differs from the shape that all workers have had since 2021; nothing if it is familiar."""
    lookup = getattr(getattr(module, "Registry", None), "get_function", None)
    if not isfunction(lookup):
        return "has no Registry.get_function"
    if list(signature(lookup).parameters) != ["self", "function_id"]:
        return f"has Registry.get_function{signature(lookup)}"
    fields = getattr(getattr(module, "FunctionInfo", None), "_fields", ())
    missing = sorted(_NEEDED.difference(fields))
    return f"has a FunctionInfo without {', '.join(missing)}" if missing else ""


def watch(module: ModuleType, on_load: Callable[[Function], object]) -> None:
    """Have the worker call its functions through the extensions; `on_load` is told of each when it is first seen.

    The worker's registry may be an instance of a class above or below the one that is called `Registry`.
    """
    for one in _family(module.Registry):
        lookup = vars(one).get("get_function")
        if lookup is not None:
            one.get_function = _watched(getattr(lookup, ORIGINAL, lookup), module.__name__, on_load)


def _family(registry_type: Any) -> Iterator[Any]:
    yield from registry_type.__mro__
    later = list(registry_type.__subclasses__())
    while later:
        one = later.pop()
        yield one
        later += one.__subclasses__()


def _watched(
    lookup: Callable[[Any, str], Any], module_name: str, on_load: Callable[[Function], object]
) -> Callable[[Any, str], Any]:
    wrapped: dict[tuple[int, str], tuple[Any, Any]] = {}

    @wraps(lookup)
    def get_function(self: Any, function_id: str) -> Any:
        info = lookup(self, function_id)
        if info is None:  # the workers ask whether a function is loaded yet
            return None
        key = (id(self), function_id)
        seen = wrapped.get(key)
        if seen is None or seen[0] is not info:  # new, or indexed again
            seen = wrapped[key] = (info, _wrap(info, module_name, on_load))
        return seen[1]

    setattr(get_function, ORIGINAL, lookup)
    return get_function


def _wrap(info: Any, module_name: str, on_load: Callable[[Function], object]) -> Any:
    """Return the worker's record with our call in the function's place, or unchanged if it cannot be read."""
    # The switch is read here again: the environment that holds may have come after the extension.
    if calls.stands_in(info.func):
        return info
    if not switch.enabled():
        return switched_off.around(info)
    try:
        function = describe(info, module_name)
        on_load(function)
        call = calls.through_extensions(function)
        return info._replace(func=call, requires_context=info.requires_context or function.has_context)
    except Exception:
        name = getattr(info, "name", "?")
        _log.exception("Extensions do not run around function %r: the worker's record of it could not be read.", name)
        return info._replace(func=_guarded(info.func, name)) if registry.critical() else info


def _guarded(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function that is not called as long as there is an extension that must not be left out."""

    @wraps(function)
    def call(**args: Any) -> Any:
        registry.refuse_critical(f"the worker's record of function {name!r} could not be read")
        return function(**args)

    return call
