"""Kinds made of others: lists and sets, tuples of a fixed length, mappings, unions."""

# ruff: noqa: D102 - `Kind` says what its methods do

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ext_sdk.convert.kind import Kind, RefusedError
from ext_sdk.convert.single import Anything, Text


class Several(Kind):
    """`list[T]`, `tuple[T, ...]`, `set[T]`, `frozenset[T]`; each value is a new one."""

    nested = True

    def __init__(self, made: type, word: str, element: Kind) -> None:
        self.made = made
        self.element = element
        self.accepted = (list, tuple, set, frozenset) if word == "set" else (list, tuple)
        elements = element.many or element.allowed
        self.textual = element.textual
        self.many = f"{word}s of {elements}"
        self.allowed = f"a {word} of {elements}"
        if self.textual:
            self.allowed += f" (in an app setting: {'a JSON array' if element.nested else 'separated by commas'})"

    def take(self, value: Any) -> Any:
        _check_many(value, self.accepted)
        return self._made(
            [_at(("element", number), self.element.take, one) for number, one in enumerate(value, 1)], value
        )

    def parse(self, text: str) -> Any:
        if text.startswith("[") or self.element.nested:
            return self.take(_json(text, list))
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return self._made(
            [_at(("element", number), self.element.parse, part) for number, part in enumerate(parts, 1)], text
        )

    def _made(self, elements: list[Any], given: Any) -> Any:
        try:
            return self.made(elements)
        except TypeError:  # a set of what has no hash
            raise RefusedError(given) from None


class Fixed(Kind):
    """`tuple[T, U]`: so many elements, each of its own kind."""

    nested = True

    def __init__(self, elements: list[Kind]) -> None:
        self.elements = elements
        self.textual = all(one.textual for one in elements)
        self.allowed = f"a list of {len(elements)}: {', '.join(one.allowed for one in elements)}"

    def take(self, value: Any) -> Any:
        _check_many(value, (list, tuple))
        if len(value) != len(self.elements):
            raise RefusedError(value)
        return tuple(
            _at(("element", number), kind.take, one) for number, (kind, one) in enumerate(self._with(value), 1)
        )

    def parse(self, text: str) -> Any:
        if text.startswith("[") or any(one.nested for one in self.elements):
            return self.take(_json(text, list))
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != len(self.elements):
            raise RefusedError(text)
        return tuple(
            _at(("element", number), kind.parse, one) for number, (kind, one) in enumerate(self._with(parts), 1)
        )

    def _with(self, values: Any) -> zip[tuple[Kind, Any]]:
        return zip(self.elements, values, strict=True)


class Mapped(Kind):
    """`dict[K, V]`; each value is a new dict."""

    nested = True

    def __init__(self, key: Kind, value: Kind) -> None:
        self.key = key
        self.value = value
        self.textual = key.textual and value.textual
        self.allowed = "a mapping"
        if not isinstance(value, (Anything, Text)):
            self.allowed += f" to {value.many or value.allowed}"
        self.many = self.allowed.replace("a mapping", "mappings")
        if self.textual:
            self.allowed += " (in an app setting: JSON)"

    def take(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise RefusedError(value)
        return self._made(value, self.key.take)

    def parse(self, text: str) -> Any:
        return self._made(_json(text, dict), self.key.parse)

    def _made(self, value: Mapping[Any, Any], key_of: Any) -> dict[Any, Any]:
        return {_at(("key", key), key_of, key): _at(("key", key), self.value.take, one) for key, one in value.items()}


class Either(Kind):
    """A union: the first member that takes the value makes it."""

    def __init__(self, options: list[Kind]) -> None:
        self.options = options
        self.texts = [one for one in options if one.textual]
        self.textual = bool(self.texts)
        self.nested = any(one.nested for one in options)
        self.allowed = " or ".join(one.allowed for one in options)

    @property
    def allowed_as_text(self) -> str:
        return " or ".join(one.allowed_as_text for one in self.texts)

    def take(self, value: Any) -> Any:
        return self._first(value, [one.take for one in self.options])

    def parse(self, text: str) -> Any:
        return self._first(text, [one.parse for one in self.texts])

    def _first(self, value: Any, ways: list[Any]) -> Any:
        refusals = []
        for way in ways:
            try:
                return way(value)
            except RefusedError as refused:
                refusals.append(refused)
        # What came furthest says most: it names the element, or at least a cure.
        raise max(refusals, key=lambda one: (len(one.at), bool(one.cure)))


def _check_many(value: Any, accepted: tuple[type, ...]) -> None:
    if isinstance(value, str):
        raise RefusedError(value, "Put it into brackets, also if it is the only one: [...].")
    if not isinstance(value, accepted):
        raise RefusedError(value)


def _at(place: tuple[str, Any], convert: Any, part: Any) -> Any:
    try:
        return convert(part)
    except RefusedError as refused:
        refused.at.append(place)
        raise


def _json(text: str, expected: type) -> Any:
    import json

    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else _where(error)
        raise RefusedError(text, f"As JSON it cannot be read: {why}.") from None
    if not isinstance(value, expected):
        raise RefusedError(text, f"It must be a JSON {'array, [...]' if expected is list else 'object, {...}'}.")
    return value


def _where(error: ValueError) -> str:
    """Return what the reader of JSON said, which does not quote the text."""
    message = getattr(error, "msg", None)
    return f"{message} at character {error.pos + 1}" if message else "a number is too large or not finite"  # type: ignore[attr-defined]


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value
