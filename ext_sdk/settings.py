"""Declared settings -> values: `configure(name=...)`, else the app setting `EXT_<EXTENSION>_<NAME>`, else a default."""

from __future__ import annotations

import os
import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ext_sdk.errors import ExtensionError, SettingsError

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


def prefix(extension: type) -> str:
    """Return the prefix of the extension's app settings: `TimingExtension` -> `EXT_TIMING_`."""
    return f"EXT_{extension.__name__.removesuffix('Extension').upper()}_"


def check_declared(extension: type, declared: Any) -> None:
    """Refuse a nested `Settings` that is no dataclass with a default for each setting."""
    if not is_dataclass(declared):
        raise ExtensionError(
            f"{extension.__qualname__}.Settings must be a dataclass: put @dataclass(frozen=True) on it."
        )
    for field in fields(declared):
        if field.default is MISSING and field.default_factory is MISSING:
            raise ExtensionError(
                f"{extension.__qualname__}.Settings.{field.name} has no default. An extension is active as soon as "
                "it is imported, so each setting needs one."
            )


def resolve(extension: type, declared: Any, given: dict[str, Any]) -> Any:
    """Return an instance of the `declared` dataclass with what was given, the app settings and the defaults."""
    names = [field.name for field in fields(declared)]
    for name in given:
        if name not in names:
            known = f"Known: {', '.join(names)}." if names else "It has none."
            raise SettingsError(f"{extension.__name__}: unknown setting {name!r}. {known}")
    hints = get_type_hints(declared)
    values: dict[str, Any] = {}
    for name in names:
        variable = prefix(extension) + name.upper()
        if name in given:
            values[name] = _checked(given[name], hints[name], f"{extension.__name__}: setting {name!r}")
        elif text := os.environ.get(variable):
            values[name] = _parsed(text, hints[name], f"{extension.__name__}: app setting {variable}")
    try:
        return declared(**values)
    except ValueError as error:  # raised by the dataclass's own __post_init__
        raise SettingsError(f"{extension.__name__}: {error}") from error


def _options(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the hint itself."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _checked(value: Any, hint: Any, where: str) -> Any:
    """Return `value` if its type is allowed; an int stands for a float, a list for a tuple."""
    for option in _options(hint):
        if option in (None, type(None)):
            if value is None:
                return value
        elif option is Any or _fits(value, option):
            try:
                return _converted(value, option)
            except OverflowError:
                break
    raise SettingsError(f"{where} is {value!r}. Allowed: {_allowed(hint)}.")


def _fits(value: Any, option: Any) -> bool:
    origin = get_origin(option)
    if origin is Literal:
        return value in get_args(option)
    if origin is tuple:
        return isinstance(value, (tuple, list))
    if isinstance(value, bool):  # a bool is an int to Python, but not to who writes settings
        return option in (bool, object)
    if option is float:
        return isinstance(value, (int, float))
    return isinstance(value, origin or option)


def _converted(value: Any, option: Any) -> Any:
    if get_origin(option) is tuple:
        return tuple(value)
    return float(value) if option is float else value


def _parsed(text: str, hint: Any, where: str) -> Any:
    """Return the value that the text of an app setting stands for."""
    for option in _options(hint):
        try:
            return _parse_one(text.strip(), option)
        except (ValueError, RecursionError):
            continue
    allowed = " or ".join(_name(option) for option in _options(hint) if option is not type(None))
    raise SettingsError(f"{where} is {text!r}. Allowed: {allowed}.")


def _parse_one(text: str, option: Any) -> Any:
    if option is bool:
        if text.lower() in TRUE + FALSE:
            return text.lower() in TRUE
    elif option in (int, float):
        return option(text)
    elif option in (str, Any):
        return text
    elif get_origin(option) is Literal:
        if text in get_args(option):
            return text
    elif get_origin(option) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    elif get_origin(option) is dict:
        import json

        value = json.loads(text)
        if isinstance(value, dict):
            return value
    raise ValueError(text)


def _allowed(hint: Any) -> str:
    return " or ".join(_name(option) for option in _options(hint))


def _name(option: Any) -> str:
    if option is bool:
        return "true or false"
    if option in (None, type(None)):
        return "None"
    if get_origin(option) is Literal:
        return " or ".join(repr(value) for value in get_args(option))
    if get_origin(option) is tuple:
        return "a list of texts (in an app setting: separated by commas)"
    if get_origin(option) is dict:
        return "a mapping (in an app setting: JSON)"
    return {int: "a whole number", float: "a number", str: "a text"}.get(
        option, getattr(option, "__name__", str(option))
    )
