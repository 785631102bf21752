"""Makes text from anywhere safe to print: telemetry is written by others, a terminal obeys what it reads."""

from __future__ import annotations

import unicodedata

LONGEST = 300
"""Characters of one text that a line of the tree shows."""

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that steer, hide or reorder: control, format (also bidirectional), surrogates, line separators."""


def plain(text: str, limit: int = LONGEST) -> str:
    """Return the first line of a text, with every unsafe character shown as its escape and what is too long cut."""
    lines = [line for line in text.splitlines() if line.strip()]
    line = lines[0].strip() if lines else ""
    shortened = line if len(line) <= limit else line[:limit]
    if len(lines) > 1 or shortened is not line:
        shortened += " ..."
    if shortened.isprintable():
        return shortened
    return "".join(map(_shown, shortened))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape").decode("ascii")
