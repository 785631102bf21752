"""`FunctionTimer`: the same for one function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ext_sdk import FuncExtension
from ext_timing.phases import STAND_INS
from ext_timing.statistics import Statistics
from ext_timing.timed import Timed

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Literal

    from ext_sdk import Invocation, Outcome

_LINES = ("all", "slow", "off")


class FunctionTimer(FuncExtension):
    """Say after each invocation of one function how long it took, and how long its phases.

    In a v1 function's file `FunctionTimer(__file__)`; in the v2 model `timer = FunctionTimer()` and `@timer` above or
    below the trigger; in both `FunctionTimer(function="name")`. Where TimingExtension is active too, there is one line
    and one header for the function: these.
    """

    stand_ins = STAND_INS

    def __init__(
        self,
        file_path: str | None = None,
        *,
        function: str | None = None,
        slow_ms: float | None = None,
        server_timing: bool = True,
        log: Literal["all", "slow", "off"] = "all",
        metrics: bool = True,
    ) -> None:
        """Make one, with what `TimingExtension.Settings` says of the settings.

        Raises ExtensionError as every FuncExtension does, ValueError for a setting that is not allowed.
        """
        super().__init__(file_path, function=function)
        self.slow_ms = _milliseconds(slow_ms)
        self.server_timing = _flag("server_timing", server_timing)
        self.log = _lines(log)
        self.metrics = _flag("metrics", metrics)
        self._statistics = Statistics()

    def around_invocation(self, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Time the function, log one line, and add the header if the result is an HTTP response."""
        timed = Timed(invocation, self, self._statistics)
        outcome = yield
        timed.end(outcome)

    def facts(self) -> dict[str, object]:
        """Return the percentiles of the function and its phases."""
        return self._statistics.facts()


def _milliseconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise ValueError(f"FunctionTimer: slow_ms is {value!r}. Allowed: a number or None.")
    return float(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"FunctionTimer: {name} is {value!r}. Allowed: True or False.")  # noqa: TRY004 - one kind
    return value


def _lines(value: Any) -> Any:
    if value not in _LINES:
        raise ValueError(f"FunctionTimer: log is {value!r}. Allowed: {' or '.join(map(repr, _LINES))}.")
    return value
