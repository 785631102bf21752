"""Which extensions are active, and which of them apply to a function."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from threading import Event, RLock
from typing import TYPE_CHECKING, Any

from ext_sdk import settings
from ext_sdk.errors import ExtensionError
from ext_sdk.health import Health
from ext_sdk.lifecycle import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ext_sdk.function import Function
    from ext_sdk.lifecycle import Plan

APP = "app"
FUNCTION = "function"

_LOAD = {APP: "post_function_load_app_level", FUNCTION: "post_function_load"}
_HOOKS = {
    APP: ("pre_invocation_app_level", "post_invocation_app_level", "invocation_failed_app_level"),
    FUNCTION: ("pre_invocation", "post_invocation", "invocation_failed"),
}

_lock = RLock()
_registrations: dict[tuple[Any, ...], Registration] = {}
version = 0
"""Grows with each change, so that a plan made earlier can be told to be out of date."""


class Registration:
    """One active extension: the class at app level, the instance at function level."""

    def __init__(self, extension: Any, base: type, function_name: str = "") -> None:
        self.extension = extension
        self.base = base
        self.level = FUNCTION if function_name else APP
        self.function_name = function_name
        self.health = Health(self.name)
        self.given: dict[str, Any] = {}
        self.resolved: Any = None
        self.greeted: dict[tuple[str, str], Event] = {}
        self.admitted = False

    @property
    def type(self) -> type:
        """The extension's class."""
        return self.extension if isinstance(self.extension, type) else type(self.extension)

    @property
    def name(self) -> str:
        """The class's name, as it stands in messages."""
        return self.type.__name__

    @property
    def order(self) -> int:
        """The class's `order`: the smaller, the further out."""
        return int(getattr(self.extension, "order", 0))

    def hook(self, name: str) -> Any:
        """Return the bound hook, or None if the extension leaves it as the base class has it."""
        bound = getattr(self.extension, name)
        inherited = getattr(self.base, name)
        return None if getattr(bound, "__func__", bound) is getattr(inherited, "__func__", inherited) else bound

    def applies_to(self, function: Function) -> bool:
        """Whether the extension takes part in the function's invocations."""
        return self.level == APP or self.function_name.lower() == function.name.lower()

    def layer(self) -> Layer:
        """Return the hooks that run around an invocation."""
        names = _HOOKS[self.level]
        before, after, failed = (self.hook(name) for name in names)
        logger = logging.getLogger(f"extension.{self.name}")
        return Layer(self.health, logger, names, before, self.hook("around_invocation"), after, failed)

    def greet(self, function: Function) -> None:
        """Call the load hook once for each function, before the function's first invocation with this extension."""
        key = (function.name, function.directory)
        hook = self.hook(_LOAD[self.level])
        if hook is None:
            return
        mine = Event()
        first = self.greeted.setdefault(key, mine)
        if first is not mine:  # done, or another thread is at it
            first.wait()
            return
        try:
            hook(function.name, function.directory)
        except Exception as error:
            self.health.note(_LOAD[self.level], function.name, error)
        finally:
            mine.set()

    def configure(self, given: dict[str, Any]) -> None:
        """Take settings, replacing all that were given before; a wrong one leaves everything as it was."""
        self.resolved = settings.resolve(self.type, self.declared, given)
        self.given = given

    @property
    def declared(self) -> Any:
        """The dataclass `Settings` that the extension's class declares."""
        return self.type.Settings  # type: ignore[attr-defined]

    def settings(self) -> Any:
        """Return the settings in force."""
        if self.resolved is None:
            self.resolved = settings.resolve(self.type, self.declared, self.given)
        return self.resolved


def identity(extension: type) -> tuple[str, str]:
    """Return what stays the same when a class is defined again: its file and qualified name.

    A reload makes a new class object, and so does a module imported both as `shared` and as `__app__.shared`, which the
    workers do for v1 apps.
    """
    module = sys.modules.get(extension.__module__)
    return (getattr(module, "__file__", None) or extension.__module__, extension.__qualname__)


def add(key: tuple[Any, ...], extension: Any, base: type, function_name: str = "") -> Registration:
    """Make an extension known; one registered under the same key before is replaced, with its settings kept.

    It takes part in invocations once it is admitted.
    """
    with _lock:
        registration = _registrations.get(key)
        if registration is None:
            registration = _registrations[key] = Registration(extension, base, function_name)
        else:
            registration.extension, registration.base = extension, base
            registration.resolved = None
            registration.greeted.clear()
            registration.admitted = False
    return registration


def admit(registration: Registration) -> None:
    """Make an extension active."""
    global version
    with _lock:
        registration.admitted = True
        version += 1


def remove(key: tuple[Any, ...]) -> None:
    """Make an extension inactive."""
    global version
    with _lock:
        _registrations.pop(key, None)
        version += 1


def active() -> list[Registration]:
    """Return the active extensions, outermost first: app level, then function level; inside a level by `order`."""
    # Without the lock: a signal may have interrupted the thread that holds it, and flush() must not wait for that one.
    admitted = [one for one in list(_registrations.values()) if one.admitted]
    return sorted(admitted, key=lambda one: (one.level != APP, one.order))


def plan_for(function: Function) -> tuple[int, Plan]:
    """Return the layers around the function's invocations, outermost first, and the version that they are of."""
    made_of = version
    chosen = [one for one in active() if one.applies_to(function)]
    # No lock is held: a load hook may take long, or import a module in which an extension is defined.
    for one in chosen:
        one.greet(function)
    return made_of, tuple(_layers(chosen))


def _layers(chosen: list[Registration]) -> Iterator[Layer]:
    for one in chosen:
        layer = one.layer()
        if layer.before or layer.around or layer.after or layer.failed:
            yield layer


@dataclass(frozen=True)
class ExtensionStatus:
    """What `extensions()` tells of one active extension."""

    name: str
    level: str
    """`"app"` or `"function"`."""
    function: str
    """The function it was created for; empty at app level."""
    order: int
    calls: int
    """Invocations that it took part in."""
    failures: Mapping[str, int]
    """Hook -> how often it raised."""
    suspended: bool
    """Whether it is left out at present, after too many failures in a row."""
    suspensions: int


def extensions() -> list[ExtensionStatus]:
    """Return what is active, outermost first, with its calls, failures and suspensions so far."""
    return [
        ExtensionStatus(
            one.name,
            one.level,
            one.function_name,
            one.order,
            one.health.calls,
            dict(one.health.failures),
            one.health.suspended(),
            one.health.suspensions,
        )
        for one in active()
    ]


def registration_of(extension: type) -> Registration:
    """Return the registration of an app-level extension, or say why it has none."""
    registration = _registrations.get(identity(extension))
    if registration is None:
        raise ExtensionError(f"{extension.__qualname__} is not active: it is abstract, or its init() failed.")
    return registration
