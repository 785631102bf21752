"""What `TelemetryExtension.configure` takes, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_ROOM = 1024
"""Bytes of the smallest debug buffer: with fewer it would hold no line, or one."""

LEVELS = {"auto": -1, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


@dataclass(frozen=True)
class Settings:
    """Each can be an app setting too, as EXT_TELEMETRY_<NAME>; what is passed to `configure` wins."""

    logs: Literal["auto", "export", "off"] = "auto"
    """Who stores log records: "auto" sees to it that each is stored once, "export" exports them whoever else does,
    "off" leaves them alone."""

    level: Literal["auto", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "auto"
    """From which level on records are exported; "auto" is what host.json says for the function, or else INFO."""

    debug_buffer: int = 0
    """Bytes of records below the level that are kept of each invocation, and exported if it fails; 0 keeps none."""

    flood_burst: int = 500
    """Records that one line of code may log at once in one invocation; 0 is no limit."""

    flood_rate: float = 100.0
    """Records a second that this line may log after them; what it logs beyond is counted and left out."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.debug_buffer and self.debug_buffer < _ROOM:
            raise ValueError(
                f"setting 'debug_buffer' is {self.debug_buffer}. Allowed: 0 or a number of bytes from {_ROOM} on, "
                "as 65536: a line takes some hundreds."
            )
        if self.flood_burst < 0:
            raise ValueError(f"setting 'flood_burst' is {self.flood_burst}. Allowed: 0 or a number of records, as 500.")
        if not 0 <= self.flood_rate < float("inf"):
            raise ValueError(
                f"setting 'flood_rate' is {self.flood_rate}. Allowed: a number of records a second, as 100."
            )

    @property
    def threshold(self) -> int | None:
        """The number of the level; None if host.json decides."""
        return None if self.level == "auto" else LEVELS[self.level]
