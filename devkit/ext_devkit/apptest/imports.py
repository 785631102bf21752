"""Which extensions an app brings along that other tests of the process have imported before.

A module runs once in a process, so that its extension is registered once. An app that imports it means to have it.
"""

from __future__ import annotations

import builtins
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ext_sdk import AppExtension, registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def activating(extensions: Iterable[type]) -> Iterator[None]:
    """Have those active from now on whose package an import statement asks for meanwhile, as soon as it does."""
    waiting: dict[str, list[Any]] = {}
    for one in extensions:
        if getattr(sys.modules.get(one.__module__), one.__name__, None) is not one:
            continue  # of a function, or of a module that has been imported anew since
        waiting.setdefault(_package(one.__module__), []).append(one)
    original = builtins.__import__

    def noting(name: str, *args: Any, **kwargs: Any) -> Any:
        module = original(name, *args, **kwargs)
        for one in waiting.pop(_package(name), ()):
            if registry.find(registry.identity(one)) is None:
                registry.admit(registry.add(registry.identity(one), one, AppExtension))
        return module

    builtins.__import__ = noting
    try:
        yield
    finally:
        builtins.__import__ = original


def _package(module: str) -> str:
    return module.partition(".")[0]
