"""A clock that stands still while another process has the processor, so that a busy machine changes no verdict."""

from __future__ import annotations

from time import perf_counter


def seconds() -> float:
    """Return the seconds of this thread, without those in which it waits for its turn, where Linux tells them."""
    now = perf_counter()
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:
            return now - int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return now
