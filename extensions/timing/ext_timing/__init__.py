"""How long each invocation took, and which part of it: a log line, the Server-Timing header, metrics, percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_timing import cold  # noqa: F401 - first: from here on the import of the app is measured
from ext_timing.function_timer import FunctionTimer
from ext_timing.phases import Phase, Timing, phase

if TYPE_CHECKING:
    from ext_timing.extension import TimingExtension

__all__ = ["FunctionTimer", "Phase", "Timing", "TimingExtension", "phase"]


def __getattr__(name: str) -> Any:
    """Import TimingExtension when it is asked for: that activates it, for the whole app, and FunctionTimer must not."""
    if name == "TimingExtension":
        from ext_timing.extension import TimingExtension

        return TimingExtension
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
