"""What the extension set up: the tracer, where its spans go, and what kind of span an invocation gets."""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind

from ext_appinsights import ConnectionString, ConnectionStringError
from ext_opentelemetry.destinations import Destination, ToChannel, ToConsole, ToExporter
from ext_opentelemetry.exporter import AppInsightsSpanExporter, channel_of
from ext_opentelemetry.resource import resource_of
from ext_opentelemetry.sampling import InvocationSampler
from ext_opentelemetry.settings import VARIABLES
from ext_opentelemetry.tracer import InvocationTracer

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from ext_appinsights import Channel
    from ext_opentelemetry.settings import Settings

_log = logging.getLogger("ext_opentelemetry")
_delivery_log = logging.getLogger("ext_appinsights")

_NAME = "ext_opentelemetry"

NO_DESTINATION = (
    "Spans are not exported: there is no connection string. Set APPLICATIONINSIGHTS_CONNECTION_STRING, or call "
    'OpenTelemetryExtension.configure(connection_string=...). To have no export without this line: exporter="none".'
)


class SwitchProcessor(SpanProcessor):
    """Passes spans on to what is configured at present: a provider keeps a processor for good."""

    def __init__(self) -> None:
        self.target: SpanProcessor | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Pass a new span on."""
        if self.target is not None:
            self.target.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass an ended span on."""
        if self.target is not None:
            self.target.on_end(span)

    def shutdown(self) -> None:
        """Deliver what there is; the extension may still be used afterwards, so nothing is closed."""
        self.force_flush(5_000)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what ended before."""
        return self.target is None or self.target.force_flush(timeout_millis)


try:
    from ext_appinsights.flushing import FlushPolicy
except ImportError:

    class FlushPolicy:  # type: ignore[no-redef]
        """Stands in until there is one."""

        def __init__(self, mode: str = "auto", budget: float = 0.1) -> None:
            self.mode, self.budget = mode, budget

        def began(self) -> None:
            """Note that an invocation begins."""

        def ended(self, flush: Any, kick: Any, *, may_wait: bool) -> None:
            """Note that it ended."""


class _Provider(Protocol):
    def add_span_processor(self, span_processor: SpanProcessor) -> None: ...


_switch = SwitchProcessor()
_served: Any = None
_sampler = InvocationSampler(1.0)


class Pipeline:
    """One configuration, put into force."""

    def __init__(self, settings: Settings) -> None:
        self.untold: deque[tuple[int, str]] = deque(maxlen=100)
        """Level and text of what the sending thread has to say, where a host would not show it."""
        self._channel: Channel | None = None
        self.destination = self._destination(settings)
        self.processor = self.destination.processor
        self.endpoint = next(iter(self.destination.endpoints), None)
        self.tracer = InvocationTracer(self._tracer(settings))
        self.span = invocation_span(settings.invocation_span)
        self.policy = FlushPolicy(mode=settings.flush, budget=settings.flush_budget)

    def kind(self, *, message: bool) -> SpanKind:
        """Return the kind of an invocation's span."""
        if self.span == "internal":
            return SpanKind.INTERNAL
        return SpanKind.CONSUMER if message else SpanKind.SERVER

    def tell(self) -> None:
        """Log what is untold, in an invocation: of all other lines a host cannot tell whose they are, and drops them.

        (azure-functions-host, GrpcWorkerChannel.cs, `Log`)
        """
        while self.untold:
            try:
                level, text = self.untold.popleft()
            except IndexError:  # another invocation said it
                return
            _delivery_log.log(level, text)

    def commit(self) -> None:
        """Keep what ended so far, should the process be killed."""
        self.destination.commit()

    def kick(self) -> None:
        """Deliver what there is now, in the background."""
        self.destination.kick()

    def flush(self, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds; whether it arrived."""
        return self.destination.flush(timeout)

    def retire(self) -> None:
        """Make room for another pipeline: what this one has is delivered in the background, and its threads end."""
        self.destination.retire()

    def _destination(self, settings: Settings) -> Destination:
        exporter = settings.exporter
        if exporter in ("auto", "appinsights"):
            return self._appinsights(settings)
        if isinstance(exporter, AppInsightsSpanExporter):
            return ToChannel(exporter.channel, owned=False)
        if exporter == "none":
            return Destination()
        return ToConsole() if isinstance(exporter, str) else ToExporter(exporter)

    def _appinsights(self, settings: Settings) -> Destination:
        try:
            target = settings.connection_string or ConnectionString.from_environment()
        except ConnectionStringError as error:
            _log.warning("Spans are not exported: %s", error)
            return Destination()
        if target is None:
            _log.warning(NO_DESTINATION)
            return Destination()
        report = (lambda *line: self.untold.append(line)) if _under_a_host() else None
        self._channel = channel_of(target, exit_timeout=0.0, report=report)  # ext_sdk flushes at exit
        return ToChannel(self._channel, owned=True)

    def _tracer(self, settings: Settings) -> trace.Tracer:
        provider: Any = trace.get_tracer_provider()
        if not hasattr(provider, "add_span_processor"):
            if self.processor is None or not isinstance(provider, trace.ProxyTracerProvider):
                # The API's own tracer: it makes no spans, passes the trace on, and changes to a provider set later.
                return trace.get_tracer(_NAME)
            provider = _own_provider(settings)
        elif provider is not _own and settings.sampling_ratio < 1.0:
            _log.warning("sampling_ratio has no effect: the app has a tracer provider of its own, with a sampler.")
        _sampler.ratio = settings.sampling_ratio
        _switch.target = self.processor
        _serve(provider)
        return provider.get_tracer(_NAME)  # type: ignore[no-any-return]


_own: TracerProvider | None = None


def _own_provider(settings: Settings) -> TracerProvider:
    global _own
    resource = resource_of(settings.resource_attributes)
    _own = TracerProvider(sampler=_sampler, resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(_own)
    return _own


def _serve(provider: _Provider) -> None:
    """Have a provider pass its spans to our switch; once, however often the extension is configured."""
    global _served
    if _served is not provider:
        provider.add_span_processor(_switch)
        _served = provider


def invocation_span(setting: str) -> str:
    """Return "server", "internal" or "none".

    "auto" is "internal" where a host that sends telemetry of its own reports each invocation as a request: on Azure
    (WEBSITE_INSTANCE_ID) and under Core Tools (FUNCTIONS_CORETOOLS_ENVIRONMENT), if the app settings, which the host
    reads as well, name an Application Insights resource.
    """
    if setting != "auto":
        return setting
    reports = any(map(os.environ.get, VARIABLES))
    return "internal" if _under_a_host() and reports else "server"


def _under_a_host() -> bool:
    return bool(os.environ.get("WEBSITE_INSTANCE_ID") or os.environ.get("FUNCTIONS_CORETOOLS_ENVIRONMENT"))
