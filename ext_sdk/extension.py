"""What extension authors subclass.

Official hook names keep their official meaning and signature (azure-functions, `azure/functions/extension/`,
app_extension_base.py and func_extension_base.py); `around_invocation`, `invocation_failed[_app_level]` and `shutdown`
are new.
"""

from __future__ import annotations

import abc
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from azure.functions.extension import ExtensionMeta

from ext_sdk import registry, settings, shutdown, signatures, switch, workers
from ext_sdk.binding import Binding, key_of
from ext_sdk.context import current_invocation
from ext_sdk.errors import ExtensionError, said

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from logging import Logger

    from azure.functions import Context

    from ext_sdk.invocation import Invocation, Outcome

    # A type checker compares a hook with that of every base, and the official ones have further parameters, which no
    # worker gives. So it is told of bases without hooks; what runs are the official ones.
    class AppExtensionBase(metaclass=ExtensionMeta):
        """azure.functions.AppExtensionBase."""

    class FuncExtensionBase(metaclass=ExtensionMeta):
        """azure.functions.FuncExtensionBase."""
else:
    from azure.functions import AppExtensionBase, FuncExtensionBase

_log = logging.getLogger("ext_sdk")

F = TypeVar("F")


class _ExtensionType(ExtensionMeta):
    """Registers extensions with us in place of the official registry, whose hooks only the classic worker calls.

    The official metaclass would also register abstract classes, and a class again at each reload
    (azure/functions/extension/extension_meta.py, `__init__` and `_register_application_extension`).
    """

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        abstract: bool = False,  # noqa: ARG004 - used by __init__
        **kwargs: Any,
    ) -> Any:
        return abc.ABCMeta.__new__(mcls, name, bases, namespace, **kwargs)

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        abstract: bool = False,
        **kwargs: Any,
    ) -> None:
        abc.ABCMeta.__init__(cls, name, bases, namespace, **kwargs)
        signatures.check(cls, app_level=cls._app_level(), abstract=abstract)
        if "Settings" in namespace and cls._app_level():
            settings.check_declared(cls, namespace["Settings"])
        if cls._app_level():
            _check_attributes(cls, cls)
        if cls._app_level() and not abstract:
            _activate(cls)

    def _app_level(cls) -> bool:
        return issubclass(cls, AppExtensionBase)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._app_level():
            raise ExtensionError(
                f"{cls.__name__} is an app-level extension and has no instances: "
                f"importing it activates it, {cls.__name__}.configure(...) sets it up."
            )
        instance = abc.ABCMeta.__call__(cls, *args, **kwargs)
        # The place of the call is what stays the same when a reload makes the instance again.
        caller = sys._getframe(1)
        instance._made_at = (caller.f_code.co_filename, caller.f_lineno, caller.f_lasti)
        instance._made_by = caller.f_code  # which each import has of its own
        _check_attributes(cls, instance)
        binding = getattr(instance, "_binding", None)
        if binding is None:
            raise ExtensionError(
                f"{cls.__name__}.__init__ did not call super().__init__(file_path), so its function is unknown."
            )
        if binding.name is None:
            registry.add_unbound(instance)
        else:
            _activate_instance(cls, instance, binding.name)
        return instance


def _activate(extension: Any) -> None:
    key = registry.identity(extension)
    registration = registry.add(key, extension, AppExtension)
    try:
        extension.init()
    except Exception as error:
        before = registration.before
        if registration.critical or before is not None:
            registry.withdraw(key)
        if registration.critical:
            raise ExtensionError(
                f"{extension.__name__}.init() failed and is critical, so its module cannot be imported: {said(error)}"
            ) from error
        # With none before it stays known, so that configure() goes on to take its settings.
        means = "the extension is not active" if before is None else "its earlier definition stays active"
        _log.exception("%s.init() failed, so %s: %s", extension.__name__, means, said(error))
        if extension.stand_ins and before is None:
            registry.outdate()
            workers.install()
        return
    workers.install()
    try:
        workers.check_critical(registration)
    except ExtensionError:
        registry.withdraw(key)
        raise
    registry.admit(registration)
    _arm()


def _activate_instance(extension: type, instance: Any, *function: str) -> None:
    key: tuple[Any, ...] = (*registry.identity(extension), *function, *instance._made_at)
    while (known := registry.find(key)) and known.binding and known.binding.beside(instance._binding):
        key = (*key, "another")
    registration = registry.add(key, instance, FuncExtension, instance._binding)
    workers.install()
    workers.check_critical(registration)
    registry.admit(registration)
    _arm()


def _check_attributes(extension: type, of: Any) -> None:
    order, critical = of.order, of.critical  # inherited ones too: a mixin's have not been checked
    if not isinstance(order, int):
        raise ExtensionError(f"{extension.__qualname__}.order is {order!r}, and must be a whole number.")
    if not isinstance(critical, bool):
        raise ExtensionError(f"{extension.__qualname__}.critical is {critical!r}, and must be True or False.")
    stand_ins = getattr(of, "stand_ins", {})
    if not isinstance(stand_ins, Mapping) or not all(callable(make) for make in stand_ins.values()):
        raise ExtensionError(
            f"{extension.__qualname__}.stand_ins is {stand_ins!r}, and must be a mapping of names to callables."
        )


def _arm() -> None:
    if switch.enabled():
        shutdown.arm()


class AppExtension(AppExtensionBase, metaclass=_ExtensionType, abstract=True):
    """Base of app-level extensions: they take part in every invocation of the app.

    The class itself is the extension, it has no instances, and every hook is a classmethod. Importing its module in
    any trigger activates it; `class Base(AppExtension, abstract=True)` is never active.
    """

    order: ClassVar[int] = 0
    """Inside its level, the extension with the smaller number is further out; equal ones by registration."""

    critical: ClassVar[bool] = False
    """Whether a failure of the extension fails the invocation, as a gate must. It is then never suspended."""

    stand_ins: ClassVar[Mapping[str, Callable[[], object]]] = {}
    """For what the extension puts on `context`, by name: what makes something that does nothing in its place. Functions
    find it where extensions are switched off, and where this one is suspended, failed or did not start, so that they
    still work. It is made once, when it is needed. `"app_ext_attributes.timing"` names a key of that dict."""

    @dataclass(frozen=True)
    class Settings:
        """What can be configured: nothing, unless a subclass declares a dataclass of this name."""

    @classmethod
    def configure(cls, **settings: Any) -> None:
        """Set the extension up; may be called any number of times, and the last call wins.

        Raises SettingsError if a name is unknown or a value is not allowed; what was set before then stays in force.
        """
        registry.registration_of(cls).configure(settings)

    @classmethod
    def settings(cls) -> Any:
        """Return the settings in force, an instance of `Settings`.

        Each value is what `configure` was given, else the app setting `EXT_<EXTENSION>_<NAME>`, else the default.
        """
        return registry.registration_of(cls).settings()

    @classmethod
    def switched_off(cls) -> bool:
        """Whether the app setting PYTHON_ENABLE_WORKER_EXTENSIONS, as it is now, switches every extension off.

        No hook runs then but `init`, which runs all the same, as `configure` does: neither is to patch a library, add a
        handler or start a thread then.
        """
        return not switch.enabled()

    @classmethod
    def init(cls) -> None:
        """Run once, when the class is defined; if it raises, the extension is not active, and the app goes on.

        `configure` then goes on to check and keep what it is given, for the day that the class is defined again.
        If an earlier definition stays in force, `configure` and `settings` are about that one.

        If a critical extension's raises, the import of its module fails, and so the function that needs it.
        """

    @classmethod
    def post_function_load_app_level(cls, function_name: str, function_directory: str) -> None:
        """Run once for each function, before the function's first invocation with this extension."""

    @classmethod
    def pre_invocation_app_level(cls, logger: Logger, context: Context, func_args: dict[str, Any]) -> None:
        """Run before the function. `func_args` is the very dict that is unpacked into the call: edits reach it."""

    @classmethod
    def post_invocation_app_level(
        cls, logger: Logger, context: Context, func_args: dict[str, Any], func_ret: Any
    ) -> None:
        """Run after the function returned `func_ret`."""

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Run code before and after the function: a generator with one `yield`, which gives the Outcome.

        It goes on after the `yield` whether the function returned or raised. To `return` before the `yield` is to take
        no part in this invocation.
        """
        raise NotImplementedError

    @classmethod
    def invocation_failed_app_level(
        cls, logger: Logger, context: Context, func_args: dict[str, Any], error: BaseException
    ) -> None:
        """Run when the function raised, in place of `post_invocation_app_level`; the error then goes on unchanged."""

    @classmethod
    def shutdown(cls, timeout: float) -> bool | None:
        """Deliver what is pending within `timeout` seconds: at `flush()`, SIGTERM, SIGINT and interpreter exit.

        Return False to say that something could not be delivered; the extension may be used again afterwards.
        """

    @classmethod
    def facts(cls) -> Mapping[str, object]:
        """Return what the extension tells of itself in `extensions()`, by name, made when somebody asks."""
        return {}


class FuncExtension(FuncExtensionBase, metaclass=_ExtensionType, abstract=True):
    """Base of function-level extensions: an instance takes part in the invocations of one function.

    In the v1 model the trigger's module makes one with `SomeExtension(__file__)`. In the v2 model an instance is a
    decorator, directly above or below `@app.route(...)` or any other trigger: `some = SomeExtension()`, then `@some`.
    In both, `SomeExtension(function="HttpTrigger")` names the function.
    """

    order: ClassVar[int] = 0
    """Inside its level, the extension with the smaller number is further out; equal ones by registration."""

    critical: ClassVar[bool] = False
    """Whether a failure of the extension fails the invocation, as a gate must. It is then never suspended."""

    def __init__(self, file_path: str | None = None, *, function: str | None = None) -> None:
        """Bind the extension to the function whose folder holds `file_path`, or to the one called `function`.

        Without either it belongs to the functions that it decorates.

        Raises ExtensionError if the function cannot be told from the path, or if the app has none of this name; in the
        v2 model the latter comes when the worker collects the app's functions.
        """
        extension = type(self).__name__
        if not isinstance(file_path, (str, os.PathLike, type(None))):
            raise ExtensionError(
                f"{extension} takes the path of a function's file, not {file_path!r}. "
                f"To decorate a function make an instance first, one = {extension}(), then put @one above it."
            )
        if file_path is not None and function is not None:
            raise ExtensionError(
                f"{extension} belongs to one function: make it with {extension}(__file__) in the function's folder, "
                f'or with {extension}(function="name"), not with both.'
            )
        name = function if file_path is None else _function_of(extension, str(file_path))
        known = None if name is None else workers.v1_functions()
        if name is not None and known is not None and name.lower() not in map(str.lower, known):
            raise ExtensionError(registry.no_such_function(extension, name, known))
        self._binding = Binding(name)
        self._idle: dict[str, Any] = {}

    def __call__(self, function: F) -> F:
        """Make the extension take part in the invocations of `function`, which is returned as it is."""
        first = not self._binding.decorated
        self._binding.add(type(self).__name__, function)
        if first:
            registry.remove_unbound(self)
            _activate_instance(type(self), self, *key_of(function))
        else:
            registry.outdate()
        return function

    @property
    def attributes(self) -> dict[str, Any]:
        """The instance's own dict for the current invocation, a fresh one each time.

        Outside of an invocation, as in a unit test that calls the function directly, it is a dict of the instance.
        """
        invocation = current_invocation()
        return self._idle if invocation is None else invocation._own.setdefault(id(self), {})

    def post_function_load(self, function_name: str, function_directory: str) -> None:
        """Run once for the function, before its first invocation with this extension."""

    def pre_invocation(self, logger: Logger, context: Context, func_args: dict[str, Any]) -> None:
        """Run before the function: as `AppExtension.pre_invocation_app_level`."""

    def post_invocation(self, logger: Logger, context: Context, func_args: dict[str, Any], func_ret: Any) -> None:
        """Run after the function returned `func_ret`."""

    def around_invocation(self, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Run code before and after the function: as `AppExtension.around_invocation`."""
        raise NotImplementedError

    def invocation_failed(
        self, logger: Logger, context: Context, func_args: dict[str, Any], error: BaseException
    ) -> None:
        """Run when the function raised, in place of `post_invocation`; the error then goes on unchanged."""

    def shutdown(self, timeout: float) -> bool | None:
        """Deliver what is pending within `timeout` seconds: as `AppExtension.shutdown`."""

    def facts(self) -> Mapping[str, object]:
        """Return what the instance tells of itself in `extensions()`: as `AppExtension.facts`."""
        return {}


def _function_of(extension: str, file_path: str) -> str:
    """Return the name of the v1 function whose folder holds the file: the first folder below the app's.

    The rule is that of azure/functions/extension/func_extension_base.py, `__init__`.
    """
    root = os.environ.get(workers.ROOT)
    if root is None:  # not in a function app, e.g. in a unit test: a v1 function's folder has the function's name
        return os.path.basename(os.path.dirname(os.path.abspath(file_path)))
    parts = os.path.relpath(os.path.normpath(file_path), os.path.normpath(root)).split(os.sep)
    if parts[0] == os.pardir:  # the host and the import system may spell the folder differently, by a link for example
        parts = os.path.relpath(os.path.realpath(file_path), os.path.realpath(root)).split(os.sep)
    if parts[0] == os.pardir:
        raise ExtensionError(
            f"{extension}({file_path!r}): the file is outside the function app {root!r}. "
            f'Pass the trigger\'s own __file__, or name the function: {extension}(function="name").'
        )
    if len(parts) == 1:
        raise ExtensionError(
            f"{extension}({file_path!r}): the file is in no function's folder, so its function cannot be told. "
            f"In {parts[0]} decorate the function, one = {extension}() and @one, or name it: "
            f'{extension}(function="name").'
        )
    return parts[0]
