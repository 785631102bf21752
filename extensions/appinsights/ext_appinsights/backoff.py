"""When the next request may be made."""

from __future__ import annotations

from time import monotonic


class Pauses:
    """The service's own pauses, and those that grow while requests fail. By the monotonic clock."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._asked_for = False
        self.until = 0.0
        """When the current one is over."""
        self.failures = 0
        """Requests that failed in a row."""

    def remaining(self) -> float:
        """Return the seconds that are left; 0 or less when a request may be made."""
        return self.until - monotonic()

    def failed(self, asked: float | None) -> None:
        """Note that items have to be sent again; `asked`: the seconds that the service wants to be left alone."""
        from random import Random

        # A generator of its own: the app may have seeded the shared one, and count on what it gives.
        jitter = Random().uniform(0.5, 1.0)  # noqa: S311
        delay = min(self._first * 2.0 ** min(self.failures, 30), self._longest) * jitter
        self.failures += 1
        self.until = monotonic() + delay
        self._asked_for = False
        self.obey(asked)

    def succeeded(self, asked: float | None) -> bool:
        """Note that nothing of a request has to be sent again; return whether the one before had failed."""
        recovered = self.failures > 0
        self.failures = 0
        self.obey(asked)
        return recovered

    def cut_short(self) -> None:
        """Allow one attempt at once, unless the service itself asked for the pause."""
        if not self._asked_for:
            self.until = 0.0

    def obey(self, asked: float | None) -> None:
        """Pause as the service asked for, if it did."""
        if asked is not None:
            self.until = monotonic() + asked
            self._asked_for = True
