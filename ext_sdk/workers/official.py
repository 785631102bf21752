"""Extensions that know azure-functions' own base classes only, `AppExtensionBase` and `FuncExtensionBase`.

Their hooks are called by the classic worker alone. On every other worker they run beside ours: found in the official
registry (azure/functions/extension/extension_meta.py), each class once, however often it was registered.
"""

from __future__ import annotations

import inspect
import logging
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from azure.functions import AppExtensionBase, FuncExtensionBase
from azure.functions.extension import ExtensionMeta

from ext_sdk import registry
from ext_sdk.binding import Binding
from ext_sdk.workers.patched import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("ext_sdk")

_HOOKS = ("post_function_load_app_level", "pre_invocation_app_level", "post_invocation_app_level")
_REGISTERING = ("_register_application_extension", "_register_function_extension")


class OfficialRegistration(registry.Registration):
    """An extension whose author knows nothing of ours: no order, no settings, never critical."""

    order = 0
    critical = False
    checked = False

    def hook(self, name: str) -> Any:
        """Return the bound hook if it can be called; the classic worker never awaits one either, but is silent."""
        hook = super().hook(name)
        if not inspect.iscoroutinefunction(hook):
            return hook
        _log.warning("%s.%s is a coroutine function, which no worker awaits: it does not run.", self.name, name)
        return None


def driven_by_the_worker() -> bool:
    """Whether this is the classic worker, which calls the official hooks by itself."""
    return "azure_functions_worker" in sys.modules


def waiting() -> bool:
    """Whether there is an extension for us to drive."""
    return not driven_by_the_worker() and any(True for _ in _registered())


def adopt() -> None:
    """Make each extension of the official registry active, those that come later included."""
    _watch_registering()
    for extension in _registered():
        _adopt_one(extension)


def _registered() -> Iterator[Any]:
    """Yield app-level classes and function-level instances, in the order in which they were registered.

    The registry keeps bound hooks, and every extension has all of them, if only by inheritance.
    """
    app_level: Any = ExtensionMeta.get_application_hooks()
    everything = [*([] if app_level is None else [app_level]), *ExtensionMeta._func_exts.values()]
    found: dict[int, Any] = {}
    for hooks in everything:
        for of_one_name in hooks:
            for one in of_one_name:
                extension = getattr(one.ext_impl, "__self__", None) or _class_of(one)
                if extension is not None:
                    found.setdefault(id(extension), extension)
    yield from found.values()


def _class_of(static: Any) -> Any:
    """Return the app-level class that a static hook is of, which the hook itself does not know."""
    below = list(AppExtensionBase.__subclasses__())
    for one in below:
        below += one.__subclasses__()
    named = [one for one in below if one.__name__ == static.ext_name]
    return next((one for one in named if any(static.ext_impl is getattr(one, name, None) for name in _HOOKS)), None)


def _adopt_one(extension: Any) -> None:
    is_class = isinstance(extension, type)
    key: tuple[Any, ...] = ("official", *registry.identity(extension if is_class else type(extension)))
    if is_class:
        if not issubclass(extension, AppExtensionBase) or _known(key, extension):
            return
        found = registry.add(key, extension, AppExtensionBase, kind=OfficialRegistration)
    else:
        name = getattr(extension, "_trigger_name", "")
        key = (*key, name)
        if not isinstance(extension, FuncExtensionBase) or _known(key, extension):
            return
        found = registry.add(key, extension, FuncExtensionBase, Binding(name), kind=OfficialRegistration)
    registry.admit(found)


def _known(key: tuple[Any, ...], extension: Any) -> bool:
    found = registry.find(key)
    return found is not None and found.extension is extension


def _watch_registering() -> None:
    """Look again whenever a class or an instance is registered; without these methods it is seen at the next load."""
    for name in _REGISTERING:
        method = getattr(ExtensionMeta, name, None)
        if method is not None:
            setattr(ExtensionMeta, name, _then_adopt(getattr(method, ORIGINAL, method)))


def _then_adopt(original: Any) -> Any:
    @wraps(original)
    def register(extension: Any) -> Any:
        result = original(extension)
        try:
            _adopt_one(extension)
        except Exception:
            _log.exception("An extension of the official kind could not be taken over: %r", extension)
        return result

    setattr(register, ORIGINAL, original)
    return staticmethod(register)
