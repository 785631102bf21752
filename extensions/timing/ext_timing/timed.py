"""One invocation that is timed: from before the function to its line, header and metrics."""

from __future__ import annotations

from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Literal, Protocol

from ext_timing import cold, header, line, metrics, waited
from ext_timing.phases import KEY, Timing, timing_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_sdk import Invocation, Outcome
    from ext_timing.statistics import Statistics


class Options(Protocol):
    """How it is told: the settings of the extension, or those of one function."""

    @property
    def slow_ms(self) -> float | None:
        """Milliseconds from which on an invocation is slow."""

    @property
    def server_timing(self) -> bool:
        """Whether responses get the header."""

    @property
    def log(self) -> Literal["all", "slow", "off"]:
        """Which invocations have a line."""

    @property
    def metrics(self) -> bool:
        """Whether metrics are recorded."""


class Timed:
    """Times one invocation, and holds what is known of it at its end."""

    __slots__ = (
        "_called_ns", "_cpu_ns", "_invocation", "_options", "_statistics", "_timing", "called", "cold", "cpu_ms",
        "error", "function", "milliseconds", "phases", "waited_ms",
    )  # fmt: skip

    milliseconds: float
    """What the function took."""
    cpu_ms: float | None
    """What its thread worked; None for a coroutine function, which shares its thread with others."""
    waited_ms: float | None
    """How long the message waited before; None if its trigger does not tell."""
    cold: dict[str, float] | None
    """The parts of the cold start, in milliseconds; None if it is none."""
    phases: Mapping[str, tuple[int, int]]
    """How often each phase ran and its nanoseconds, by name."""
    called: bool
    """Whether the function was called: an extension may have answered."""
    error: BaseException | None

    def __init__(self, invocation: Invocation, options: Options, statistics: Statistics) -> None:
        self._invocation = invocation
        self._options = options
        self._statistics = statistics
        self.function = function = statistics.of(invocation)
        timing = timing_of(invocation.attributes)
        if timing is None:  # else TimingExtension and a FunctionTimer share it
            timing = invocation.attributes[KEY] = Timing()
        self._timing = timing
        self.waited_ms = waited.milliseconds(invocation.args.get(function.trigger.name)) if function.waits else None
        self._called_ns = perf_counter_ns() if invocation.cold_start else 0
        # To ask for the thread's time is a call of the system, unlike the other clock; only the line has it.
        self._cpu_ns = -1 if invocation.is_async or options.log == "off" else thread_time_ns()

    def end(self, outcome: Outcome) -> None:
        """Say how long it took."""
        self.cpu_ms = None if self._cpu_ns < 0 else (thread_time_ns() - self._cpu_ns) / 1e6
        timing, options, took = self._timing, self._options, outcome.duration_ns
        self.phases = phases = timing.phases
        self.error = error = outcome.error
        self.called = called = took > 0 or error is not None
        if called:
            self._statistics.add(self.function, took, error, phases)
        if timing.told:  # by the FunctionTimer of this function
            return
        timing.told = True
        self.milliseconds = took / 1e6
        self.cold = self._cold() if self._called_ns else None
        slow_ms = options.slow_ms
        slow = slow_ms is not None and self.milliseconds >= slow_ms
        if options.log == "all" or (slow and options.log == "slow"):
            line.tell(self, slow_ms if slow else None)
        if options.metrics:
            metrics.record(self)
        if options.server_timing and outcome.result is not None:
            header.add(outcome.result, self)

    def _cold(self) -> dict[str, float]:
        parts = cold.parts(self._invocation, self._called_ns)
        cold.keep(parts, self.milliseconds)
        return parts
