"""Which functions a function-level extension belongs to: named ones, or those that it decorates."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ext_sdk.errors import ExtensionError
from ext_sdk.function import IN_PLACE_OF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_sdk.function import Function

_BEHIND = ("__wrapped__", "orchestrator_function", "entity_function")
"""Where a decorator leaves what it wraps; the last two are Durable's (azure/durable_functions, `Orchestrator.create`
and `Entity.create`)."""


class Binding:
    """The functions of one instance of a function-level extension."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.decorated: list[Any] = []
        """What `@instance` stood above: the user's function, or the builder that a trigger's decorator made of it."""
        self._earlier: list[weakref.ref[Any]] = []
        self._names: dict[int, str] = {}
        """What the app calls the functions, which only shows when it is loaded."""

    def add(self, extension: str, target: Any) -> None:
        """Take one more function, or say why it is none."""
        if self.name is not None:
            raise ExtensionError(
                f"{extension} belongs to function {self.name!r} already. "
                f"To decorate functions make it without a name: {extension}()."
            )
        if isinstance(target, type) or not (callable(target) or _built(target) is not None):
            raise ExtensionError(
                f"{extension} decorates functions, not {target!r}. Make it without a name, one = {extension}(), "
                "and put @one directly above or below the trigger's decorator, such as @app.route(...)."
            )
        self.decorated.append(target)

    def includes(self, function: Function) -> bool:
        """Whether the function is one of them."""
        if self.name is not None:
            return self.name.lower() == function.name.lower()
        mine = [*map(_users, self.decorated), *(one() for one in self._earlier)]
        found = next((other for one in _wrapped(function.call) for other in mine if one is other), None)
        if found is None:
            return False
        self._names[id(found)] = function.name
        return True

    def follow(self, before: Binding) -> None:
        """Include what the binding that this one replaces includes.

        After a reload nobody calls that; but a v1 app may import a function's module once more under another name, and
        the worker goes on to call the function of the first import.
        """
        self._earlier = [*before._earlier, *(weakref.ref(_users(one)) for one in before.decorated)]

    def beside(self, other: Binding) -> bool:
        """Whether both decorate functions of one import that one `def` has made: then neither replaces the other."""
        if not self.decorated or not other.decorated:
            return False
        mine, others = _users(self.decorated[0]), _users(other.decorated[0])
        code = getattr(mine, "__code__", None)  # which each import has of its own
        return mine is not others and code is not None and code is getattr(others, "__code__", None)

    def astray(self, functions: list[Function]) -> list[str]:
        """Return the names of what is decorated and yet none of the app's functions."""
        known = {id(one) for function in functions for one in _wrapped(function.call)}
        return [_name(one) for one in self.decorated if id(_users(one)) not in known]

    def __str__(self) -> str:
        return self.name or ", ".join(self._names.get(id(_users(one))) or _name(one) for one in self.decorated)


def key_of(target: Any) -> tuple[str, str]:
    """Return what stays the same when a reload defines a decorated function again."""
    users = _users(target)
    code = getattr(users, "__code__", None)
    return getattr(code, "co_filename", ""), getattr(users, "__qualname__", repr(users))


def _built(target: Any) -> Any:
    """Return azure.functions' own record of a function, if `target` is the builder of one."""
    record = getattr(target, "_function", None)
    return record if hasattr(record, "get_user_function") else None


def _users(target: Any) -> Any:
    record = _built(target)
    found = target if record is None else record.get_user_function()
    return getattr(found, "__dict__", {}).get(IN_PLACE_OF, found)


def _name(target: Any) -> str:
    record = _built(target)
    name = record.get_function_name() if record is not None else None
    return str(name or getattr(_users(target), "__name__", repr(target)))


def _wrapped(call: Any) -> Iterator[Any]:
    """Yield a function, and what it wraps: a decorator may stand between the extension's and the trigger's."""
    seen: set[int] = set()
    while call is not None and id(call) not in seen:
        seen.add(id(call))
        yield call
        call = next((found for name in _BEHIND if (found := getattr(call, name, None)) is not None), None)
