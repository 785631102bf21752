"""An annotation of a setting -> what it allows, and how a text becomes a value of it."""

from __future__ import annotations

import enum
import sys
import types
from collections import abc
from datetime import timedelta
from typing import Any, Final, Literal, Union, get_args, get_origin

from ext_sdk.convert.kind import Kind, RefusedError
from ext_sdk.convert.several import Either, Fixed, Mapped, Several
from ext_sdk.convert.single import (
    Anything,
    Choice,
    Duration,
    Flagged,
    Instance,
    Member,
    Nothing,
    Number,
    Place,
    Text,
    Whole,
)

__all__ = ["Kind", "RefusedError", "of"]

_SIMPLE: dict[Any, type[Kind]] = {
    bool: Flagged,
    int: Whole,
    float: Number,
    str: Text,
    timedelta: Duration,
    Any: Anything,
    object: Anything,
    None: Nothing,
    type(None): Nothing,
}

_SEVERAL: dict[Any, tuple[type, str]] = {
    list: (list, "list"),
    tuple: (tuple, "list"),
    set: (set, "set"),
    frozenset: (frozenset, "set"),
    abc.Sequence: (tuple, "list"),
    abc.Set: (frozenset, "set"),
}


def of(hint: Any) -> Kind:
    """Return what the resolved annotation `hint` allows.

    TypeError: no value can be checked against it; the message says why, and the cure.
    """
    hint = _plain(hint)
    origin, args = get_origin(hint), get_args(hint)
    if isinstance(hint, abc.Hashable) and hint in _SIMPLE:
        return _SIMPLE[hint]()
    if origin in (Union, types.UnionType):
        return Either([of(option) for option in args])
    if origin is Literal:
        return Choice(args)
    if (origin or hint) in (dict, abc.Mapping):
        return Mapped(*(of(part) for part in args or (Any, Any)))
    if (origin or hint) in _SEVERAL:
        return _several(origin or hint, args)
    return _class(hint, origin or hint)


def _plain(hint: Any) -> Any:
    """Return what an alias stands for: `Final[X]`, `NewType("Y", X)`, `type Y = X`."""
    while True:
        if get_origin(hint) is Final:
            hint = get_args(hint)[0]
        elif not isinstance(hint, type) and hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _several(origin: Any, args: tuple[Any, ...]) -> Kind:
    made, word = _SEVERAL[origin]
    if origin is tuple and args and args[-1] is not Ellipsis:
        return Fixed([of(part) for part in args])
    return Several(made, word, of(args[0]) if args else Anything())


def _class(hint: Any, checked: Any) -> Kind:
    if not isinstance(checked, type):
        raise TypeError("It is no type. Use one that the documentation of settings lists.")
    if issubclass(checked, enum.Flag):
        raise TypeError("A Flag cannot be a setting. Use a set of a plain Enum: frozenset[...].")
    if issubclass(checked, enum.Enum):
        return Member(checked)
    pathlib = sys.modules.get("pathlib")  # not loaded: then no annotation is of it
    if pathlib and issubclass(checked, pathlib.PurePath):
        return Place(checked)
    try:
        isinstance(None, checked)
    except TypeError:
        raise TypeError(
            "No value can be checked against it. Use Any and check in __post_init__ "
            "(for a Protocol, @runtime_checkable will do; for a TypedDict, dict[str, Any])."
        ) from None
    return Instance(checked, getattr(hint, "__name__", None) or str(hint))
