"""The inline constraints of a route, such as the `int` of `items/{id:int}`.

Names and meanings are those of ASP.NET Core, which the real host uses ("Routing in ASP.NET Core", route constraints).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL = re.compile(r"\s*[+-]?(?:[0-9]{1,3}(?:,?[0-9]{3})*|[0-9]*)(?:\.[0-9]*)?\s*")
_GUID = re.compile(r"(?P<open>[{(]?)[0-9a-fA-F]{8}(?P<dash>-?)(?:[0-9a-fA-F]{4}(?P=dash)){3}[0-9a-fA-F]{12}[})]?")
_CALL = re.compile(r"(?P<name>[A-Za-z]+)(?:\((?P<arguments>.*)\))?", re.DOTALL)


def constraint(text: str, route: str) -> Callable[[str], bool]:
    """Return the check that a constraint such as `range(1,9)` stands for; `route` is named in errors."""
    match = _CALL.fullmatch(text)
    name = match["name"].lower() if match else text
    arguments = match["arguments"] if match else None
    try:
        if arguments is None and name in PLAIN:
            return PLAIN[name]
        if arguments is not None and name == "regex":
            return _matches(arguments)
        if arguments is not None and name in WITH_NUMBERS:
            return WITH_NUMBERS[name](*(int(number) for number in arguments.split(",")))
    except (ValueError, TypeError, re.error) as error:
        raise DevkitError(f"route {route!r}: the constraint {text!r} has arguments that do not fit it.") from error
    known = ", ".join([*PLAIN, *(f"{name}(...)" for name in WITH_NUMBERS), "regex(...)"])
    raise DevkitError(f"route {route!r}: the constraint {text!r} is not known here. Known: {known}.")


def _integer(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: _INTEGER.fullmatch(value) is not None and low <= int(value) <= high


def _length(low: int, high: int | None = None) -> Callable[[str], bool]:
    return lambda value: low <= len(value) <= (low if high is None else high)


def _number(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and "_" not in value
    except ValueError:
        return False


def _decimal(value: str) -> bool:
    return any(map(str.isdigit, value)) and _DECIMAL.fullmatch(value) is not None


def _guid(value: str) -> bool:
    match = _GUID.fullmatch(value.strip())
    if match is None:
        return False
    closing = {"{": "}", "(": ")", "": ""}[match["open"]]
    return value.strip().endswith(closing) and (bool(closing) or value.strip()[-1] not in "})")


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda value: compiled.search(value) is not None


_INT64 = (-(2**63), 2**63 - 1)

PLAIN: dict[str, Callable[[str], bool]] = {
    "int": _integer(-(2**31), 2**31 - 1),
    "long": _integer(*_INT64),
    "bool": lambda value: value.strip().lower() in {"true", "false"},
    "alpha": lambda value: re.fullmatch("[a-zA-Z]*", value) is not None,
    "guid": _guid,
    "decimal": _decimal,
    "double": _number,
    "float": _number,
    "required": bool,
}
"""Constraints without arguments."""

WITH_NUMBERS: dict[str, Callable[..., Callable[[str], bool]]] = {
    "length": _length,
    "minlength": lambda low: lambda value: len(value) >= low,
    "maxlength": lambda high: lambda value: len(value) <= high,
    "min": lambda low: _integer(low, _INT64[1]),
    "max": lambda high: _integer(_INT64[0], high),
    "range": _integer,
}
"""Constraints with one or two whole numbers."""
