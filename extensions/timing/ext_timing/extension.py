"""`TimingExtension`: importing it is enough, `configure` tunes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ext_sdk import AppExtension
from ext_timing import cold, phases
from ext_timing.statistics import Statistics
from ext_timing.timed import Timed

if TYPE_CHECKING:
    from collections.abc import Generator

    from ext_sdk import Invocation, Outcome


class TimingExtension(AppExtension):
    """Say after each invocation how long the function took, and how long its phases."""

    @dataclass(frozen=True)
    class Settings:
        """What `TimingExtension.configure` takes."""

        slow_ms: float | None = None
        """Milliseconds from which on the line is a warning; None: it is always information."""

        server_timing: bool = True
        """Whether HTTP responses get the header `Server-Timing` (https://www.w3.org/TR/server-timing/)."""

        log: Literal["all", "slow", "off"] = "all"
        """Which invocations have a line: all, only slow ones, none."""

        metrics: bool = True
        """Whether OpenTelemetry's metrics of functions are recorded, where the app uses OpenTelemetry."""

    order = -50
    """Outside of ordinary extensions, so that a call which one of them answers has its line too; inside of tracing, so
    that the line belongs to the invocation's span."""

    stand_ins = phases.STAND_INS

    _statistics: ClassVar[Statistics] = Statistics()

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Time the function, log one line, and add the header if the result is an HTTP response."""
        timed = Timed(invocation, cls.settings(), cls._statistics)
        outcome = yield
        timed.end(outcome)

    @classmethod
    def facts(cls) -> dict[str, object]:
        """Return the percentiles of each function and its phases, and what the cold start took."""
        return {**cls._statistics.facts(), **cold.facts()}
