"""How a channel works: the numbers that can be set, their units and what is allowed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Options:
    """The keyword arguments of a `Channel`."""

    max_queue: int = 10_000
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
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Channel: {name} must be a whole number from 1 on, not {value!r}.")
        if not self.request_timeout > 0:
            raise ValueError(f"Channel: request_timeout must be more than 0 seconds, not {self.request_timeout!r}.")
        for name in ("interval", "exit_timeout"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"Channel: {name} must be 0 seconds or more, not {getattr(self, name)!r}.")
        if not isinstance(self.journal, (bool, str, os.PathLike)) or self.journal == "":
            raise ValueError(f"Channel: journal must be True, False or the path of a folder, not {self.journal!r}.")
        first, longest = self.backoff
        if not 0 < first <= longest:
            raise ValueError(
                f"Channel: backoff must be (first, longest) with 0 < first <= longest, not {self.backoff!r}."
            )
