"""The extension: a span around each invocation, current while the function runs."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from ext_opentelemetry import settings as declared
from ext_opentelemetry.invocations import Traced, say_once
from ext_opentelemetry.pipeline import Pipeline
from ext_opentelemetry.tracer import InvocationTracer
from ext_sdk import AppExtension, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ext_sdk import Invocation, Outcome

_log = logging.getLogger("ext_opentelemetry")


def _stand_in() -> object:
    from opentelemetry.trace import NoOpTracer

    return InvocationTracer(NoOpTracer())


class OpenTelemetryExtension(AppExtension):
    """Traces every invocation with OpenTelemetry, and exports to Application Insights.

    Importing it is enough where APPLICATIONINSIGHTS_CONNECTION_STRING is set; `configure` takes the fields of
    `Settings`. The function finds a tracer as `context.tracer`.
    """

    Settings = declared.Settings  # type: ignore[assignment]

    order = -100
    """Outside of other extensions, so that what they do is inside the invocation's span."""

    stand_ins: ClassVar[Mapping[str, Callable[[], object]]] = {"tracer": _stand_in}
    """What the function finds on its context where the extension does not run."""

    _pipeline: ClassVar[Pipeline | None] = None
    _made_of: ClassVar[declared.Settings | None] = None
    _lock: ClassVar[Lock] = Lock()
    _when_made: ClassVar[Callable[[], object] | None] = None
    """What `records` has to do once another pipeline is in force."""

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Continue the caller's trace with a span for the invocation, say how it ended, and have that delivered.

        What fails in here, such as a span processor of the app, is said once for each kind of error; the function
        runs all the same, and finds its tracer.
        """
        pipeline = cls._current()
        _plant(invocation, pipeline)
        policy = pipeline.policy
        policy.began()
        outcome = None
        try:
            traced = Traced(pipeline, invocation)
            try:
                outcome = yield
            finally:
                traced.end(outcome)
        finally:
            pipeline = cls._pipeline or pipeline  # another one, if that was configured meanwhile: it got the span
            try:
                pipeline.commit()
            except Exception as error:  # the function must not fail with it, nor must the policy miss the end
                say_once("Telemetry is not kept", error)
            policy.ended(pipeline.flush, pipeline.kick, may_wait=not invocation.is_async)

    @classmethod
    def shutdown(cls, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds."""
        pipeline = cls._pipeline
        if pipeline is None:
            return True
        delivered = pipeline.flush(timeout)
        pipeline.destination.rest()
        return delivered

    @classmethod
    def _current(cls) -> Pipeline:
        """Return the pipeline of the settings in force; made at the first invocation, after the app's own set-up."""
        try:
            settings = cls.settings()
        except SettingsError as error:
            settings = cls._made_of if cls._pipeline is not None else _nothing(error)
        if settings is cls._made_of and cls._pipeline is not None:
            return cls._pipeline
        with cls._lock:
            if settings is not cls._made_of or cls._pipeline is None:
                cls._make(settings)
            assert cls._pipeline is not None
            return cls._pipeline

    @classmethod
    def _make(cls, settings: declared.Settings) -> None:
        before = cls._pipeline
        try:
            made = Pipeline(settings)
        except Exception as error:  # of the app's own provider, or of one of its parts; not to be met again each time
            _log.exception("Spans are not exported: %s: %s", type(error).__name__, error)
            made = Pipeline(declared.Settings(exporter="none", instrument=()))
        cls._pipeline, cls._made_of = made, settings
        if before is not None:
            before.retire()
        if cls._when_made is not None:
            cls._when_made()


def _nothing(error: SettingsError) -> declared.Settings:
    """Say what is wrong with the settings, and go on without export, so that `context.tracer` still works."""
    _log.error("Spans are not exported: %s", error)
    return declared.Settings(exporter="none", instrument=())


def _plant(invocation: Invocation, pipeline: Pipeline) -> None:
    if pipeline.untold:
        pipeline.tell()
    context: Any = invocation.context
    try:
        context.tracer = pipeline.tracer
    except AttributeError:  # the worker's own object: where it takes no new attribute, the span is current all the same
        pass
