"""Which extensions are active, and which of them apply to a function."""

from __future__ import annotations

import logging
import sys
from threading import Event, RLock, get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ext_sdk import settings
from ext_sdk.errors import ExtensionError
from ext_sdk.health import Health
from ext_sdk.lifecycle import Layer, failure
from ext_sdk.stand_ins import planting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ext_sdk.binding import Binding
    from ext_sdk.function import Function
    from ext_sdk.lifecycle import Plan

APP = "app"
FUNCTION = "function"

_LOAD = {APP: "post_function_load_app_level", FUNCTION: "post_function_load"}
_HOOKS = {
    APP: ("pre_invocation_app_level", "post_invocation_app_level", "invocation_failed_app_level"),
    FUNCTION: ("pre_invocation", "post_invocation", "invocation_failed"),
}

_log = logging.getLogger("ext_sdk")
_lock = RLock()
_registrations: dict[tuple[Any, ...], Registration] = {}
version = 0
"""Grows with each change, so that a plan made earlier can be told to be out of date."""

unbound: list[Any] = []
"""The instances of function-level extensions that were made without a function and decorate none yet."""

NEVER = -1
"""The version of a plan that is to be made again at the next invocation."""


class _Greeting:
    """The call of a load hook for one function."""

    __slots__ = ("done", "error", "thread")

    def __init__(self) -> None:
        self.done = Event()
        self.error: ExtensionError | None = None
        self.thread = get_ident()


class Registration:
    """One active extension: the class at app level, the instance at function level."""

    checked = True
    """Whether a function-level extension whose function does not exist is an error."""

    def __init__(
        self, extension: Any, base: type, binding: Binding | None = None, before: Registration | None = None
    ) -> None:
        self.extension = extension
        self.base = base
        self.level = APP if binding is None else FUNCTION
        self.binding = binding
        self.before = before and before.in_force
        """What it replaces, and what stays in force until it is admitted: a gate is never open in between."""
        self.health: Health = before.health if before else Health(self.name, critical=self.critical)
        self.given: dict[str, Any] = before.given if before else {}
        self.resolved: Any = None
        self.greeted: dict[tuple[str, str], _Greeting] = {}
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

    @property
    def critical(self) -> bool:
        """The class's `critical`: whether a failure of the extension fails the invocation."""
        return bool(getattr(self.extension, "critical", False))

    @property
    def in_force(self) -> Registration | None:
        """This one once it is admitted; until then the one that it replaces, if there is one."""
        return self if self.admitted else self.before

    def hook(self, name: str) -> Any:
        """Return the bound hook, or None if the extension leaves it as the base class has it."""
        bound = getattr(self.extension, name, None)
        inherited = getattr(self.base, name, None)
        return None if getattr(bound, "__func__", bound) is getattr(inherited, "__func__", inherited) else bound

    def applies_to(self, function: Function) -> bool:
        """Whether the extension takes part in the function's invocations."""
        return self.binding is None or self.binding.includes(function)

    def layer(self, unready: ExtensionError | None) -> Layer:
        """Return the hooks that run around an invocation."""
        self.health.critical = self.critical
        names = _HOOKS[self.level]
        before, after, failed = (self.hook(name) for name in names)
        logger = logging.getLogger(f"extension.{self.name}")
        around, stand_ins = self.hook("around_invocation"), getattr(self.extension, "stand_ins", None)
        return Layer(self.health, logger, names, before, around, after, failed, unready, stand_ins)

    def greet(self, function: Function) -> ExtensionError | None:
        """Call the load hook once for each function, before the function's first invocation with this extension.

        Returns why a critical extension cannot take part. Its hook is then called again at the next invocation.
        """
        hook = self.hook(_LOAD[self.level])
        if hook is None:
            return None
        key, mine = (function.name, function.directory), _Greeting()
        first = self.greeted.setdefault(key, mine)
        if first is not mine:  # done, or another thread is at it, or the hook itself causes this invocation
            if first.thread != mine.thread:
                first.done.wait()
            return first.error
        started = perf_counter_ns()
        try:
            hook(function.name, function.directory)
        except BaseException as error:
            if self.critical:
                mine.error = failure(self.name, _LOAD[self.level], function.name, error)
                mine.error.__cause__ = error
                self.greeted.pop(key, None)
            if not isinstance(error, Exception):
                raise
            self.health.note(_LOAD[self.level], function.name, error)
        finally:
            self.health.spend(_LOAD[self.level], perf_counter_ns() - started)
            mine.done.set()
        return mine.error

    def configure(self, given: dict[str, Any]) -> None:
        """Take settings, replacing all that were given before; a wrong one leaves everything as it was."""
        started = perf_counter_ns()
        self.resolved = settings.resolve(self.type, self.declared, given)
        self.given = given
        self.health.spend("configure", perf_counter_ns() - started)

    def facts(self) -> dict[str, object]:
        """Return what the extension tells of itself; nothing if it fails in that."""
        hook = self.hook("facts")
        if hook is None:
            return {}
        try:
            return dict(hook())
        except Exception as error:
            self.health.note("facts", "", error)
            return {}

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


def find(key: tuple[Any, ...]) -> Registration | None:
    """Return what is known under the key."""
    return _registrations.get(key)


def add(
    key: tuple[Any, ...],
    extension: Any,
    base: type,
    binding: Binding | None = None,
    kind: type[Registration] | None = None,
) -> Registration:
    """Make an extension known; one registered under the same key before is replaced, with its settings kept.

    It takes part in invocations once it is admitted, and until then the one before does.
    """
    with _lock:
        before = _registrations.get(key)
        registration = _registrations[key] = (kind or Registration)(extension, base, binding, before)
        if binding is not None and before is not None and before.binding is not None:
            binding.follow(before.binding)
    return registration


def admit(registration: Registration) -> None:
    """Make an extension active."""
    global version
    with _lock:
        registration.admitted = True
        registration.before = None
        version += 1


def withdraw(key: tuple[Any, ...]) -> Registration | None:
    """Undo `add`; return what is in force again, if the extension was to replace something."""
    global version
    with _lock:
        before = _registrations.pop(key).before
        if before is not None:
            _registrations[key] = before
        version += 1
    return before


def outdate() -> None:
    """Have every plan made again."""
    global version
    with _lock:
        version += 1


def active() -> list[Registration]:
    """Return the active extensions, outermost first: app level, then function level; inside a level by `order`."""
    # Without the lock: a signal may have interrupted the thread that holds it, and flush() must not wait for that one.
    found = [one.in_force for one in list(_registrations.values())]
    return sorted(filter(None, found), key=lambda one: (one.level != APP, one.order))


def stand_ins() -> dict[str, Callable[[], object]]:
    """Return those of all extensions, also of one that is just being added; of two with a name the outermost one's."""
    known = sorted(_registrations.values(), key=lambda one: (one.level != APP, one.order))
    found: dict[str, Callable[[], object]] = {}
    for one in reversed(known):
        found.update(getattr(one.extension, "stand_ins", {}))
    return found


def plan_for(function: Function) -> tuple[int, Plan]:
    """Return the layers around the function's invocations, outermost first, and the version that they are of."""
    made_of = version
    chosen = [one for one in active() if one.applies_to(function)]
    # No lock is held: a load hook may take long, or import a module in which an extension is defined.
    unready = [one.greet(function) for one in chosen]
    if any(unready):
        made_of = NEVER
    return made_of, (*_layers(zip(chosen, unready, strict=True)), *_failed())


def _layers(chosen: Iterable[tuple[Registration, ExtensionError | None]]) -> Iterator[Layer]:
    for one, unready in chosen:
        layer = one.layer(unready)
        if layer.before or layer.around or layer.after or layer.failed or unready:
            yield layer


def _failed() -> Iterator[Layer]:
    """Yield what gives functions the stand-ins of extensions that did not start."""
    for one in list(_registrations.values()):
        stand_ins = getattr(one.extension, "stand_ins", None)
        if stand_ins and one.in_force is None:
            yield Layer(one.health, _log, _HOOKS[one.level], around=planting(stand_ins))


def renew() -> None:
    """Have every extension's settings read again, and every plan made again: the environment may be a new one."""
    global version
    with _lock:
        for registration in _registrations.values():
            registration.resolved = None
        version += 1


def check_functions(functions: list[Function]) -> None:
    """Raise ExtensionError for a function-level extension whose function is not among the app's."""
    names = [one.name.lower() for one in functions]
    for one in active():
        if one.binding is None or not one.checked:
            continue
        if one.binding.name is not None and one.binding.name.lower() not in names:
            raise ExtensionError(no_such_function(one.name, one.binding.name, [one.name for one in functions]))
        if astray := one.binding.astray(functions):
            message = (
                f"{one.name} stands above {', '.join(astray)}, which is none of the app's functions: it does not run. "
                "Put it directly above or below the trigger's decorator, such as @app.route(...)."
            )
            if one.critical:
                raise ExtensionError(message)
            _log.warning(message)


def add_unbound(instance: Any) -> None:
    """Take note of an instance without a function; one that an earlier import of the module made there is no more."""
    with _lock:
        place, code = instance._made_at, instance._made_by
        unbound[:] = [one for one in unbound if one._made_at != place or one._made_by is code]
        unbound.append(instance)


def remove_unbound(*instances: Any) -> None:
    """Take note that they have a function, or that what is to say of them has been said."""
    with _lock:
        unbound[:] = [one for one in unbound if all(one is not other for other in instances)]


def check_unbound(*, refusing: bool) -> None:
    """Say of each function-level extension that belongs to no function that it does not run, once.

    Raises ExtensionError for a critical one if `refusing`, each time: a worker may collect the functions again.
    """
    found = list(unbound)
    for one in found:
        if refusing and one.critical:
            raise ExtensionError(_belongs_to_none(type(one).__name__))
    remove_unbound(*found)
    for name in dict.fromkeys(type(one).__name__ for one in found):
        _log.warning(_belongs_to_none(name))


def _belongs_to_none(name: str) -> str:
    return (
        f"{name}() was made and belongs to no function, so it does not run. Decorate a function with it, "
        f'or name one: {name}(function="name"), in the v1 model also {name}(__file__).'
    )


def critical() -> list[str]:
    """Return the names of the active extensions without which no function may be served."""
    return [one.name for one in active() if one.critical]


def refuse_critical(why: str) -> None:
    """Raise ExtensionError if there is one of them."""
    if names := critical():
        raise ExtensionError(f"{', '.join(names)} is critical and could not stop a call: {why}.")


def no_such_function(extension: str, name: str, known: list[str]) -> str:
    """Return what to say of a function-level extension for a function that the app has not."""
    return (
        f"{extension} was made for function {name!r}, and the app has no function of this name. "
        f"Its functions: {', '.join(sorted(known)) or 'none'}."
    )


def registration_of(extension: type) -> Registration:
    """Return the registration of an app-level extension, or say why it has none."""
    registration = _registrations.get(identity(extension))
    if registration is None:
        raise ExtensionError(f"{extension.__qualname__} is abstract and never active. Use one that subclasses it.")
    return registration
