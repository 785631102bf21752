"""Kinds of one value: a truth value, a number, a text, one of a few, a path, a duration, an object."""

# ruff: noqa: D102 - `Kind` says what its methods do

from __future__ import annotations

import enum
import math
import os
from datetime import timedelta
from typing import Any

from ext_sdk.convert import durations
from ext_sdk.convert.kind import Kind, RefusedError

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


class Flagged(Kind):
    """`bool`."""

    allowed = "true or false"

    def take(self, value: Any) -> Any:
        if not isinstance(value, bool):
            raise RefusedError(value)
        return value

    def parse(self, text: str) -> Any:
        if text.lower() not in TRUE + FALSE:
            raise RefusedError(text)
        return text.lower() in TRUE


class Whole(Kind):
    """`int`. A bool is an int to Python, but not to who writes settings."""

    allowed = "a whole number"
    many = "whole numbers"

    def take(self, value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusedError(value)
        return value

    def parse(self, text: str) -> Any:
        try:
            return int(text)
        except ValueError:
            raise RefusedError(text) from None


class Number(Kind):
    """`float`; an int stands for one. Code may mean infinity or nan; in an app setting they are a slip."""

    allowed = "a number"
    many = "numbers"

    def take(self, value: Any) -> Any:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise RefusedError(value)
        try:
            return float(value)
        except OverflowError:
            raise RefusedError(value) from None

    def parse(self, text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            raise RefusedError(text) from None
        if not math.isfinite(value):
            raise RefusedError(text, "An app setting must be finite.")
        return value


class Text(Kind):
    """`str`."""

    allowed = "a text"
    many = "texts"

    def take(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise RefusedError(value)
        return value


class Anything(Kind):
    """`Any`: what it is given; from an app setting, the text."""

    allowed = "anything"
    many = "anything"

    def take(self, value: Any) -> Any:
        return value


class Nothing(Kind):
    """`None`, which no text of an app setting says: leave the app setting out."""

    allowed = "None"
    textual = False

    def take(self, value: Any) -> Any:
        if value is not None:
            raise RefusedError(value)


class Choice(Kind):
    """`Literal[...]`."""

    def __init__(self, choices: tuple[Any, ...]) -> None:
        self.choices = choices
        self.allowed = " or ".join(repr(one) for one in choices)

    def take(self, value: Any) -> Any:
        for one in self.choices:
            if _same(one, value):
                return one
        raise RefusedError(value)

    def parse(self, text: str) -> Any:
        for one in self.choices:
            if one is not None and _text(one) == text:
                return one
        raise RefusedError(text)


class Member(Kind):
    """A subclass of `enum.Enum`: a member, its name in any case, or its value. A name as it is written goes first."""

    def __init__(self, members: type[enum.Enum]) -> None:
        self.members = members
        self.allowed = " or ".join(one.name for one in members)

    def take(self, value: Any) -> Any:
        if isinstance(value, self.members):
            return value
        if isinstance(value, str) and value in self.members.__members__:
            return self.members[value]
        for one in self.members:
            if _same(one.value, value):
                return one
        return self._in_any_case(value)

    def parse(self, text: str) -> Any:
        if text in self.members.__members__:
            return self.members[text]
        for one in self.members:
            if isinstance(one.value, (str, int, float)) and _text(one.value) == text:
                return one
        return self._in_any_case(text)

    def _in_any_case(self, value: Any) -> Any:
        for name, one in self.members.__members__.items():
            if isinstance(value, str) and name.casefold() == value.casefold():
                return one
        raise RefusedError(value)


class Place(Kind):
    """`pathlib.Path` and its relatives; `~` is expanded, a relative path stays relative."""

    allowed = "a path"
    many = "paths"

    def __init__(self, made: type) -> None:
        self.made = made

    def take(self, value: Any) -> Any:
        if not isinstance(value, (str, os.PathLike)):
            raise RefusedError(value)
        text = os.fspath(value)
        if not isinstance(text, str) or not text:
            raise RefusedError(value)
        try:
            return self.made(os.path.expanduser(text))
        except ValueError:  # "~" before a name that the system cannot look up, such as one with a zero byte
            raise RefusedError(value) from None


class Duration(Kind):
    """`datetime.timedelta`, as an object or as text with units; never negative, and a number alone only if it is 0."""

    allowed = "a duration such as 250ms, 30s, 1h30m, 2d or 00:05:00"
    many = "durations such as 250ms, 30s, 1h30m, 2d or 00:05:00"

    def take(self, value: Any) -> Any:
        if isinstance(value, timedelta):
            if value < timedelta(0):
                raise RefusedError(value, durations.NEGATIVE)
            return value
        if isinstance(value, str):
            return self.parse(value.strip())
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if value == 0:
                return timedelta(0)
            raise RefusedError(value, durations.NEGATIVE if value < 0 else durations.NO_UNIT)
        raise RefusedError(value)

    def parse(self, text: str) -> Any:
        try:
            return durations.parse(text)
        except OverflowError:
            raise RefusedError(text, "It is too long.") from None
        except ValueError as error:
            raise RefusedError(text, str(error)) from None


class Instance(Kind):
    """Any other class, such as a client: an instance of it, which no text can stand for."""

    textual = False

    def __init__(self, checked: type, name: str) -> None:
        self.checked = checked
        self.allowed = name

    def take(self, value: Any) -> Any:
        if not isinstance(value, self.checked):
            raise RefusedError(value)
        return value


def _same(one: Any, value: Any) -> bool:
    """Whether `value` is the choice `one`, True not being 1."""
    return isinstance(value, type(one)) and isinstance(value, bool) == isinstance(one, bool) and bool(value == one)


def _text(one: Any) -> str:
    if isinstance(one, enum.Enum):
        return one.name
    return str(one).lower() if isinstance(one, bool) else str(one)
