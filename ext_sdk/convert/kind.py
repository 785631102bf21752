"""What every kind of setting can do, and how it refuses a value."""

from __future__ import annotations

import abc
from typing import Any


class RefusedError(ValueError):
    """A value that a kind does not allow: the very part that is wrong, where that part is, and what to do."""

    def __init__(self, part: Any, cure: str = "") -> None:
        super().__init__()
        self.part = part
        self.cure = cure
        self.at: list[tuple[str, Any]] = []
        """The way to the part, innermost first: `("element", 1)` is the first, `("key", "a")` an entry of a mapping."""


class Kind(abc.ABC):
    """What one annotation allows."""

    allowed = ""
    """One such value in words, as it stands in messages."""
    many = ""
    """Several of them in words; empty: as `allowed`."""
    textual = True
    """Whether the text of an app setting can stand for such a value."""
    nested = False
    """Whether a text of it has commas of its own."""

    @property
    def allowed_as_text(self) -> str:
        """What the text of an app setting may stand for, in words."""
        return self.allowed

    @abc.abstractmethod
    def take(self, value: Any) -> Any:
        """Return what `configure` was given, or an element of JSON, as the setting's value; or raise RefusedError."""

    def parse(self, text: str) -> Any:
        """Return what the text of an app setting, stripped and not empty, stands for; or raise RefusedError."""
        return self.take(text)
