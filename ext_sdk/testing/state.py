"""What ext_sdk and azure.functions keep in the process: put aside for a test, and put back after it."""

from __future__ import annotations

import itertools
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from azure.functions import AppExtensionBase
from azure.functions.decorators.function_app import FunctionRegister
from azure.functions.extension import ExtensionMeta

from ext_sdk import insight, lifecycle, registry, stand_ins
from ext_sdk.context import current
from ext_sdk.errors import ExtensionError
from ext_sdk.extension import AppExtension
from ext_sdk.workers import driving, official, switched_off
from ext_sdk.workers.patched import ORIGINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

seen: WeakSet[type] = WeakSet()
"""App-level extensions that were active inside of a block that has ended. Their modules run once in a process: who
imports one again, as a function app in a test does, has to activate them."""

_REGISTERING = ("_register_application_extension", "_register_function_extension")


@contextmanager
def isolated(*extensions: type) -> Iterator[None]:
    """Have only the given app-level extensions active, with no settings given and no history; undo all at the end.

    Inside, no other extension is active, nothing counts as said, and the next invocation is the process's first. What
    is defined, configured, decorated and logged inside is gone afterwards: registered extensions and their settings,
    counts and suspensions, azure.functions' own registry, handlers and levels of loggers, environment variables.
    What an extension keeps in its class or module is its own affair. May be nested.

    Raises ExtensionError for what is no app-level extension: a function-level one is made inside, for its function.
    """
    for one in extensions:
        if not (isinstance(one, type) and issubclass(one, AppExtensionBase)):
            raise ExtensionError(
                f"isolated() takes app-level extensions, not {one!r}. Make a function-level one inside of the block."
            )
    with _process(), _framework():
        for one in extensions:
            _activate(one)
        yield


def reset() -> None:
    """Forget every extension, and all that was counted and said; for interactive use, and not undone."""
    _empty()


def _activate(extension: Any) -> None:
    if not issubclass(extension, AppExtension):
        ExtensionMeta._register_application_extension(extension)  # type: ignore[no-untyped-call] # of the official kind
        official._adopt_one(extension)
        return
    registration = registry.add(registry.identity(extension), extension, AppExtension)
    extension.init()
    registry.admit(registration)


@contextmanager
def _process() -> Iterator[None]:
    environment = dict(os.environ)
    as_new = (list[logging.Handler](), logging.NOTSET, True)  # a logger that is made inside
    kept = {one: (list(one.handlers), one.level, one.propagate) for one in _loggers()}
    filters = {one: list(one.filters) for one in logging.getLogger().handlers}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for one in _loggers():
            one.handlers[:], level, one.propagate = kept.get(one, as_new)
            one.setLevel(level)
        for handler, before in filters.items():
            handler.filters[:] = before


def _loggers() -> list[logging.Logger]:
    named = list(logging.root.manager.loggerDict.values())
    return [logging.getLogger(), *(one for one in named if isinstance(one, logging.Logger))]


@contextmanager
def _framework() -> Iterator[None]:
    kept = [
        (registry._registrations, dict(registry._registrations)),
        (registry.unbound, list(registry.unbound)),
        (insight.drivers, list(insight.drivers)),
        (driving._seams, dict(driving._seams)),
        (driving._told, set(driving._told)),
        (stand_ins._made, dict(stand_ins._made)),
        (ExtensionMeta._func_exts, dict(ExtensionMeta._func_exts)),
    ]
    names: list[tuple[Any, str]] = [
        (driving, "_second"), (driving, "_environment"), (driving, "_workers"), (switched_off, "_told"),
        (lifecycle, "_invocations"), (ExtensionMeta, "_app_exts"), (ExtensionMeta, "_info"),
        (FunctionRegister, "get_functions"),
    ]  # fmt: skip
    values = [(of, name, getattr(of, name)) for of, name in names]
    registering = {name: vars(ExtensionMeta)[name] for name in _REGISTERING if name in vars(ExtensionMeta)}
    token = current.set(None)
    _empty()
    for name in registering:
        method = getattr(ExtensionMeta, name)
        # As azure.functions has it: nobody adopts what registers there, until ext_sdk finds a worker again.
        setattr(ExtensionMeta, name, staticmethod(getattr(method, ORIGINAL, method)))
    try:
        yield
    finally:
        seen.update(one.type for one in registry.active() if one.level == registry.APP)
        for of, name, value in values:
            setattr(of, name, value)
        for name, method in registering.items():
            setattr(ExtensionMeta, name, method)
        for container, before in kept:
            _refill(container, before)
        registry.outdate()
        try:
            current.reset(token)
        except ValueError:  # the end of a pytest fixture runs in another context than its beginning
            current.set(None)


def _empty() -> None:
    for container in (
        registry._registrations, registry.unbound, insight.drivers, driving._seams, driving._told, stand_ins._made,
        ExtensionMeta._func_exts,
    ):  # fmt: skip
        container.clear()
    driving._second, driving._environment = "", {}
    switched_off._told = False
    ExtensionMeta._app_exts = None
    ExtensionMeta._info = {}
    lifecycle._invocations = itertools.count()
    registry.outdate()


def _refill(container: Any, before: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(before)
    else:
        container.update(before)
