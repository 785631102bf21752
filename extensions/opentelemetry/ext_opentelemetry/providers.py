"""Global providers of meters and loggers that cost nothing until somebody asks for a meter or a logger.

Setting them makes no thread and imports nothing of the SDK. The first `get_meter` makes the SDK's provider with a
reader and its thread, the first `get_logger` the SDK's provider with a processor; both last as long as the process,
and what is configured later changes where they export to.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics

from ext_opentelemetry.lazy import Lazy, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource

    from ext_opentelemetry.loggers import Loggers
    from ext_opentelemetry.meters import Meters

SDK_METER = "opentelemetry-sdk"
"""The meter with which the SDK measures itself: its 1.40 and 1.41 ask for it with every tracer provider."""


def sdk_is_measured() -> bool:
    """Whether OpenTelemetry's variable says so; without it the SDK's 1.42 and later do not ask either."""
    return os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "").strip().lower() == "true"


def _make_meters(exporter: MetricExporter, resource: Resource) -> Meters:
    from ext_opentelemetry.meters import Meters

    return Meters(exporter, resource)


def _make_loggers(processor: LogRecordProcessor, resource: Resource) -> Loggers:
    from ext_opentelemetry.loggers import Loggers

    return Loggers(processor, resource)


class LazyMeterProvider(metrics.MeterProvider):
    """Makes the SDK's meter provider for the first meter; without a destination, meters measure nothing."""

    def __init__(self) -> None:
        self.lazy: Lazy[Meters] = Lazy(_make_meters)

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> metrics.Meter:
        """Return a meter (OpenTelemetry: MeterProvider)."""
        made = None if name == SDK_METER and not sdk_is_measured() else self.lazy.get()
        if made is None:
            return metrics.NoOpMeter(name, version, schema_url)
        return made.provider.get_meter(name, version, schema_url, attributes)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collect and deliver what was measured; True if it arrived in time."""
        return self.lazy.flush(timeout_millis / 1000)

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Deliver what there is; the provider lasts as long as the process."""
        self.force_flush(min(timeout_millis, 5_000))


class LazyLoggerProvider(_logs.LoggerProvider):
    """Makes the SDK's logger provider for the first logger; without a destination, loggers keep nothing."""

    def __init__(self) -> None:
        self.lazy: Lazy[Loggers] = Lazy(_make_loggers)

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Any = None
    ) -> _logs.Logger:
        """Return a logger (OpenTelemetry: LoggerProvider)."""
        made = self.lazy.get()
        if made is None:
            return _logs.NoOpLogger(name, version, schema_url, attributes)
        return made.provider.get_logger(name, version, schema_url, attributes)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was logged; True if it arrived in time."""
        return self.lazy.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what there is; the provider lasts as long as the process."""
        self.force_flush(5_000)


class Providers:
    """What one call of `set_up` put in force."""

    def __init__(self, meters: Target, loggers: Target) -> None:
        self._meters = meters
        self._loggers = loggers
        _meters.lazy.turn_to(meters)
        _loggers.lazy.turn_to(loggers)

    def flush(self, timeout: float) -> bool:
        """Collect what was measured, and deliver that and what was logged, within `timeout` seconds.

        Returns True when all of it arrived; at once when there is neither a meter nor a logger.
        """
        deadline = monotonic() + timeout
        arrived = _meters.lazy.flush(timeout)
        return _loggers.lazy.flush(max(0.0, deadline - monotonic())) and arrived

    def retire(self) -> None:
        """End what these export to, before or after the next are set up: in the background, and delivered first."""
        _meters.lazy.leave(self._meters)
        _loggers.lazy.leave(self._loggers)


_meters = LazyMeterProvider()
_loggers = LazyLoggerProvider()


def set_up(
    *,
    metric_exporter: Callable[[], MetricExporter | None],
    log_processor: Callable[[], LogRecordProcessor | None],
    resource: Callable[[], Resource],
) -> Providers:
    """Have the meters and loggers of this process export to what these callables make, once there are any.

    Each is called at most once, when the first meter or logger is asked for, or at once if there are some from a
    configuration before. What it returns is shut down by `Providers.retire`; an exporter on a shared channel leaves
    that open. None means that nothing is exported: a meter that is made then measures nothing, also later.

    The public API's global providers are set only if the app has set none, as far as the app's are concerned: a
    provider of its own is left alone, and nothing of this is used.

    The interval and the temporality of metrics are those of the first exporter.
    """
    providers = Providers(Target("Metrics", metric_exporter, resource), Target("Logs", log_processor, resource))
    if _is_unset(metrics.get_meter_provider()):
        metrics.set_meter_provider(_meters)
    if _is_unset(_logs.get_logger_provider()):
        _logs.set_logger_provider(_loggers)
    return providers


def _is_unset(provider: object) -> bool:
    """Whether that is the API's own stand-in, which waits for a provider; that of metrics has no public name."""
    kind = type(provider)
    return kind.__name__.lstrip("_").startswith("Proxy") and kind.__module__.startswith("opentelemetry.")


def _after_fork() -> None:
    _meters.lazy.forget_lock()
    _loggers.lazy.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
