"""What a check raises."""

from __future__ import annotations


class SeenError(Exception):
    """What was seen that should not be."""


def expect(fine: object, seen: str) -> None:
    """Raise SeenError unless all is well."""
    if not fine:
        raise SeenError(seen)
