"""How a channel works: the numbers that can be set, their units and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Options:
    """The keyword arguments of a `Channel`."""

    max_queue: int = 10_000
    """Items that may wait; one more, and the oldest is dropped and counted."""

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

    thread_setup: Callable[[], None] | None = None
    """Called once in the sending thread, before anything else."""

    report: Callable[[int, str], None] | None = None
    """Called in the sending thread with the level and the text of each log line, in place of logging it."""

    def __post_init__(self) -> None:
        for name in ("max_queue", "max_batch", "max_batch_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Channel: {name} must be a whole number from 1 on, not {value!r}.")
        if not self.request_timeout > 0:
            raise ValueError(f"Channel: request_timeout must be more than 0 seconds, not {self.request_timeout!r}.")
        for name in ("interval", "exit_timeout"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"Channel: {name} must be 0 seconds or more, not {getattr(self, name)!r}.")
        first, longest = self.backoff
        if not 0 < first <= longest:
            raise ValueError(
                f"Channel: backoff must be (first, longest) with 0 < first <= longest, not {self.backoff!r}."
            )
