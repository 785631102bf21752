"""Doing something once the app has imported a module, without importing it first."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def after_import(name: str, action: Callable[[], Any]) -> None:
    """Run `action` once the module `name` has been imported: now, if it has."""
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, _Watch(name, action))


class _Watch(MetaPathFinder):
    """Finds nothing by itself: it lets the others find one module, and acts when that has been executed."""

    def __init__(self, name: str, action: Callable[[], Any]) -> None:
        self._name = name
        self._action = action

    def find_spec(self, fullname: str, *_path_and_target: object) -> ModuleSpec | None:
        if fullname != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        loader: Any = spec.loader if spec is not None else None
        if loader is None or not hasattr(loader, "exec_module"):
            return spec
        execute = loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            del loader.exec_module
            self._action()

        loader.exec_module = execute_and_act
        return spec
