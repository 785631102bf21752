"""The same code on OpenTelemetry: OpenCensus's tracers make its spans, and OpenTelemetryExtension exports them.

By the official opentelemetry-opencensus-shim, which replaces what every `Tracer` of OpenCensus makes spans with.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import get_current_span

from ext_opencensus import options
from ext_opencensus.context import InvocationSpanContext, context_of
from ext_opencensus.current import Entered

if TYPE_CHECKING:
    from ext_opencensus.settings import Settings
    from ext_sdk import Invocation

_installed = False


def set_up(settings: Settings) -> None:
    """Install the shim, activate OpenTelemetryExtension, and pass on what was configured here."""
    global _installed
    from opentelemetry.shim.opencensus import install_shim

    from ext_opentelemetry import OpenTelemetryExtension

    options.warn(settings)
    passed_on = _passed_on(settings)
    if passed_on:
        OpenTelemetryExtension.configure(**passed_on)
    if not _installed:
        install_shim()
        _installed = True


def take_down() -> None:
    """Have OpenCensus's tracers make OpenCensus's spans again."""
    global _installed
    if _installed:
        from opentelemetry.shim.opencensus import uninstall_shim

        uninstall_shim()
        _installed = False


def _passed_on(settings: Settings) -> dict[str, Any]:
    """Return what was given here, in the names of OpenTelemetryExtension's settings."""
    names = options.given(settings)
    found: dict[str, Any] = {
        name: getattr(settings, name) for name in ("credential", "flush", "flush_budget", "redact") if name in names
    }
    if names & {"connection_string", "instrumentation_key"}:
        target = options.target_of(settings)
        assert target is not None
        found["connection_string"] = settings.connection_string or (
            f"InstrumentationKey={target.instrumentation_key};IngestionEndpoint={target.ingestion_endpoint}"
        )
    if names & {"enable_local_storage", "storage_path"}:
        found["journal"] = options.journal_of(settings)
    if settings.sampler is not None:
        found["sampling_ratio"] = float(settings.sampler.rate)  # type: ignore[attr-defined]
    return found


class Shimmed:
    """One invocation whose tracer makes spans of OpenTelemetry."""

    __slots__ = ("_entered", "_steps_aside", "tracer")

    def __init__(self, invocation: Invocation) -> None:
        from opencensus.trace import execution_context  # type: ignore[import-untyped]
        from opencensus.trace.samplers import AlwaysOnSampler  # type: ignore[import-untyped]
        from opencensus.trace.tracer import Tracer  # type: ignore[import-untyped]

        before = execution_context.get_opencensus_full_context()
        self.tracer = Tracer(_continued(invocation.trace_context), AlwaysOnSampler(), _Nowhere())
        execution_context.set_opencensus_full_context(*before)  # the original makes itself current
        self._entered = Entered(self.tracer)
        # What both of them trace is to be one span: OpenTelemetry's, which knows that it is a client's.
        self._steps_aside = _requests_are_traced() and not execution_context.is_exporter()
        if self._steps_aside:
            execution_context.set_is_exporter(True)

    def end(self) -> None:
        """Put back what was current."""
        from opencensus.trace import execution_context

        if self._steps_aside:
            execution_context.set_is_exporter(False)
        self._entered.leave()


class ShimmedSpanContext(InvocationSpanContext):
    """The ids of OpenTelemetry's current span, which log records and the headers of calls are to have."""

    @property
    def trace_id(self) -> str:
        """Of the current span, else of the caller's."""
        current = get_current_span().get_span_context()
        return f"{current.trace_id:032x}" if current.is_valid else self._trace_id

    @trace_id.setter
    def trace_id(self, value: str) -> None:
        self._trace_id = value

    @property
    def span_id(self) -> str | None:
        """Of the current span, else of the caller's."""
        current = get_current_span().get_span_context()
        return f"{current.span_id:016x}" if current.is_valid else self.caller

    @span_id.setter
    def span_id(self, value: str | None) -> None:
        """Take no notice, as the original's tracers do not count here."""


def _continued(carried: Any) -> ShimmedSpanContext:
    found = context_of(carried)
    return ShimmedSpanContext(found.trace_id, found.caller, found.sampled, found.tracestate)


class _Nowhere:
    """The exporter of a tracer that has none of its own: the shim's spans go where OpenTelemetry's do."""

    def export(self, span_datas: Any) -> None:
        """Take nothing: the shim hands nothing over."""


def _requests_are_traced() -> bool:
    """Whether OpenTelemetry traces the calls of the requests library."""
    module = sys.modules.get("opentelemetry.instrumentation.requests")
    instrumentor = getattr(module, "RequestsInstrumentor", None)
    return instrumentor is not None and bool(instrumentor().is_instrumented_by_opentelemetry)
