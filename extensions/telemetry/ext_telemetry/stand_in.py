"""What the function finds as `context.telemetry` where extensions are switched off: it takes all calls, for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class NoDependency:
    """A block around nothing."""

    success = True
    result_code = ""

    def __init__(self) -> None:
        self.properties: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""


class NoTelemetry:
    """Has the calls of `Telemetry`; none of them does anything."""

    def track_event(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def track_metric(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def track_exception(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def track_availability(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def track_dependency(self, *_: Any, **__: Any) -> NoDependency:
        """Return a block that does nothing."""
        return NoDependency()
