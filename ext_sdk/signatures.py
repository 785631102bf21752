"""Hooks that cannot work are found when their class is defined, not at the first invocation.

Workers and our own lifecycle call hooks by position, on the class at app level and on the instance at function level
(azure/functions/extension/extension_meta.py, `_set_hooks_for_application` and `_set_hooks_for_function`). Whatever
takes such a call is accepted, however it is written; what cannot be known is left to the invocation.
"""

from __future__ import annotations

import logging
import sys
from functools import cached_property, partial, partialmethod
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NoReturn

from azure.functions.extension import ExtensionMeta

from ext_sdk.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import CodeType

_log = logging.getLogger("ext_sdk")

_LOAD = ("function_name", "function_directory")
_BEFORE = ("logger", "context", "func_args")
_BOTH = {"around_invocation": ("invocation",), "shutdown": ("timeout",)}
_FUNCTION_ONLY = {
    "post_function_load": _LOAD,
    "pre_invocation": _BEFORE,
    "post_invocation": (*_BEFORE, "func_ret"),
    "invocation_failed": (*_BEFORE, "error"),
}
_APP_ONLY = {f"{name}_app_level": arguments for name, arguments in _FUNCTION_ONLY.items()}
_APP = {**_APP_ONLY, **_BOTH, "init": (), "configure": None}
_FUNCTION = {**_FUNCTION_ONLY, **_BOTH}
_NAMES = {*_APP, *_FUNCTION}
_MISSPELT = (*_FUNCTION, *_APP_ONLY)
_SHADOWED = {*_MISSPELT} - {"shutdown"}  # which may be a mixin's own affair

# inspect.CO_*, which is slow to import
_ARGS, _GENERATOR, _ASYNC = 0x04, 0x20, 0x80 | 0x200

_RECEIVERS = ("cls", "self")
_CLOSE = 0.9
"""From which similarity (difflib's ratio) on a name is taken for a misspelt hook."""


def check(extension: type, namespace: Mapping[str, Any], *, app_level: bool) -> None:
    """Refuse a hook that cannot do what it is there for: each of the class's own, and of mixins that are no extensions.

    `namespace` is the body of the class statement. Raises ExtensionError, which names the class, the hook, its place
    and the cure. A name that is only close to a hook's is a warning of the logger `ext_sdk`.
    """
    if _is_framework(extension):
        return
    mixins = [base for base in extension.__mro__[1:] if base is not object and not isinstance(base, ExtensionMeta)]
    for name, home, raw in _defined(extension, _APP if app_level else _FUNCTION, mixins):
        _check_hook(_Hook(extension, home, name, app_level), raw)
    for name, home, raw in _defined(extension, _FUNCTION_ONLY if app_level else _APP_ONLY, mixins):
        _check_level(_Hook(extension, home, name, app_level), raw)
    for name, raw in namespace.items():
        if name in _NAMES or name.startswith("_"):
            continue
        if callable(raw) or isinstance(raw, classmethod | staticmethod):
            _warn_of_near_miss(extension, name, raw, app_level=app_level)
    if mixins:
        _warn_of_shadowed(extension, mixins, "AppExtension" if app_level else "FuncExtension")


class _Hook:
    """One hook of a class that is being defined, for messages about it."""

    def __init__(self, extension: type, home: type, name: str, app_level: bool) -> None:
        self.extension = extension
        self.home = home
        self.name = name
        self.app_level = app_level
        self.raw: Any = None

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """What it is called with, in this order; None if that is up to its callers."""
        return _APP[self.name] if self.app_level else _FUNCTION[self.name]

    @property
    def owner(self) -> str:
        """What the class or the instance is called in a message."""
        return "class" if self.app_level else "instance"

    def wrong(self, what: str, name: str = "") -> NoReturn:
        """Raise with what is wrong and the code to write; `name` if that is another hook than this one."""
        origin = "" if self.home is self.extension else f"from {self.home.__qualname__}, "
        place = f"{self.extension.__qualname__}.{self.name} ({origin}{_place(self.raw, self.home)})"
        cure = "\n".join(f"    {line}" for line in self._cure(name or self.name))
        raise ExtensionError(f"{place} {what} Write:\n{cure}")

    def _cure(self, name: str) -> Iterator[str]:
        arguments = (_APP if self.app_level else _FUNCTION)[name]
        if self.app_level:
            yield "@classmethod"
        names = ("cls" if self.app_level else "self", *(("**settings",) if arguments is None else arguments))
        yield f"def {name}({', '.join(names)}):"
        yield "    outcome = yield" if name == "around_invocation" else "    ..."


def _defined(extension: type, names: Iterable[str], mixins: list[type]) -> Iterator[tuple[str, type, Any]]:
    """Return those of the names that the class has itself or gets from a mixin, each with its class and its value."""
    own = vars(extension)
    for name in names:
        if name in own:
            yield name, extension, own[name]
        elif mixins:
            home = next((base for base in extension.__mro__ if name in vars(base)), None)
            if home in mixins:
                yield name, home, vars(home)[name]


def _check_hook(hook: _Hook, raw: Any) -> None:
    if raw is None and hook.name != "init":  # switched off
        return
    hook.raw = raw
    target, bound = _taken_apart(hook, raw)
    if target is None:
        return
    arguments = hook.arguments
    if isinstance(target, FunctionType):
        _check_receiver(hook, target, bound)
        misfit = "" if arguments is None else _misfit(hook, target, bound, arguments)
    else:
        misfit = "" if arguments is None else _misfit_of_object(hook, target, bound, arguments)
    if misfit:
        hook.wrong(misfit)
    function = _function(target)
    if arguments is not None and function is not None:
        _check_kind(hook, function)


def _taken_apart(hook: _Hook, raw: Any) -> tuple[Any, bool]:
    """Return what a call ends in, and whether it gets the class or instance first; (None, _) if that is unknown."""
    if isinstance(raw, FunctionType):
        return raw, not hook.app_level
    if isinstance(raw, classmethod | staticmethod):
        return _decorated(hook, raw)
    if hook.app_level and isinstance(raw, property | cached_property):
        hook.wrong("is a property, which is not evaluated on the class, so it could not be called.")
    if isinstance(raw, partialmethod):
        return raw.__get__(None if hook.app_level else object(), hook.extension), False
    if isinstance(raw, partial):  # a method since Python 3.14
        return raw, not hook.app_level and sys.version_info >= (3, 14)
    if hasattr(type(raw), "__get__") and not isinstance(raw, MethodType):  # a descriptor that does as it likes
        return None, False
    if not callable(raw):
        hook.wrong(f"is {raw!r}, which cannot be called.")
    return raw, False


def _decorated(hook: _Hook, raw: classmethod[Any, Any, Any] | staticmethod[Any, Any]) -> tuple[Any, bool]:
    inner: Any = raw.__func__
    while isinstance(raw, staticmethod) and isinstance(inner, staticmethod):
        inner = inner.__func__
    if isinstance(inner, classmethod | staticmethod):
        both = f"@{type(raw).__name__} and @{type(inner).__name__}"
        hook.wrong(f"has {both} on top of each other, of which Python versions make different things.")
    if isinstance(inner, property | cached_property):
        hook.wrong("is a property, which is not evaluated on the class, so it could not be called.")
    bound = isinstance(raw, classmethod)
    if isinstance(inner, FunctionType | partial):
        return inner, bound
    if bound and hasattr(type(inner), "__get__"):  # asked by some versions of Python, called by others
        return None, False
    if not callable(inner):
        hook.wrong(f"is {inner!r}, which cannot be called.")
    return inner, bound


def _check_receiver(hook: _Hook, function: FunctionType, bound: bool) -> None:
    """Refuse a first parameter that would get something else than its name says."""
    code = function.__code__
    first = code.co_varnames[0] if code.co_argcount else ""
    arguments = hook.arguments
    gets = f"be {arguments[0]!r}" if arguments else "get nothing"
    if bound:
        if arguments and first == arguments[0]:
            hook.wrong(f"has no parameter for the {hook.owner}, so its {first!r} would be the {hook.owner}.")
    elif isinstance(hook.raw, staticmethod):
        if first in _RECEIVERS:
            hook.wrong(f"is a staticmethod, which is not given the {hook.owner}: its {first!r} would {gets}.")
    elif first in _RECEIVERS or (arguments is not None and _lacks_classmethod(hook, function, arguments)):
        hook.wrong(f"has no @classmethod, so it is not given the class: its {first!r} would {gets}.")


def _lacks_classmethod(hook: _Hook, function: FunctionType, arguments: tuple[str, ...]) -> bool:
    """Return whether a call only fits with the class as its first argument, whatever that parameter is called."""
    return bool(_misfit(hook, function, False, arguments)) and not _misfit(hook, function, True, arguments)


def _misfit(hook: _Hook, function: FunctionType, bound: bool, arguments: tuple[str, ...]) -> str:
    """Return why the function does not take the call; empty if it does. What it wraps is its own affair."""
    code = function.__code__
    takes = code.co_argcount
    given = len(arguments) + bound
    if given > takes and not code.co_flags & _ARGS:
        missing = [f"the {hook.owner}", *map(repr, arguments)][takes + (not bound) :]
        return f"has no parameter for {' and '.join(missing)}, so every call would fail: {_calling(hook, arguments)}."
    required = takes - len(function.__defaults__ or ())
    if required > given:
        extra = _listed(code.co_varnames[given:required])
        return f"requires {extra}, which it is not given, so every call would fail: {_calling(hook, arguments)}."
    defaults = function.__kwdefaults__ or {}
    by_name = [one for one in code.co_varnames[takes : takes + code.co_kwonlyargcount] if one not in defaults]
    if by_name:
        return (
            f"requires {_listed(by_name)} by name, so every call would fail: {_calling(hook, arguments)}, by position."
        )
    return ""


def _misfit_of_object(hook: _Hook, target: Any, bound: bool, arguments: tuple[str, ...]) -> str:
    import inspect

    try:
        signature = inspect.signature(target, follow_wrapped=False)
    except (TypeError, ValueError):  # it does not tell
        return ""
    try:
        signature.bind(*range(len(arguments) + bound))
    except TypeError as error:
        return f"cannot be called as it will be ({error}): {_calling(hook, arguments)}."
    return ""


def _calling(hook: _Hook, arguments: tuple[str, ...]) -> str:
    return f"it is called as {hook.name}({', '.join(arguments)})"


def _listed(names: Any) -> str:
    return " and ".join(repr(name) for name in names)


def _function(target: Any) -> FunctionType | None:
    """Return the function whose code runs in a call, if there is one to look at."""
    while isinstance(target, partial | MethodType):
        target = target.func if isinstance(target, partial) else target.__func__
    if not isinstance(target, FunctionType | type):
        target = getattr(type(target), "__call__", None)  # noqa: B004 - its code is looked at
    return target if isinstance(target, FunctionType) else None


def _check_kind(hook: _Hook, function: FunctionType) -> None:
    """Refuse a call that would run nothing, and an `around_invocation` that has not one yield."""
    flags = function.__code__.co_flags
    if flags & _ASYNC:
        hook.wrong(
            "is async, and nothing awaits a hook, so none of its code would run. Hooks run around async functions, "
            "too: write it without `async`, and give what is to be awaited to a task or thread of its own."
        )
    if hook.name != "around_invocation":
        if flags & _GENERATOR:
            hook.wrong("has a `yield`, so a call only makes a generator and none of its code would run.")
    elif not flags & _GENERATOR:
        _check_made(hook, function.__code__)
    elif _may_yield_twice(function.__code__):
        from ext_sdk import yields

        line = yields.second(function)
        if line is not None:
            hook.wrong(
                f"yields a second time in line {line}, so it would fail after each invocation. "
                "The function runs once, at the one yield."
            )


def _may_yield_twice(code: CodeType) -> bool:
    """Return whether there is more than one yield, or a jump back behind one; nothing else can come to a second."""
    from opcode import opmap

    steps = code.co_code[::2]
    first = steps.find(opmap["YIELD_VALUE"])
    jumps_back = {opmap.get("JUMP_BACKWARD"), opmap.get("JUMP_ABSOLUTE")}
    return steps.count(opmap["YIELD_VALUE"]) > 1 or not jumps_back.isdisjoint(steps[first:])


def _check_made(hook: _Hook, code: CodeType) -> None:
    """Refuse what is no generator function and, for certain, returns no generator either."""
    from contextlib import asynccontextmanager, contextmanager

    from ext_sdk import yields

    decorators: tuple[Any, ...] = (contextmanager, asynccontextmanager)
    for decorator in decorators:
        if code is decorator(_check_made).__code__:
            hook.wrong(f"has @{decorator.__name__}, so it would make no generator and fail at each invocation.")
    if yields.returns_only_none(code) and not getattr(hook.raw, "__isabstractmethod__", False):
        hook.wrong("never yields, so it would fail at each invocation: the function runs at its `yield`.")


def _check_level(hook: _Hook, raw: Any) -> None:
    """Refuse a hook of the other level, unless the right one is there too and this one only serves it."""
    meant = _other_level(hook.name)
    if _has_own(hook.extension, meant) or not (callable(raw) or isinstance(raw, classmethod | staticmethod)):
        return
    hook.raw = raw
    level, other = ("app", "function") if hook.app_level else ("function", "app")
    hook.wrong(
        f"is never called: it is a hook of {other}-level extensions, and this one is at {level} level, "
        f"where it is called {meant}.",
        meant,
    )


def _other_level(name: str) -> str:
    return name.removesuffix("_app_level") if name in _APP_ONLY else f"{name}_app_level"


def _has_own(extension: type, name: str) -> bool:
    """Return whether the class gets an attribute from elsewhere than the framework."""
    return any(name in vars(base) for base in extension.__mro__ if not _is_framework(base))


def _is_framework(base: type) -> bool:
    return base.__module__.partition(".")[0] == "ext_sdk" or base.__module__.startswith("azure.functions.")


def _warn_of_near_miss(extension: type, name: str, raw: Any, *, app_level: bool) -> None:
    for hook in _MISSPELT:
        # Letters that only one of them has are no match, so difflib is not asked in vain.
        if len(set(name) ^ set(hook)) > (1 - _CLOSE) * (len(name) + len(hook)) + 1e-9:
            continue
        from difflib import SequenceMatcher

        if SequenceMatcher(None, name, hook, autojunk=False).ratio() < _CLOSE:
            continue
        meant = _other_level(hook) if hook not in (_APP if app_level else _FUNCTION) else hook
        if not _has_own(extension, meant):
            place = _place(raw, extension)
            _log.warning("%s.%s (%s) is no hook, did you mean %s?", extension.__qualname__, name, place, meant)
            return


def _warn_of_shadowed(extension: type, mixins: list[type], framework: str) -> None:
    """Name hooks of mixins that stand behind the framework's class, whose hooks of the same name hide them."""
    for mixin in mixins:
        for name in sorted(_SHADOWED & vars(mixin).keys()):
            first = next(base for base in extension.__mro__ if name in vars(base))
            if _is_framework(first):
                _log.warning(
                    "%s.%s (%s) is never called in %s, as %s comes before it: put %s first among the bases.",
                    mixin.__qualname__, name, _place(vars(mixin)[name], mixin),
                    extension.__qualname__, framework, mixin.__name__,
                )  # fmt: skip


def _place(raw: Any, home: type) -> str:
    """Return file:line of a hook, seen through what decorates it; else the module of its class."""
    for _ in range(9):
        for step in ("__func__", "fget", "func", "__wrapped__"):
            raw = getattr(raw, step, raw)
    code = getattr(raw, "__code__", None)
    return home.__module__ if code is None else f"{code.co_filename}:{code.co_firstlineno}"
