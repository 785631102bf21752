"""Waiting in the main thread for something that a signal brings about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

GLANCE = 0.2
"""Seconds after which a signal is noticed at the latest."""


def wait_for(event: threading.Event) -> None:
    """Wait until the event is set, also by a signal handler.

    Python runs signal handlers in the main thread, when that executes Python code. A signal that the kernel gives to
    another thread does not wake it from `event.wait()`, so this looks up now and then.
    """
    while not event.wait(GLANCE):
        pass
