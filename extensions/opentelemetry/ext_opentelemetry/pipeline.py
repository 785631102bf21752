"""What the extension set up: the tracer, where its spans go, and what kind of span an invocation gets."""

from __future__ import annotations

import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, Tracer, TracerProvider
from opentelemetry.trace import SpanKind

from ext_appinsights.flushing import FlushPolicy
from ext_opentelemetry import host, instrument, providers
from ext_opentelemetry.background import Background
from ext_opentelemetry.carried import context_of
from ext_opentelemetry.choosing import destination_of
from ext_opentelemetry.lean import LeanSpans, are_limits_set
from ext_opentelemetry.reporting import invocation_span
from ext_opentelemetry.resource import resource_of
from ext_opentelemetry.sampling import InvocationSampler
from ext_opentelemetry.tracer import InvocationTracer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan
    from opentelemetry.trace import Link, Span, SpanContext

    from ext_opentelemetry.destinations import Destination
    from ext_opentelemetry.records import Record
    from ext_opentelemetry.settings import Settings

_log = logging.getLogger("ext_opentelemetry")
_delivery_log = logging.getLogger("ext_appinsights")

_NAME = "ext_opentelemetry"
CLOSED = "Spans are not exported by OpenTelemetryExtension: the app's tracer provider (%s) takes no span processors."

_THEIR_TIME = 5_000
"""Milliseconds that a provider which is not ours is offered for a flush; some ignore it."""


class SwitchProcessor(SpanProcessor):
    """Passes spans on to what is configured at present: a provider keeps a processor for good."""

    def __init__(self) -> None:
        self.target: SpanProcessor | None = None

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Pass a new span on."""
        target = self.target  # another thread may configure meanwhile
        if target is not None:
            target.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass an ended span on."""
        target = self.target
        if target is not None:
            target.on_end(span)

    def shutdown(self) -> None:
        """Deliver what there is; the extension may still be used afterwards, so nothing is closed."""
        self.force_flush(5_000)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what ended before."""
        target = self.target
        return target is None or target.force_flush(timeout_millis)


class _Provider(Protocol):
    def add_span_processor(self, span_processor: SpanProcessor) -> None: ...


_switch = SwitchProcessor()
_served: Any = None
_sampler = InvocationSampler(1.0)


class Pipeline:
    """One configuration, put into force."""

    def __init__(self, settings: Settings) -> None:
        self.untold: deque[tuple[int, str]] = deque(maxlen=100)
        """Level and text of what threads have to say, where a host would not show it."""
        report = (lambda *line: self.untold.append(line)) if host.is_there() else None
        theirs = _their_provider()
        self.destination = destination_of(settings, theirs, report)
        self.policy = FlushPolicy(mode=settings.flush, budget=settings.flush_budget)
        self.span = invocation_span(settings, self.destination)
        self._theirs = Background(_flush_theirs, "ext_opentelemetry-theirs")
        self._lean: LeanSpans | None = None
        self.tracer = InvocationTracer(self._tracer(settings, theirs))
        self._follow_sampling = theirs is None  # only our own sampler notes the rate that a record would need
        self._resource = lambda: getattr(theirs, "resource", None) or resource_of(settings.resource_attributes)
        self._signals = _signals(self.destination, self._resource, follow_sampling=self._follow_sampling)
        instrument.apply(settings.instrument, self.destination.endpoints)

    def kind(self, *, message: bool) -> SpanKind:
        """Return the kind of an invocation's span."""
        if self.span == "internal":
            return SpanKind.INTERNAL
        return SpanKind.CONSUMER if message else SpanKind.SERVER

    def start_span(
        self,
        name: str,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, Any],
        links: Sequence[Link],
    ) -> Span:
        """Start an invocation's span; without a parent it begins a trace."""
        if self._lean is not None and not _own_is_shared():
            return self._lean.start(name, parent, kind, attributes, links)
        return self.tracer.start_span(name, context_of(parent), kind, attributes, links)

    def record_taker(self) -> Callable[[Record], bool] | None:
        """Return what takes records straight to where spans go; None if they go through OpenTelemetry's logs."""
        return self.destination.record_taker(self._resource, follow_sampling=self._follow_sampling)

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
        if self._signals is not None:
            self._signals.flush(0.0)
        self.destination.kick()
        if _their_providers():
            self._theirs.ask()

    def flush(self, timeout: float) -> bool:
        """Deliver what ended, was measured and was logged before, within `timeout` seconds; whether it arrived.

        Providers that are not ours are flushed too, whatever time they take beyond that: nobody else may do so before
        the process is frozen or killed.
        """
        deadline = monotonic() + timeout
        theirs = self._theirs.ask() if _their_providers() else None
        spans = self.destination.deliver()
        delivered = self._signals is None or self._signals.flush(timeout)
        delivered = spans(max(0.0, deadline - monotonic())) and delivered
        return (theirs is None or theirs.wait(deadline - monotonic())) and delivered

    def retire(self) -> None:
        """Make room for another pipeline: what this one has is delivered in the background, and its threads end."""
        if self._signals is not None:
            self._signals.retire()
        self.destination.retire()

    def _tracer(self, settings: Settings, theirs: Any) -> trace.Tracer:
        processor = self.destination.processor
        _switch.target = processor
        if theirs is not None:
            if settings.sampling_ratio < 1.0:
                _log.warning("sampling_ratio has no effect: the app has a tracer provider of its own, with a sampler.")
            if processor is not None:
                _serve(theirs)
            return theirs.get_tracer(_NAME)  # type: ignore[no-any-return]
        provider = _own
        if provider is None or trace.get_tracer_provider() is not provider:
            is_unset = isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
            if processor is None or not is_unset:
                if not is_unset and processor is not None:
                    _log.warning(CLOSED, type(trace.get_tracer_provider()).__name__)
                # The API's own tracer: it makes no spans, passes the trace on, and changes to a provider set later.
                return trace.get_tracer(_NAME)
            provider = _own_provider(settings)
        _sampler.ratio = settings.sampling_ratio
        _serve(provider)
        tracer = provider.get_tracer(_NAME)
        if settings.sampling_ratio >= 1.0 and isinstance(tracer, Tracer) and not are_limits_set():
            self._lean = LeanSpans(provider, _switch, _NAME)
        return tracer


def _their_provider() -> Any:
    """Return the tracer provider that the app, or the worker, has set and that takes processors; None without one."""
    provider: Any = trace.get_tracer_provider()
    return provider if hasattr(provider, "add_span_processor") and provider is not _own else None


_signals_are_set = False


def _signals(
    destination: Destination, resource: Callable[[], Resource], *, follow_sampling: bool
) -> providers.Providers | None:
    """Have metrics and logs go where spans go; None if nothing of that was ever set, so that an app still can."""
    global _signals_are_set
    if not (destination.takes_all or _signals_are_set):
        return None
    _signals_are_set = True
    return providers.set_up(
        metric_exporter=destination.metric_exporter,
        log_processor=lambda: destination.log_processor(follow_sampling=follow_sampling),
        resource=resource,
    )


def _their_providers() -> list[Any]:
    """Return the global providers of traces and metrics that the app or the worker has set.

    That of logs is left alone: what exports log records may log itself, and a flush goes on until there are none.
    """
    found = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return [one for one in found if hasattr(one, "force_flush") and one is not _own and one is not providers._meters]


def _flush_theirs() -> bool:
    flushed = [_flushes(one) for one in _their_providers()]  # each, whatever becomes of another
    return all(flushed)


def _flushes(provider: Any) -> bool:
    try:
        return provider.force_flush(_THEIR_TIME) is not False
    except Exception:  # of a processor of the app
        return False


class _OwnProvider(TracerProvider):
    """The provider that the extension sets; it notes whether others added processors to it."""

    shared = False

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        super().add_span_processor(span_processor)
        self.shared = self.shared or span_processor is not _switch


_own: _OwnProvider | None = None


def _own_provider(settings: Settings) -> _OwnProvider:
    global _own
    resource = resource_of(settings.resource_attributes)
    _own = _OwnProvider(sampler=_sampler, resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(_own)
    return _own


def _own_is_shared() -> bool:
    return _own is None or _own.shared


def _serve(provider: _Provider) -> None:
    """Have a provider pass its spans to our switch; once, however often the extension is configured."""
    global _served
    if _served is not provider:
        provider.add_span_processor(_switch)
        _served = provider
