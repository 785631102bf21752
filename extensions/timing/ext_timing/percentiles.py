"""Percentiles of times in bounded memory."""

from __future__ import annotations

_SHIFT = 10  # to 1.024 us: nothing shorter is told apart
_PARTS = 4  # bits: 16 parts for each doubling, so that a value is at most 1/32 from its part's middle
_EACH = 1 << _PARTS
_DOUBLINGS = 36  # 2 ** 36 us are 19 hours
_SIZE = (_DOUBLINGS - _PARTS + 1) * _EACH


class Percentiles:
    """Counts times on a scale of which each part is 1/16 of a power of two.

    Whoever calls it sees to it that one thread at a time does.
    """

    __slots__ = ("count", "longest", "parts")

    def __init__(self) -> None:
        self.parts = [0] * _SIZE
        self.count = 0
        self.longest = 0

    def add(self, nanoseconds: int) -> None:
        """Count one."""
        units = nanoseconds >> _SHIFT
        above = units.bit_length() - _PARTS - 1
        at = units if above <= 0 else (above << _PARTS) + (units >> above)
        self.parts[at if at < _SIZE else -1] += 1
        self.count += 1
        if nanoseconds > self.longest:  # noqa: PLR1730 - max() takes longer
            self.longest = nanoseconds

    def at(self, share: float) -> float:
        """Return the nanoseconds that this share of all did not pass, within 1/32; 0 if there are none."""
        wanted, seen = share * self.count, 0
        for at, count in enumerate(self.parts):
            seen += count
            if count and seen >= wanted:
                return min(_middle(at), self.longest)
        return 0.0

    def facts(self) -> dict[str, float]:
        """Return the usual ones, and the longest, in milliseconds."""
        found = {f"p{round(share * 100)}_ms": round(self.at(share) / 1e6, 3) for share in (0.5, 0.95, 0.99)}
        return {"count": self.count, **found, "max_ms": round(self.longest / 1e6, 3)}


def _middle(at: int) -> float:
    above = max(0, (at >> _PARTS) - 1)
    units = at if at < _EACH else (at - (above << _PARTS)) << above
    return float(((units << 1) + (1 << above)) << (_SHIFT - 1))
