"""A provider of the SDK that is made when it is first needed, and whose destination can be changed for good."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ext_opentelemetry.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.resources import Resource

_log = logging.getLogger("ext_opentelemetry")

_TURNING = 0.5
"""Seconds that a change of configuration waits for what was measured before."""


class Switched(Protocol):
    """A provider with a switch to where it exports."""

    @property
    def provider(self) -> Any:
        """The SDK's provider."""

    def turn_to(self, target: Any, seconds: float) -> None:
        """Export to another target from now on, to none if it is None."""

    def flush(self, timeout: float) -> bool:
        """Deliver what there is, within `timeout` seconds; whether it arrived."""


S = TypeVar("S", bound=Switched)


class Target:
    """What one configuration exports a signal to: an exporter or a processor, made when it is needed."""

    def __init__(self, what: str, make: Callable[[], Any], resource: Callable[[], Resource]) -> None:
        self.resource = resource
        self.made: Any = None
        self._what = what
        self._make = make
        self._asked = False

    def get(self) -> Any:
        """Return the exporter or processor; None if there is none, or if it cannot be made, which is said once."""
        if not self._asked:
            self._asked = True  # first: an exporter may ask for a meter while it is made
            if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true":
                self.made = self.attempt(self._make)
        return self.made

    def attempt(self, make: Callable[[], Any]) -> Any:
        """Return what `make` returns; None if it raises, and a line says so."""
        try:
            return make()
        except Exception as error:
            _log.warning("%s are not exported: %s: %s", self._what, type(error).__name__, error)
            return None

    def close(self) -> None:
        """End it, in the background: official ones deliver first what they have, and take their time."""
        made, self.made, self._asked = self.made, None, True
        if made is not None:
            Background(lambda: made.shutdown() is None, "ext_opentelemetry-retire").ask()


class Lazy(Generic[S]):
    """An SDK provider to come, and once it is made, for as long as the process lives."""

    def __init__(self, make: Callable[[Any, Resource], S]) -> None:
        self._make = make
        self._made: S | None = None
        self._target: Target | None = None
        self.forget_lock()

    def forget_lock(self) -> None:
        """Take a new lock: after a fork the other may be held by a thread that is not there."""
        self._lock = threading.RLock()  # who makes an exporter may come back for a meter, a signal handler for a logger

    def get(self) -> S | None:
        """Return it, made now if it was not; None if there is nowhere to export to."""
        if self._made is None:
            with self._lock:
                target = self._target
                exporter = target.get() if target is not None and self._made is None else None
                if exporter is not None and target is not None:
                    self._made = target.attempt(lambda: self._make(exporter, target.resource()))
        return self._made

    def turn_to(self, target: Target | None) -> None:
        """Export to another target from now on."""
        with self._lock:
            self._target = target
            if self._made is not None:
                self._made.turn_to(None if target is None else target.get(), _TURNING)

    def leave(self, target: Target) -> None:
        """Export to that target no more, and end it."""
        if self._target is target:
            self.turn_to(None)
        target.close()

    def flush(self, timeout: float) -> bool:
        """Deliver what there is, within `timeout` seconds; at once if it was never made."""
        return self._made is None or self._made.flush(timeout)
