"""Record which hooks are called, in which order, with what."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from azure.functions import AppExtensionBase, FuncExtensionBase

from ext_sdk import registry
from ext_sdk.context import current_invocation
from ext_sdk.errors import ExtensionError
from ext_sdk.extension import AppExtension, FuncExtension

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

AROUND = "around_invocation"
AFTER = "around_invocation, after"

_FRAMEWORKS_OWN = (AppExtension, FuncExtension, AppExtensionBase, FuncExtensionBase)
_HOOKS = (
    "init", "configure", "post_function_load", "pre_invocation", "post_invocation", "invocation_failed",
    "post_function_load_app_level", "pre_invocation_app_level", "post_invocation_app_level",
    "invocation_failed_app_level", AROUND, "shutdown",
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call of a hook."""

    extension: str
    """The class's name."""

    hook: str
    """The hook's name; the second half of `around_invocation` is `"around_invocation, after"`."""

    function_name: str
    """The function whose invocation it belongs to; empty outside of one."""

    arguments: tuple[Any, ...]
    """What it was called with: for the second half of `around_invocation` the Outcome."""

    error: BaseException | None = None
    """What it raised."""


@contextmanager
def recorder(*extensions: type) -> Iterator[list[Call]]:
    """Record the calls of the hooks that these classes define; both our kind and azure.functions' own.

    The hooks run as ever. Yields the list of calls, which grows with each, in the order in which they ended.

    Raises ExtensionError for what is no extension's class.
    """
    calls: list[Call] = []
    undo: list[tuple[type, str, Any]] = []
    try:
        for one in extensions:
            if not (isinstance(one, type) and issubclass(one, (AppExtensionBase, FuncExtensionBase))):
                raise ExtensionError(f"recorder() takes the classes of extensions, not {one!r}.")
            undo += list(_record(one, calls, {(owner, hook) for owner, hook, _ in undo}))
        registry.outdate()
        yield calls
    finally:
        for owner, hook, original in reversed(undo):
            setattr(owner, hook, original)
        registry.outdate()


def _record(extension: type, calls: list[Call], known: set[tuple[type, str]]) -> Iterator[tuple[type, str, Any]]:
    for hook in _HOOKS:
        owner = next((one for one in extension.__mro__ if hook in vars(one)), None)
        if owner is None or owner in _FRAMEWORKS_OWN or (owner, hook) in known:
            continue
        original = vars(owner)[hook]
        # A staticmethod is not told whose hook it is.
        of = extension.__name__ if isinstance(original, staticmethod) else ""
        setattr(owner, hook, _like(original, partial(_generator if hook == AROUND else _plain, calls, hook, of)))
        yield owner, hook, original


def _like(original: Any, wrap: Callable[[Any], Any]) -> Any:
    """Return a class's attribute that is what it was (a method, a classmethod, a staticmethod), wrapped."""
    if isinstance(original, (classmethod, staticmethod)):
        return type(original)(wrap(original.__func__))
    return wrap(original)


def _plain(calls: list[Call], hook: str, of: str, function: Any) -> Any:
    @wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        error: BaseException | None = None
        try:
            return function(*args, **kwargs)
        except BaseException as raised:
            error = raised
            raise
        finally:
            calls.append(_call(of, args, hook, error))

    return recorded


def _generator(calls: list[Call], hook: str, of: str, function: Any) -> Any:
    @wraps(function)
    def recorded(*args: Any) -> Generator[None, Any, None]:
        generator = function(*args)
        try:
            next(generator)
        except StopIteration:
            calls.append(_call(of, args, hook, None))
            return
        except BaseException as error:
            calls.append(_call(of, args, hook, error))
            raise
        calls.append(_call(of, args, hook, None))
        outcome = yield
        try:
            generator.send(outcome)
        except StopIteration:
            calls.append(_call(of, (*args[:-1], outcome), AFTER, None))
        except BaseException as error:
            calls.append(_call(of, (*args[:-1], outcome), AFTER, error))
            raise
        else:  # it yields a second time, which is the framework's to say
            yield

    return recorded


def _call(of: str, args: tuple[Any, ...], hook: str, error: BaseException | None) -> Call:
    if not of:
        receiver, args = args[0], args[1:]
        of = receiver.__name__ if isinstance(receiver, type) else type(receiver).__name__
    invocation = current_invocation()
    return Call(of, hook, "" if invocation is None else invocation.function_name, tuple(args), error)
