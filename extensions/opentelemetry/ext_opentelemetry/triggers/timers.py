"""Timers: their schedule, and whether they are late."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ext_opentelemetry.triggers.expressions import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def source(binding: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[..., None]]:
    """Return the attributes of all runs, and what reads a single one."""
    schedule = resolved(binding.get("schedule"))
    return {"faas.cron": schedule} if schedule else {}, _read


def _read(timer: Any, attributes: dict[str, Any]) -> None:
    attributes["faas.time"] = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if getattr(timer, "past_due", None) is True:
        attributes["azure.functions.past_due"] = True
