"""How a channel works: the numbers that can be set, their units and what is allowed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST = 1_000_000_000
"""Seconds, some 30 years: the standard library cannot wait for ever so long."""

_UP_TO = f"up to {LONGEST}"
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Options:
    """The keyword arguments of a `Channel`."""

    max_queue: int = 20_000
    """Items that may wait; one more, and the oldest are left to the journal, or without one dropped and counted."""

    max_queue_bytes: int = 16 * 1024 * 1024
    """Bytes of JSON that may wait; the same then happens to the oldest."""

    max_batch: int = 500
    """Items in one request."""

    max_batch_bytes: int = 1_000_000
    """Bytes in one request, before compression."""

    interval: float = 2.0
    """Seconds for which items are collected before a request that is not full."""

    request_timeout: float = 10.0
    """Seconds for one request: connecting, writing, reading and redirects together."""

    backoff: tuple[float, float] = (1.0, 60.0)
    """Seconds before the second attempt, and at most before any; each is shortened by up to a half at random."""

    exit_timeout: float = 2.0
    """Seconds that delivery may take when the interpreter exits; 0 leaves it to the caller."""

    journal: bool | str | os.PathLike[str] = True
    """Where items are kept until they are delivered: True a folder of this user under the temporary one, a path that
    folder, False memory only."""

    journal_max_bytes: int = 50 * 1024 * 1024
    """Bytes of all journals of this resource in that folder; more, and the oldest goes first and is counted."""

    proxies: Mapping[str, str] | None = None
    """Proxies by the scheme of the endpoint, `{"https": "http://proxy.example.com:3128"}`; None reads HTTPS_PROXY,
    HTTP_PROXY, ALL_PROXY and NO_PROXY."""

    thread_setup: Callable[[], None] | None = None
    """Called once in the sending thread, before anything else."""

    report: Callable[[int, str], None] | None = None
    """Called in the sending thread with the level and the text of each log line, in place of logging it."""

    def __post_init__(self) -> None:
        for name in ("max_queue", "max_queue_bytes", "max_batch", "max_batch_bytes", "journal_max_bytes"):
            value = getattr(self, name)
            self._must(name, "a whole number from 1 on", allowed=_is_whole(value) and value >= 1)
        self._must("request_timeout", f"seconds, more than 0 {_UP_TO}", allowed=_seconds(self.request_timeout) > 0)
        for name in ("interval", "exit_timeout"):
            self._must(name, f"seconds, from 0 {_UP_TO}", allowed=_seconds(getattr(self, name)) >= 0)
        is_place = isinstance(self.journal, (bool, str, os.PathLike)) and self.journal != ""
        self._must("journal", "True, False or the path of a folder", allowed=is_place)
        pair = self.backoff if isinstance(self.backoff, (tuple, list)) and len(self.backoff) == _PAIR else (0.0, 0.0)
        first, longest = map(_seconds, pair)
        self._must(
            "backoff", f"(first, longest) seconds with 0 < first <= longest {_UP_TO}", allowed=0 < first <= longest
        )
        is_map = self.proxies is None or (isinstance(self.proxies, Mapping) and _are_texts(self.proxies.items()))
        self._must("proxies", "a mapping of schemes to URLs, or None", allowed=is_map)
        for name in ("thread_setup", "report"):
            value = getattr(self, name)
            self._must(name, "a callable or None", allowed=value is None or callable(value))

    def _must(self, name: str, be: str, *, allowed: bool) -> None:
        if not allowed:
            raise ValueError(f"Channel: {name} must be {be}, not {getattr(self, name)!r}.")


def _are_texts(pairs: Iterable[tuple[Any, Any]]) -> bool:
    return all(isinstance(one, str) for pair in pairs for one in pair)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _seconds(value: Any) -> float:
    """Return what is a number of seconds that waits of the standard library take; else -1."""
    is_number = _is_whole(value) or isinstance(value, float)
    return value if is_number and 0 <= value <= LONGEST else -1.0


def check_names(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a keyword argument that there is none of. TypeError: it names the nearest, and all there are."""
    names = tuple(known)
    for name in given:
        if name not in names:
            import difflib

            near = difflib.get_close_matches(name.lower(), names, 1)
            cure = f"Did you mean {near[0]!r}? " if near else ""
            raise TypeError(f"{owner}: unknown option {name!r}. {cure}Known: {', '.join(names)}.")


NAMES = tuple(field.name for field in fields(Options))
