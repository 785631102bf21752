"""The ids that the kit makes: random ones, as a host's are, or counted ones while the clock is frozen."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import itertools

counted: itertools.count[int] | None = None
"""Where the next number comes from; None if ids are random."""


def invocation_id() -> str:
    """Return a new id of an invocation."""
    return str(uuid.uuid4() if counted is None else uuid.UUID(int=next(counted)))


def trace_parent() -> str:
    """Return what a caller with a trace of its own sends, sampled (https://www.w3.org/TR/trace-context/)."""
    if counted is None:
        return f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    number = next(counted)
    return f"00-{number:032x}-{number:016x}-01"
