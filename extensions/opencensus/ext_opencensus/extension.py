"""The extension: an OpenCensus tracer for each invocation, and the export of its spans."""

from __future__ import annotations

import logging
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from ext_opencensus import settings as declared
from ext_opencensus.options import say_once
from ext_opencensus.pipeline import Pipeline
from ext_sdk import AppExtension, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ext_sdk import Invocation, Outcome

_OPENTELEMETRY = "opentelemetry"

_NOTHING = declared.Settings()
"""What is in force where the settings are wrong."""


def _stand_in() -> object:
    from ext_opencensus.tracer import nothing

    return nothing()


class OpenCensusExtension(AppExtension):
    """Gives every function an OpenCensus tracer as `context.tracer`, and exports its spans to Application Insights.

    Importing it is enough where APPLICATIONINSIGHTS_CONNECTION_STRING is set; `configure` takes the options of
    OpenCensus's AzureExporter and the other fields of `Settings`.
    """

    Settings = declared.Settings  # type: ignore[assignment]

    order = -90
    """Outside of other extensions, inside OpenTelemetryExtension."""

    stand_ins: ClassVar[Mapping[str, Callable[[], object]]] = {"tracer": _stand_in}
    """What the function finds on its context where the extension does not run."""

    _pipeline: ClassVar[Pipeline | None] = None
    _made_of: ClassVar[declared.Settings | None] = None
    _lock: ClassVar[Lock] = Lock()

    @classmethod
    def init(cls) -> None:
        """Bring OpenTelemetryExtension in, if an app setting says so, before functions are called."""
        cls._arrange()

    @classmethod
    def configure(cls, **settings: Any) -> None:
        """Set the extension up, with the fields of `Settings`; may be called any number of times, the last call wins.

        Raises SettingsError if a name is unknown or a value is not allowed; what was set before then stays in force.
        """
        super().configure(**settings)
        cls._arrange()

    @classmethod
    def around_invocation(cls, invocation: Invocation) -> Generator[None, Outcome, None]:
        """Make a tracer that continues the caller's trace current; export what it made, however the function ended."""
        pipeline = cls._current()
        if pipeline is None:
            from ext_opencensus.underneath import Shimmed

            shimmed = Shimmed(invocation)
            _plant(invocation, shimmed.tracer)
            try:
                yield
            finally:
                shimmed.end()
            return
        if pipeline.untold:
            pipeline.tell()
        pipeline.policy.began()
        outcome = None
        try:
            traced = pipeline.enter(invocation)
            try:
                _plant(invocation, traced.tracer)
                outcome = yield
            finally:
                traced.end(outcome)
        finally:
            try:
                pipeline.commit()
            except Exception as error:  # the function must not fail with it, nor must the policy miss the end
                say_once(logging.ERROR, f"Spans are not kept: {type(error).__name__}", f": {error}")
            pipeline.policy.ended(pipeline.flush, pipeline.kick, may_wait=not invocation.is_async)

    @classmethod
    def shutdown(cls, timeout: float) -> bool:
        """Deliver what ended before, within `timeout` seconds."""
        pipeline = cls._pipeline
        return pipeline is None or pipeline.flush(timeout)

    @classmethod
    def _arrange(cls) -> None:
        """Have OpenTelemetry underneath, or not: that cannot wait for the first invocation, which it is to trace."""
        try:
            settings = cls.settings()
        except SettingsError:  # said at the first invocation
            return
        if settings.underneath == _OPENTELEMETRY and not cls.switched_off():
            from ext_opencensus.underneath import set_up

            set_up(settings)

    @classmethod
    def _current(cls) -> Pipeline | None:
        """Return the pipeline of the settings in force, made at the first invocation; None: OpenTelemetry's."""
        try:
            settings = cls.settings()
        except SettingsError as error:
            say_once(logging.ERROR, f"Spans are not exported: {error}")
            settings = cls._made_of or _NOTHING
        if settings is not cls._made_of:
            with cls._lock:
                if settings is not cls._made_of:
                    cls._make(settings)
        return cls._pipeline

    @classmethod
    def _make(cls, settings: declared.Settings) -> None:
        before = cls._pipeline
        if settings.underneath == _OPENTELEMETRY:
            cls._pipeline = None
        else:
            underneath: Any = sys.modules.get("ext_opencensus.underneath")
            if underneath is not None:  # an earlier call of `configure` may have set it up
                underneath.take_down()
            cls._pipeline = _pipeline_of(settings)
        cls._made_of = settings
        if before is not None:
            before.retire()


def _pipeline_of(settings: declared.Settings) -> Pipeline:
    if settings is _NOTHING:
        return Pipeline(settings, exports=False)
    try:
        return Pipeline(settings)
    except Exception as error:  # such as of a credential over plain http; not to be met again each time
        say_once(logging.ERROR, f"Spans are not exported: {error}")
        return Pipeline(_NOTHING, exports=False)


def _plant(invocation: Invocation, tracer: Any) -> None:
    context: Any = invocation.context
    try:
        context.tracer = tracer
    except AttributeError:  # where the worker's object takes no new attribute, the tracer is current all the same
        pass
