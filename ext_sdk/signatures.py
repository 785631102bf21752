"""Hooks that cannot work are found when their class is defined, not at the first invocation.

Workers and our own lifecycle call hooks by position, on the class at app level and on the instance at function level
(azure/functions/extension/extension_meta.py, `_set_hooks_for_application` and `_set_hooks_for_function`). Functions
are looked at, also as classmethod or staticmethod. Whatever takes such a call is accepted; any other object, and what
a function wraps, is left to the invocation.
"""

from __future__ import annotations

import inspect
import logging
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from azure.functions.extension import ExtensionMeta

from ext_sdk import yields
from ext_sdk.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

_log = logging.getLogger("ext_sdk")

_LOAD = ("function_name", "function_directory")
_BEFORE = ("logger", "context", "func_args")
_AROUND = "around_invocation"
_BOTH = {_AROUND: ("invocation",), "shutdown": ("timeout",), "facts": ()}
FUNCTION_ONLY = {
    "post_function_load": _LOAD,
    "pre_invocation": _BEFORE,
    "post_invocation": (*_BEFORE, "func_ret"),
    "invocation_failed": (*_BEFORE, "error"),
}
APP_ONLY = {f"{name}_app_level": arguments for name, arguments in FUNCTION_ONLY.items()}
APP = {**APP_ONLY, **_BOTH, "init": (), "configure": None}
"""Hooks of app-level extensions, with what each is called with; None if that is up to its callers."""
FUNCTION = {**FUNCTION_ONLY, **_BOTH}
"""The same for function level."""

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_RECEIVERS = ("cls", "self")
CLOSE = 0.9
"""From which similarity (difflib's ratio) on a name is taken for a misspelt hook."""


def check(extension: type, *, app_level: bool, abstract: bool) -> None:
    """Refuse a hook that cannot do what it is there for: each of the class's own, and of mixins that are no extensions.

    Raises ExtensionError, which names the class, the hook, its place and the cure. A name that is only close to a
    hook's is a warning of the logger `ext_sdk`.
    """
    if _is_framework(extension):
        return
    for home, name, raw in _written(extension):
        hook = _Hook(extension, home, name, raw, app_level=app_level)
        if name in hook.level:
            _check_hook(hook, abstract=abstract)
        elif callable(raw) or isinstance(raw, classmethod | staticmethod):
            if name in APP_ONLY or name in FUNCTION_ONLY:
                _check_level(hook)
            if home is extension and not name.startswith("_"):
                _warn_of_near_miss(hook)


class _Hook:
    """One hook of a class that is being defined, for messages about it."""

    def __init__(self, extension: type, home: type, name: str, raw: Any, *, app_level: bool) -> None:
        self.extension = extension
        self.home = home
        self.name = name
        self.raw = raw
        self.app_level = app_level
        self.level: dict[str, Any] = APP if app_level else FUNCTION

    @property
    def arguments(self) -> tuple[str, ...] | None:
        """What it is called with, in this order; None if that is up to its callers."""
        return self.level[self.name]  # type: ignore[no-any-return]

    @property
    def owner(self) -> str:
        """What comes first in a call, in words."""
        return "class" if self.app_level or isinstance(self.raw, classmethod) else "instance"

    @property
    def place(self) -> str:
        """The class and the hook with its file and line, seen through what decorates it."""
        origin = "" if self.home is self.extension else f"from {self.home.__qualname__}, "
        code = getattr(inspect.unwrap(self.raw), "__code__", None)
        line = self.home.__module__ if code is None else f"{code.co_filename}:{code.co_firstlineno}"
        return f"{self.extension.__qualname__}.{self.name} ({origin}{line})"

    def wrong(self, what: str, name: str = "") -> NoReturn:
        """Raise with what is wrong and the code to write; `name` if that is another hook than this one."""
        cure = "\n".join(f"    {line}" for line in self._cure(name or self.name))
        raise ExtensionError(f"{self.place} {what} Write:\n{cure}")

    def _cure(self, name: str) -> Iterator[str]:
        arguments = self.level[name]
        if self.app_level:
            yield "@classmethod"
        names = ("cls" if self.app_level else "self", *(("**settings",) if arguments is None else arguments))
        yield f"def {name}({', '.join(names)}):"
        yield "    outcome = yield" if name == _AROUND else "    ..."


def _written(extension: type) -> Iterator[tuple[type, str, Any]]:
    """Return what the class defines itself or gets from a mixin, with where that stands."""
    seen: set[str] = set()
    for home in extension.__mro__:
        names = [name for name in vars(home) if name not in seen]
        seen.update(names)
        if home is extension or (home is not object and not isinstance(home, ExtensionMeta)):
            yield from ((home, name, vars(home)[name]) for name in names)


def _check_hook(hook: _Hook, *, abstract: bool) -> None:
    raw = hook.raw
    function = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
    if not isinstance(function, FunctionType):
        return
    bound = isinstance(raw, classmethod) or not (hook.app_level or isinstance(raw, staticmethod))
    _check_receiver(hook, function, bound)
    arguments = hook.arguments
    if arguments is None:
        return
    if misfit := _misfit(hook, function, bound, arguments):
        hook.wrong(misfit)
    _check_kind(hook, function.__code__, abstract=abstract)


def _check_receiver(hook: _Hook, function: FunctionType, bound: bool) -> None:
    """Refuse a first parameter that would get something else than its name says."""
    code = function.__code__
    first = code.co_varnames[0] if code.co_argcount else ""
    arguments = hook.arguments
    named = first in (arguments or ())[:1]
    gets = f"be {arguments[0]!r}" if arguments else "get nothing"
    if bound:
        if named:
            hook.wrong(f"has no parameter for the {hook.owner}, so its {first!r} would be the {hook.owner}.")
    elif isinstance(hook.raw, staticmethod):
        if first in _RECEIVERS:
            hook.wrong(f"is a staticmethod, which is not given the {hook.owner}: its {first!r} would {gets}.")
    elif first in _RECEIVERS or (arguments is not None and not named and _lacks_classmethod(hook, function, arguments)):
        hook.wrong(f"has no @classmethod, so it is not given the class: its {first!r} would {gets}.")


def _lacks_classmethod(hook: _Hook, function: FunctionType, arguments: tuple[str, ...]) -> bool:
    """Return whether a call only fits with the class as its first argument, whatever that parameter is called."""
    return bool(_misfit(hook, function, False, arguments)) and not _misfit(hook, function, True, arguments)


def _misfit(hook: _Hook, function: FunctionType, bound: bool, arguments: tuple[str, ...]) -> str:
    """Return why the function does not take the call; empty if it does."""
    code = function.__code__
    takes = code.co_argcount
    given = len(arguments) + bound
    calling = f"so every call would fail: it is called as {hook.name}({', '.join(arguments)})"
    if given > takes and not code.co_flags & inspect.CO_VARARGS:
        missing = [f"the {hook.owner}", *map(repr, arguments)][takes + (not bound) :]
        return f"has no parameter for {' and '.join(missing)}, {calling}."
    required = takes - len(function.__defaults__ or ())
    if required > given:
        return f"requires {_listed(code.co_varnames[given:required])}, which it is not given, {calling}."
    defaults = function.__kwdefaults__ or {}
    by_name = [one for one in code.co_varnames[takes : takes + code.co_kwonlyargcount] if one not in defaults]
    return f"requires {_listed(by_name)} by name, {calling}, by position." if by_name else ""


def _listed(names: Iterable[str]) -> str:
    return " and ".join(map(repr, names))


def _check_kind(hook: _Hook, code: CodeType, *, abstract: bool) -> None:
    """Refuse a call that would run nothing, and an `around_invocation` that has not one yield."""
    if code.co_flags & _ASYNC:
        hook.wrong(
            "is async, and nothing awaits a hook, so none of its code would run. Hooks run around async functions, "
            "too: write it without `async`, and give what is to be awaited to a task or thread of its own."
        )
    generator = code.co_flags & inspect.CO_GENERATOR
    if hook.name != _AROUND:
        if generator:
            hook.wrong("has a `yield`, so a call only makes a generator and none of its code would run.")
    elif not generator:
        _check_made(hook, code, abstract=abstract)
    elif line := yields.second(code):
        hook.wrong(
            f"yields a second time in line {line}, so it would fail after each invocation. "
            "The function runs once, at the one yield."
        )


def _check_made(hook: _Hook, code: CodeType, *, abstract: bool) -> None:
    """Refuse what is no generator function and, for certain, returns no generator either."""
    from contextlib import asynccontextmanager, contextmanager

    decorators: tuple[Any, ...] = (contextmanager, asynccontextmanager)
    for decorator in decorators:
        if code is decorator(_check_made).__code__:
            hook.wrong(f"has @{decorator.__name__}, so it would make no generator and fail at each invocation.")
    if yields.returns_only_none(code) and not (abstract or getattr(hook.raw, "__isabstractmethod__", False)):
        hook.wrong("never yields, so it would fail at each invocation: the function runs at its `yield`.")


def _check_level(hook: _Hook) -> None:
    """Refuse a hook of the other level, unless the class has one of its own level: then this one may serve that."""
    if any(_has_own(hook.extension, name) for name in hook.level if name not in ("init", "configure", "shutdown")):
        return
    level, other = ("app", "function") if hook.app_level else ("function", "app")
    meant = at_level(hook.name, hook.level)
    hook.wrong(
        f"is never called: it is a hook of {other}-level extensions, and this one is at {level} level, "
        f"where it is called {meant}.",
        meant,
    )


def at_level(name: str, level: dict[str, Any]) -> str:
    """Return what a hook of one level or the other is called at this one."""
    return next(one for one in (name, name.removesuffix("_app_level"), f"{name}_app_level") if one in level)


def _has_own(extension: type, name: str) -> bool:
    """Return whether the class gets an attribute from elsewhere than the framework."""
    return any(name in vars(base) for base in extension.__mro__ if not _is_framework(base))


def _is_framework(base: type) -> bool:
    return base.__module__.partition(".")[0] == "ext_sdk" or base.__module__.startswith("azure.functions.")


def _warn_of_near_miss(hook: _Hook) -> None:
    name = hook.name
    for near in (*FUNCTION, *APP_ONLY):
        # Letters that only one of them has are no match, so difflib is not asked in vain.
        if len(set(name) ^ set(near)) > (1 - CLOSE) * (len(name) + len(near)) + 1e-9:
            continue
        from difflib import SequenceMatcher

        meant = at_level(near, hook.level)
        if SequenceMatcher(None, name, near, autojunk=False).ratio() >= CLOSE and not _has_own(hook.extension, meant):
            _log.warning("%s is no hook, did you mean %s?", hook.place, meant)
            return
