"""The SDK's logger provider as the extension has it: one processor, a switch to what processes at present.

Importing this module imports the SDK's logs; `providers` does so when somebody asks for a logger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor

from ext_opentelemetry.background import Background
from ext_opentelemetry.log_exporter import ChannelLogRecordProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.resources import Resource


class SwitchLogRecordProcessor(LogRecordProcessor):
    """Passes log records on to what is configured at present: a provider keeps a processor for good."""

    def __init__(self, target: LogRecordProcessor) -> None:
        self.turn_to(target)

    def turn_to(self, target: LogRecordProcessor | None) -> None:
        """Pass records to another processor from now on."""
        self._receive: Callable[[Any], object] = _receiver(target)
        self.target = target

    def on_emit(self, log_record: Any) -> None:
        """Pass a record on."""
        self._receive(log_record)

    emit = on_emit  # its name before 1.35

    def enabled(self, **asked: Any) -> bool:
        """Whether a record of this kind would be processed."""
        ask = getattr(self.target, "enabled", None)
        return bool(ask(**asked)) if ask is not None else self.target is not None

    def shutdown(self) -> None:
        """Deliver what there is; the extension may still be used afterwards, so nothing is closed."""
        self.force_flush(5_000)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was logged before."""
        return self.target is None or self.target.force_flush(timeout_millis) is not False


class Loggers:
    """The SDK's provider with its processor, made once; where records go can be changed."""

    def __init__(self, processor: LogRecordProcessor, resource: Resource) -> None:
        self.switch = SwitchLogRecordProcessor(processor)
        self.provider = LoggerProvider(resource, shutdown_on_exit=False)
        self.provider.add_log_record_processor(self.switch)
        self._flushing = Background(self.switch.force_flush, "ext_opentelemetry-logs")

    def turn_to(self, processor: LogRecordProcessor | None, seconds: float) -> None:  # noqa: ARG002
        """Have records processed elsewhere from now on."""
        self.switch.turn_to(processor)

    def flush(self, timeout: float) -> bool:
        """Deliver what was logged, within `timeout` seconds; an official processor would take its own time."""
        target = self.switch.target
        if isinstance(target, ChannelLogRecordProcessor):
            return target.channel.flush(timeout)
        return target is None or self._flushing.ask().wait(timeout)


def _receiver(target: LogRecordProcessor | None) -> Callable[[Any], object]:
    if target is None:
        return lambda _: None
    return getattr(target, "on_emit", None) or target.emit  # type: ignore[attr-defined, no-any-return]
