"""An app's code that hands items to a channel, and watches the clock while it does."""

from __future__ import annotations

import logging
import os
from itertools import count
from time import monotonic
from typing import Any

from ext_appinsights import Channel, envelope
from tests.support.faulty import payload_of

SCHEDULING = 0.4
"""Seconds that a call may take on top of what it should, on two cores that others use as well. What the tests look for
is a call that waits for the service: each of these services makes one wait for a second at least, most for ever."""

FLUSH_EXTRA = 0.05
"""Seconds that a flush may take beyond its timeout, and that a commit may wait for another one."""

QUICK: dict[str, Any] = {"interval": 0.02, "backoff": (0.02, 0.2), "request_timeout": 5.0}

_numbers = count()


def event(name: str, **more: str) -> dict[str, Any]:
    """Return an item that shows when it was damaged."""
    properties = {"payload": payload_of(name), **more}
    return envelope.event(time_ns=1_767_323_045_000_000_000, name=name, properties=properties)


class Log(logging.Handler):
    """Keeps what the log has of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


class Caller:
    """What an app does with a channel; each call is held to its time."""

    def __init__(self, target: str, **options: Any) -> None:
        self.channel = Channel(target, **{**QUICK, **options})
        self.sent: list[str] = []
        self.over = {"send": 0.0, "commit": 0.0, "flush": 0.0, "close": 0.0}
        """Seconds that the slowest call of each kind took beyond what it may."""
        self._log = Log()
        logger = logging.getLogger("ext_appinsights")
        logger.addHandler(self._log)
        logger.setLevel(logging.INFO)

    def send(self, number: int = 1, **more: str) -> list[str]:
        """Hand over new items as an invocation does: one by one, then a commit. `more`: properties."""
        names = [f"item {os.getpid()}/{next(_numbers)}" for _ in range(number)]
        for name in names:
            item = event(name, **more)
            self._timed("send", 0.0, self.channel.send, [item])
        self._timed("commit", FLUSH_EXTRA, self.channel.commit)
        self.sent += names
        return names

    def flush(self, timeout: float) -> bool:
        return self._timed("flush", timeout + FLUSH_EXTRA, self.channel.flush, timeout)

    def close(self, timeout: float) -> bool:
        return self._timed("close", timeout + FLUSH_EXTRA, self.channel.close, timeout)

    def deliver(self, patience: float = 30.0) -> None:
        """Flush until nothing waits, and once more: the numbers may be read while a request is being put together."""
        deadline = monotonic() + patience
        idle = 0
        while idle < 2:
            self.flush(1.0)
            idle = 0 if self.stats["waiting"] else idle + 1
            assert monotonic() < deadline, (self.stats, self.said())

    @property
    def stats(self) -> dict[str, Any]:
        return self.channel.stats()

    def check(self) -> None:
        """Assert that each item that was handed over was accepted, and that nothing else is in the books."""
        stats = self.stats
        assert (stats["accepted"], stats["waiting"], stats["dropped"]) == (len(self.sent), 0, {}), stats

    def said(self) -> list[tuple[str, str]]:
        """Return what the log has of this channel, as (level, text) without the "Telemetry to HOST" in front."""
        beginning = f"Telemetry to {self.channel.endpoint.partition('://')[2]}"
        lines = [(level, text) for level, text in self._log.lines if text.startswith(beginning)]
        return [(level, text.removeprefix(beginning).lstrip(": ")) for level, text in lines]

    def _timed(self, what: str, allowed: float, call: Any, *args: Any) -> Any:
        started = monotonic()
        result = call(*args)
        over = monotonic() - started - allowed
        self.over[what] = max(self.over[what], over)
        assert over < SCHEDULING, f"{what} took {over:.3f} s longer than it may"
        return result


def peak_rss() -> float:
    """Return the most memory that this process has had, in MiB; getrusage gives that of the parent, if it is more."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
