"""What is checked: a class of an extension, and how an app would use it."""

from __future__ import annotations

import importlib
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.functions import AppExtensionBase, FuncExtensionBase

from ext_devkit.errors import DevkitError
from ext_sdk import AppExtension, FuncExtension, registry
from ext_sdk.testing import isolated, worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_sdk.testing import Worker


settings: dict[str, Any] = {}
"""What `configure` of the extension is called with, in the process of a check."""


class NoSubjectError(DevkitError):
    """What was named is no extension."""


class Subject:
    """The class that is checked."""

    def __init__(self, extension: type) -> None:
        self.extension: Any = extension
        self.name = extension.__name__

    @classmethod
    def named(cls, target: str) -> Subject:
        """Import what `package.module.Class` or `package.module:Class` names.

        What the module raises goes on. Raises NoSubjectError if there is no such class, or it is no extension.
        """
        module, _, name = target.rpartition(":" if ":" in target else ".")
        if not module or not name:
            raise NoSubjectError(
                f"{target!r} names no class. Name one with its module, such as my_package.MyExtension."
            )
        found = getattr(importlib.import_module(module), name, None)
        if found is None:
            raise NoSubjectError(f"The module {module!r} has no {name!r}.")
        if not isinstance(found, type) or not issubclass(found, (AppExtensionBase, FuncExtensionBase)):
            raise NoSubjectError(
                f"{target} is no extension: it is {found!r}. Subclass ext_sdk.AppExtension or ext_sdk.FuncExtension."
            )
        return cls(found)

    @property
    def is_app_level(self) -> bool:
        """Whether it takes part in all functions of an app."""
        return issubclass(self.extension, AppExtensionBase)

    @property
    def is_ours(self) -> bool:
        """Whether it knows ext_sdk, and not only azure.functions' own base classes."""
        return issubclass(self.extension, (AppExtension, FuncExtension))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have it active, and what its package brings along, and nothing else."""
        along = [] if not self.is_app_level else [self.extension]
        package = self.extension.__module__.partition(".")[0]
        along += [
            one.type for one in registry.active()
            if one.level == registry.APP and one.type is not self.extension and _belongs(one.type, package)
        ]  # fmt: skip
        with isolated(*along):
            if settings:
                self.extension.configure(**settings)
            yield

    def attach(self, simulated: Worker, function: str) -> None:
        """Have it take part in a function that the worker has loaded, if it is of the function level."""
        if self.is_app_level:
            return
        if self.is_ours:
            self.extension(function=function)
        else:
            folder = Path(simulated.folder) / function
            folder.mkdir(exist_ok=True)
            self.extension(str(folder / "__init__.py"))

    @contextmanager
    def on(self, generation: str) -> Iterator[Worker]:
        """Have it alone on a simulated worker of a generation."""
        with ExitStack() as stack:
            stack.enter_context(self.alone())
            yield stack.enter_context(worker(generation))

    def failures(self) -> dict[str, int]:
        """Return the hooks that failed so far, and how often."""
        return {
            hook: count for one in registry.active() if one.type is self.extension
            for hook, count in one.health.failures.items()
        }  # fmt: skip

    def calls(self) -> int:
        """Return how many invocations it took part in."""
        return sum(one.health.calls for one in registry.active() if one.type is self.extension)


def _belongs(extension: type, package: str) -> bool:
    """Whether the subject's package has imported the other extension: then an app has both."""
    return any(
        vars(module).get(extension.__name__) is extension
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == package and module is not None
    )
