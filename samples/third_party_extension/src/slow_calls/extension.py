"""The extension: it warns of calls that take too long."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar

from ext_sdk import AppExtension, Invocation, Outcome


class SlowCallsExtension(AppExtension):
    """Warns of each call that takes longer than `slow_ms`. Importing it switches it on for the whole app."""

    @dataclass(frozen=True)
    class Settings:
        """What a user of the extension can set, in code with `configure(slow_ms=500)` or with an app setting."""

        slow_ms: float = 1000.0
        """The limit in milliseconds; the app setting is called EXT_SLOWCALLS_SLOW_MS."""

        def __post_init__(self) -> None:
            """Refuse what the type alone lets through; users get the message as a SettingsError."""
            if not self.slow_ms > 0:
                raise ValueError(f"setting 'slow_ms' is {self.slow_ms!r}. Allowed: a number above 0.")

    _warned: ClassVar[dict[str, int]] = {}
    _counting: ClassVar[Lock] = Lock()

    @classmethod
    def facts(cls) -> Mapping[str, object]:
        """Return how many calls of each function were warned of; `ext_sdk.extensions()` shows it."""
        return dict(cls._warned)

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Run around each call of each function of the app."""
        slow_ms = cls.settings().slow_ms
        outcome = yield  # the function runs here; what follows is done whether it returned or raised
        took_ms = outcome.duration_ns / 1e6
        if took_ms > slow_ms:
            invocation.logger.warning("%s took %.0f ms, more than %g", invocation.function_name, took_ms, slow_ms)
            with cls._counting:
                cls._warned[invocation.function_name] = cls._warned.get(invocation.function_name, 0) + 1
