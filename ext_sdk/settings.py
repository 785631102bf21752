"""Declared settings -> values: `configure(name=...)`, else the app setting `EXT_<EXTENSION>_<NAME>`, else a default."""

from __future__ import annotations

import logging
import os
import re
import sys
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ext_sdk import convert
from ext_sdk.convert.single import FALSE, TRUE
from ext_sdk.errors import ExtensionError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ext_sdk.convert import Kind, RefusedError

__all__ = ["FALSE", "TRUE", "check_declared", "is_confidential", "nearest", "prefix", "resolve"]

_log = logging.getLogger("ext_sdk")
_warned: set[str] = set()

_CONFIDENTIAL = (
    r"connection_?string|conn_?str|cookie|(^|_)(sas|auth|jwt|pat|pass)(_|$)"
    r"|(header|key|token|secret|credential|password|passwd|pwd|passphrase|authorization|dsn)s?(_|$)"
)
_LONGEST = 500
"""Characters of a wrong value that a message quotes."""


def prefix(extension: type) -> str:
    """Return the prefix of the extension's app settings: `TimingExtension` -> `EXT_TIMING_`."""
    return f"EXT_{extension.__name__.removesuffix('Extension').upper()}_"


def check_declared(extension: type, declared: Any) -> None:
    """Refuse a nested `Settings` that is no dataclass with a default and a usable annotation for each setting."""
    if not is_dataclass(declared):
        raise ExtensionError(
            f"{extension.__qualname__}.Settings must be a dataclass: put @dataclass(frozen=True) on it."
        )
    for field in _fields(declared).values():
        if field.default is MISSING and field.default_factory is MISSING:
            raise ExtensionError(
                f"{extension.__qualname__}.Settings.{field.name} has no default. An extension is active as soon as "
                "it is imported, so each setting needs one."
            )
        try:
            _kind(extension, declared, field)
        except ExtensionError as error:
            # An annotation may name what the module defines further down; `resolve` looks again.
            if not isinstance(error.__cause__, (NameError, AttributeError)):
                raise


def resolve(extension: type, declared: Any, given: dict[str, Any]) -> Any:
    """Return an instance of the `declared` dataclass with what was given, the app settings and the defaults.

    SettingsError: a name is unknown or a value not allowed; ExtensionError: an annotation cannot be read.
    """
    known = _fields(declared)
    for name in given:
        if name not in known:
            raise SettingsError(f"{extension.__name__}: unknown setting {name!r}. {_known(name, known)}")
    values: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for name, field in known.items():
        kind = _kind(extension, declared, field)
        variable = prefix(extension) + name.upper()
        if name in given:
            where = f"{extension.__name__}: setting {name!r}"
            values[name] = _value(kind.take, given[name], where, kind.allowed, field)
        elif text := os.environ.get(variable, "").strip():
            where = f"{extension.__name__}: app setting {variable}"
            _check_textual(kind, text, where, extension, field)
            variables[name] = variable
            values[name] = _value(kind.parse, text, where, kind.allowed_as_text, field)
    _warn_of_misspelt(extension, known)
    try:
        return declared(**values)
    except ValueError as error:  # raised by the dataclass's own __post_init__
        said = _without_secrets(str(error), values, known)
        told = f"{extension.__name__}: {_with_variables(said, variables, known)}"
        if said == str(error):
            raise SettingsError(told) from error
    raise SettingsError(told)  # out here, so that the error is not its context


def _fields(declared: Any) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(declared) if field.init}


def _kind(extension: type, declared: Any, field: Field[Any]) -> Kind:
    """Return what a field's annotation allows. ExtensionError: it cannot be read, or no value checked against it."""
    where = f"{extension.__qualname__}.Settings.{field.name}"
    try:
        hint = _hint(declared, field)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ExtensionError(
            f"{where}: the annotation {_written(field.type)} cannot be read at run time ({said}). "
            "Check its spelling, and define or import what it names at the top of the module: "
            "not under TYPE_CHECKING, not inside a function."
        ) from error
    try:
        return convert.of(hint)
    except TypeError as error:
        raise ExtensionError(f"{where}: the annotation {_written(field.type)} cannot be a setting's. {error}") from None


def _written(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _hint(declared: Any, field: Field[Any]) -> Any:
    """Return one field's annotation resolved, so that an error is that field's.

    Names are looked up as `get_type_hints` does it for the class that declares the field, which may be a base class.
    """
    owner = next((one for one in declared.__mro__ if field.name in vars(one).get("__annotations__", {})), declared)
    module = sys.modules.get(owner.__module__)
    alone: Any = types.SimpleNamespace(__annotations__={field.name: field.type})
    return get_type_hints(alone, dict(vars(owner)), vars(module) if module else {})[field.name]


def _value(way: Callable[[Any], Any], value: Any, where: str, allowed: str, field: Field[Any]) -> Any:
    try:
        return way(value)
    except convert.RefusedError as error:
        refused = error
    # Raised out here, so that no error of a converter, which might quote a secret, is its context.
    raise SettingsError(_message(refused, value, where, allowed, secret=_is_secret(field)))


def _message(refused: RefusedError, value: Any, where: str, allowed: str, *, secret: bool) -> str:
    if refused.at:
        places = [f"{what} {_shown(which, secret=secret and what == 'key')}" for what, which in refused.at]
        said = f"{where} has {_shown(refused.part, secret=secret)} at {' of '.join(places)}."
    else:
        said = f"{where} is {_shown(value, secret=secret)}."
    return f"{said} Allowed: {allowed}. {refused.cure}".rstrip()


def _check_textual(kind: Kind, text: str, where: str, extension: type, field: Field[Any]) -> None:
    if not kind.textual:
        raise SettingsError(
            f"{where} is {_shown(text, secret=_is_secret(field))}, but no text can stand for {kind.allowed}. "
            f"Leave it out, and use {extension.__name__}.configure({field.name}=...)."
        )


def _is_secret(field: Field[Any]) -> bool:
    """Whether messages must not quote the value: the setting's name says so, or that `repr` leaves it out."""
    return not field.repr or is_confidential(field.name)


def is_confidential(name: str) -> bool:
    """Say whether a setting is a secret by its name, as `api_key` is."""
    return bool(re.search(_CONFIDENTIAL, name.lower()))


def _without_secrets(said: str, values: dict[str, Any], known: dict[str, Field[Any]]) -> str:
    for name, value in values.items():
        if value and isinstance(value, str) and _is_secret(known[name]):
            said = said.replace(repr(value), "'***'").replace(value, "***")
    return said


def _with_variables(said: str, variables: dict[str, str], known: Iterable[str]) -> str:
    """Name the app setting that a value came from, where an error speaks of the setting.

    All that were read, where it speaks of none; nothing, where it speaks of one that was given, or has its default.
    """
    named = said
    for name, variable in variables.items():
        named = named.replace(f"setting {name!r}", f"app setting {variable}")
    if named != said or not variables:
        return named
    if any(f"setting {name!r}" in said for name in known):
        return said
    spoken_of = [name for name in known if re.search(rf"\b{re.escape(name)}\b", said)]
    read = [variables[name] for name in spoken_of or variables if name in variables]
    return f"{said} (from {', '.join(read)})" if read else said


def _shown(value: Any, *, secret: bool) -> str:
    if secret:
        return f"*** ({len(value)} characters)" if isinstance(value, str) else f"*** (of type {type(value).__name__})"
    try:
        text = repr(value)
    except Exception:  # such as an int of more digits than Python writes
        return f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _known(name: str, known: Iterable[str]) -> str:
    if not known:
        return "It has none."
    near = nearest(name.lower(), known)
    return f"{f'Did you mean {near!r}? ' if near else ''}Known: {', '.join(known)}."


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """Return the known name that is most like another; empty if none is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, known, 1, likeness)), "")


def _warn_of_misspelt(extension: type, known: Iterable[str]) -> None:
    """Say once that an app setting with the extension's prefix is no setting's.

    Nothing is said of one that another extension may read, whose prefix begins the same, as EXT_A_ and EXT_A_B_ do: an
    extension that is known by now, or one imported later, if the name ends in a whole name of a setting. Nor where the
    extension declares no setting at all: it may look into the environment itself.
    """
    start = prefix(extension)
    names = [one.upper() for one in known]
    unknown = [one for one in os.environ if one.startswith(start) and one not in _warned] if names else []
    if not unknown:
        return
    endings = tuple(f"_{one}" for one in names)
    others = _prefixes_within(start)
    for variable in unknown:
        name = variable[len(start) :]
        if name in names or name.upper().endswith(endings) or variable.startswith(others):
            continue
        _warned.add(variable)
        near = nearest(name.upper(), names)
        cure = f"Did you mean {start}{near}?" if near else f"Known: {', '.join(start + one for one in names)}."
        _log.warning("%s: no setting is named %s. %s", extension.__name__, variable, cure)


def _prefixes_within(start: str) -> tuple[str, ...]:
    """Return the longer prefixes, of extensions known by now, that begin with one."""
    from ext_sdk import registry

    every = {prefix(one.type) for one in tuple(registry._registrations.values())}
    return tuple(one for one in every if one.startswith(start) and one != start)
