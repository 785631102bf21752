"""How an invocation of an app's function ended, as the host and an HTTP caller see it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging

    from azure.functions.meta import Datum

NO_BODY = b""


@dataclass
class Answer:
    """How an invocation ended."""

    value: Any = None
    """What the function returned; None if it raised."""

    error: BaseException | None = None
    """What it raised, or what a converter raised that could not take what it returned."""

    outputs: dict[str, Any] = field(default_factory=dict)
    """What it sent to output bindings, by name, as the host would get it: text, bytes, or what JSON says.

    `$return` is what it returned to a binding that is not HTTP's."""

    status: int | None = None
    """Of the HTTP response; 500 if it raised, 204 if it answered nothing. None without an HTTP trigger."""

    headers: dict[str, str] = field(default_factory=dict)
    """Of the HTTP response, names in lower case."""

    body: bytes = NO_BODY
    """Of the HTTP response."""

    invocation_id: str = ""

    logs: list[logging.LogRecord] = field(default_factory=list)
    """What was logged meanwhile, by whatever logger whose level lets it through."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def messages(self) -> list[str]:
        """The texts of `logs`."""
        return [one.getMessage() for one in self.logs]

    def json(self) -> Any:
        """Return what the body says as JSON."""
        return json.loads(self.body)


def plain(datum: Datum) -> Any:
    """Return what the host gets of a binding's value."""
    return json.loads(datum.value) if datum.type == "json" and isinstance(datum.value, (str, bytes)) else datum.value
