"""The line that the log has of an invocation, in words and as dimensions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_timing.timed import Timed

_HERE = (__file__, 0)
"""Where the record says that it comes from: to find the caller takes longer than all the rest, and is always here."""


def tell(timed: Timed, slow_ms: float | None) -> None:
    """Log it; its dimensions are those that ext_telemetry and OpenCensus's handler take."""
    logger = timed.function.logger
    level = logging.INFO if slow_ms is None else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    message, values = _called(timed, slow_ms) if timed.called else _answered(timed)
    record = logger.makeRecord(logger.name, level, *_HERE, message, values, None, "tell")
    record.custom_dimensions = _dimensions(timed)
    logger.handle(record)


def _called(timed: Timed, slow_ms: float | None) -> tuple[str, tuple[object, ...]]:
    told = "" if timed.waited_ms is None else f", waited {timed.waited_ms:.1f} ms"
    if timed.error is not None:
        told += f" and raised {type(timed.error).__name__}"
    if timed.cold is not None:
        told += _cold(timed)
    if slow_ms is not None:
        told += f" (slow: {slow_ms:g} ms or more)"
    if timed.phases:
        told += _phases(timed.phases)
    if timed.cpu_ms is None:
        return "%s took %.1f ms%s", (timed.function.name, timed.milliseconds, told)
    return "%s took %.1f ms, CPU %.1f ms%s", (timed.function.name, timed.milliseconds, timed.cpu_ms, told)


def _answered(timed: Timed) -> tuple[str, tuple[object, ...]]:
    return "%s was not called: an extension answered%s", (timed.function.name, _cold(timed))


def _cold(timed: Timed) -> str:
    if timed.cold is None:
        return ""
    return f" (cold start: {', '.join(f'{name} {value:.1f} ms' for name, value in timed.cold.items())})"


def _phases(phases: Mapping[str, tuple[int, int]]) -> str:
    told = (
        f"{name} {spent / 1e6:.1f} ms" if count == 1 else f"{name} {spent / 1e6:.1f} ms in {count} times"
        for name, (count, spent) in phases.items()
    )
    return f": {', '.join(told)}"


def _dimensions(timed: Timed) -> dict[str, Any]:
    found: dict[str, Any] = {"duration_ms": timed.milliseconds}
    if timed.cpu_ms is not None:
        found["cpu_ms"] = timed.cpu_ms
    if timed.waited_ms is not None:
        found["waited_ms"] = round(timed.waited_ms, 3)
    if timed.cold is not None:
        found.update({f"cold_start.{name}_ms": round(value, 3) for name, value in timed.cold.items()})
    for name, (_, spent) in timed.phases.items():
        found[f"phase.{name}_ms"] = spent / 1e6
    return found
