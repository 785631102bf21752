"""What is checked: a class of an extension, and how an app would use it."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from azure.functions import AppExtensionBase, FuncExtensionBase

from ext_devkit.check.functions import coroutine, fails, says_ok, sync
from ext_devkit.check.seen import Said, SeenError
from ext_devkit.errors import DevkitError
from ext_sdk import AppExtension, FuncExtension, registry
from ext_sdk.testing import GENERATIONS, isolated, run, worker
from ext_sdk.workers import official

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ext_sdk.testing import Result, Worker


settings: dict[str, Any] = {}
"""What `configure` of the extension is called with, or one of the function level made with, in a check's process."""

_AROUND = ("pre_invocation", "post_invocation", "invocation_failed")


class NoSubjectError(DevkitError):
    """What was named is no extension."""


class Subject:
    """The class that is checked."""

    def __init__(self, extension: type) -> None:
        self.extension: Any = extension
        self.keeps_results = True
        self._said = Said()
        self._accepted: set[str] = set()

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
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise  # what the extension itself needs
            raise NoSubjectError(
                f"{error}. Install it, or name the folder or wheel that it is in with --path."
            ) from None
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

    @property
    def takes_part(self) -> bool:
        """Whether it has a hook that runs when functions are invoked."""
        return self._has("around_invocation", *(f"{one}{self._suffix}" for one in _AROUND))

    @property
    def does_something(self) -> bool:
        """Whether it has any hook at all."""
        return self.takes_part or self._has("init", "shutdown", f"post_function_load{self._suffix}")

    @property
    def astray(self) -> list[str]:
        """The hooks of the other level that it defines: no worker calls them."""
        other = "" if self.is_app_level else "_app_level"
        return [name for one in ("post_function_load", *_AROUND) if hasattr(self.extension, name := f"{one}{other}")]

    @property
    def _suffix(self) -> str:
        return "_app_level" if self.is_app_level else ""

    def _has(self, *hooks: str) -> bool:
        bases = (AppExtensionBase, FuncExtensionBase, AppExtension, FuncExtension)
        inherited = [vars(base)[one] for base in bases for one in hooks if one in vars(base)]
        found = [inspect.getattr_static(self.extension, one, None) for one in hooks]
        return any(one is not None and all(one is not other for other in inherited) for one in found)

    @contextmanager
    def alone(self, *, configured: bool = True) -> Iterator[None]:
        """Have it active, and what its package brings along, and nothing else."""
        along = [] if not self.is_app_level else [self.extension]
        package = self.extension.__module__.partition(".")[0]
        along += [
            one.type for one in registry.active()
            if one.level == registry.APP and one.type is not self.extension and _belongs(one.type, package)
        ]  # fmt: skip
        with isolated(*along):
            if configured:
                self.configure()
            yield

    @contextmanager
    def ready(self, *, configured: bool = True) -> Iterator[None]:
        """Have it alone and take part in `HttpTrigger`, after plain invocations; what fails there is said elsewhere."""
        with self.alone(configured=configured):
            self.attach()
            self.keeps_results = run(says_ok).value == "ok"
            run(fails)
            self.accept_failures()
            yield

    def configure(self) -> None:
        """Give it the settings that `--configure` names; one of the function level gets them when it is made."""
        if settings and self.is_app_level:
            self.extension.configure(**settings)

    def attach(self, function: str = "HttpTrigger", *, by_path: bool = False) -> None:
        """Have it take part in a function, by its name or by its path as in v1 apps; nothing to do at app level."""
        if self.is_app_level:
            return
        if self.is_ours and not by_path and "function" in _parameters(self.extension):
            self.extension(function=function, **settings)
            return
        root = os.environ.setdefault("AzureWebJobsScriptRoot", os.getcwd())
        self.extension(os.path.join(root, function, "__init__.py"), **settings)

    def settle(self) -> None:
        """Have it active for the rest of this process, as in an app."""
        if not self.is_ours:
            official.adopt()
        self.configure()
        self.attach()
        if not self.is_ours:
            official.adopt()

    @contextmanager
    def on(self, generation: str) -> Iterator[Worker]:
        """Have it alone on a simulated worker of a generation."""
        with ExitStack() as stack:
            stack.enter_context(self.alone())
            yield stack.enter_context(worker(generation))

    def everywhere(self, body: Callable[[int], Any]) -> Iterator[tuple[str, Callable[[int], Result]]]:
        """Have it on each worker, around a sync and an async function that returns what `body(number)` does.

        Yields where that is, and what invokes the function with a number.
        """
        for generation in GENERATIONS:
            with self.on(generation) as simulated:
                for name, form in (("sync", sync(body)), ("async", coroutine(body))):
                    simulated.load(form, name=name)
                    self.attach(name, by_path=generation in ("classic", "runtime_v1"))
                    yield f"{name} on the worker {generation!r}", _through(simulated, name)

    def accept_failures(self) -> None:
        """Say no more of the hooks that have failed by now, in a plain invocation: the check `hooks` does."""
        self._accepted |= set(self._failures())

    def expect_no_failures(self, where: str = "") -> None:
        """Raise SeenError if one of its hooks failed that did not before."""
        told = [f"{hook} {_times(n)}" for hook, n in self._failures().items() if hook not in self._accepted]
        if self._said.by_worker:
            told.append(f"on the classic worker {_times(self._said.by_worker)}")
        if told:
            raise SeenError(f"its hooks fail{where}: {', '.join(told)}. {self._said.last()}".rstrip())

    def _failures(self) -> dict[str, int]:
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


def _through(simulated: Worker, name: str) -> Callable[[int], Result]:
    return lambda number: simulated.invoke(name, params={"n": str(number)})


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _parameters(extension: type) -> tuple[str, ...]:
    # Not of the class: that one's are the metaclass's, which takes everything.
    found = inspect.signature(extension.__init__).parameters  # type: ignore[misc]
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in found.values())
    return (*found, "function") if takes_all else tuple(found)
