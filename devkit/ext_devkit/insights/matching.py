"""The words of a question: as the full-text index takes them, and to look for them in a text without an index."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from ext_devkit.errors import DevkitError

MOST_WORDS = 64
"""Different ones of a question: the index looks for each in all that it has before the first is found."""

_PART = re.compile(r'"([^"]*)"?|(\S+)')
_WORD = re.compile(r"[^\W_]+")


class Wanted(NamedTuple):
    """Words that stand side by side; the last one may be only the beginning of one."""

    words: tuple[str, ...]
    begins: bool

    def match(self) -> str:
        """Return it in the index's own language."""
        return f'"{" ".join(self.words)}"{" *" * self.begins}'

    def is_in(self, text: str) -> bool:
        """Tell whether it stands in a text that has one space around each word."""
        return f" {' '.join(self.words)}{'' if self.begins else ' '}" in text


class Asked(tuple[Wanted, ...]):
    """All of it has to be found; nothing is found in any text."""

    __slots__ = ()

    @classmethod
    def parse(cls, q: str) -> Asked:
        """Read words, `"a phrase"` and `begin*`; signs alone ask for nothing.

        Raises DevkitError for too many of them; no other question is wrong.
        """
        found = []
        for phrase, word in _PART.findall(q.encode(errors="replace").decode()):
            if words := tuple(split(phrase or word)):
                found.append(Wanted(words, word.endswith("*")))
        found = list(dict.fromkeys(found))
        if len(found) > MOST_WORDS:
            raise DevkitError(f"The search has {len(found)} words; {MOST_WORDS} are allowed. Leave some out.")
        return cls(found)

    def match(self) -> str:
        """Return it in the index's own language."""
        return " AND ".join(wanted.match() for wanted in self)

    def found(self, text: str) -> bool:
        """Tell whether all of it is in a text, as the index would find it."""
        plain = folded(text)
        # Much quicker than to take every text apart: most have none of the words.
        if not all(wanted.words[0] in plain for wanted in self):
            return False
        spaced = f" {' '.join(_WORD.findall(plain))} "
        return all(wanted.is_in(spaced) for wanted in self)


def folded(text: str) -> str:
    """Return a text without case and accents."""
    text = text.lower()
    if text.isascii():
        return text
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def split(text: str) -> list[str]:
    """Return the words of a text as they are compared: runs of letters and digits of any script."""
    return _WORD.findall(folded(text))
