"""Ctrl-C, SIGTERM and the terminal's end as one exception, that comes only where it can be dealt with."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

ALWAYS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """The user, or the system, asked for the end. No Exception, so that no guard on the way takes it for a fault."""


class Signals:
    """While entered, SIGINT, SIGTERM and SIGHUP raise `Stopped` in the main thread, once."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._holding = False
        self._stopped = False

    def __enter__(self) -> Self:
        """Watch, also if the parent process had them ignored, as shells do for what they start in the background."""
        self._before = {number: signal.signal(number, self._on_signal) for number in _watched()}
        return self

    def __exit__(self, *_exc: object) -> None:
        """Restore what was before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a step that must not be cut in two come to its end; raise `Stopped` after it if it was asked for."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._stopped:
            raise Stopped

    def ignore(self) -> None:
        """Raise no more: the end has begun."""
        self._holding = True

    def _on_signal(self, _number: int, _frame: object) -> None:
        first, self._stopped = not self._stopped, True
        if first and not self._holding:
            raise Stopped


def _watched() -> tuple[signal.Signals, ...]:
    """Return the signals to watch; SIGHUP, which comes when the terminal is closed, not under `nohup`."""
    hangup: signal.Signals | None = getattr(signal, "SIGHUP", None)  # Windows has none
    return ALWAYS if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN else (*ALWAYS, hangup)
