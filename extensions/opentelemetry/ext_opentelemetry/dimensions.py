"""The attributes of a span as custom dimensions, written at once: what happens for every attribute of every span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_appinsights import lines
from ext_appinsights.fields import KEY_LIMIT, VALUE_LIMIT, value_text
from ext_opentelemetry.attributes import dimensions, is_dimension

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ext_appinsights.redaction import Redactor

_NONE = ""
_UNUSUAL = "?"
_REMEMBERED = 2048


class Dimensions:
    """Writes attributes as the members of a JSON object; any number of threads may share one.

    Keys come again and again, so what becomes of each is remembered, and its JSON with it. Whatever is out of the
    ordinary goes the long way: long keys and values, and what may hold a credential.
    """

    def __init__(self, redactor: Redactor | None) -> None:
        self._redactor = redactor
        self._known: dict[str, str] = {}

    def members(self, attributes: Mapping[str, Any]) -> str:
        """Return the custom dimensions among the attributes, without credentials."""
        known, quoted = self._known, lines.quoted
        written, texts = [], []
        for key, value in attributes.items():
            start = known.get(key)
            if start is None:
                start = self._learn(key)
            if start is _NONE or value is None:
                continue
            text = value if type(value) is str else value_text(value)
            if start is _UNUSUAL or len(text) > VALUE_LIMIT:
                return self._at_length(attributes)
            written.append(start + quoted(text))
            texts.append(text)
        if self._redactor is not None and texts and self._redactor.suspects("\n".join(texts)):
            return self._at_length(attributes)
        return ",".join(written)

    def starts(self, keys: Iterable[str]) -> tuple[tuple[str, str], ...] | None:
        """Return the keys of custom dimensions, and how the member of each begins; None if one goes the long way."""
        found = []
        for key in keys:
            start = self._known.get(key) or self._learn(key)
            if start is _UNUSUAL:
                return None
            if start is not _NONE:
                found.append((key, start))
        return tuple(found)

    def properties(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the custom dimensions among the attributes, without credentials, and not yet cut to their limits."""
        found = dimensions(attributes)
        return found if self._redactor is None else self._redactor.properties(found)

    def _at_length(self, attributes: Mapping[str, Any]) -> str:
        return lines.properties(self.properties(attributes))

    def _learn(self, key: str) -> str:
        if not is_dimension(key):
            start = _NONE
        elif not 0 < len(key) <= KEY_LIMIT or (self._redactor is not None and self._redactor.names_a_secret(key)):
            start = _UNUSUAL
        else:
            start = lines.quoted(key) + ":"
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = start
        return start
