"""Dependencies made by hand: spans with a type, a target, data and a result of their own."""

from __future__ import annotations

import json
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NoOpTracer, SpanKind, Status, StatusCode

from ext_opentelemetry import records
from ext_telemetry import said, values

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.trace import Span
    from typing_extensions import Self

    from ext_telemetry.where import Place

_CALL = "track_dependency"
_PREFIX = "microsoft.dependency."


class Dependency:
    """A call to something else, as `track_dependency` returns it.

    Without a time it is the block that it is used for: `with track_dependency("check stock") as dependency:`, or
    `async with`. What is inside is a child of it; `success`, `result_code` and `properties` may be set until its end.
    An exception that leaves the block makes it a failure, and is recorded.
    """

    def __init__(self, place: Place, fields: dict[str, Any]) -> None:
        self.success: bool = fields["success"]
        """Whether it succeeded."""
        self.result_code: str = fields["result_code"]
        """What it answered."""
        self.properties: dict[str, Any] = {}
        """Custom dimensions."""
        self._place = place
        self._fields = fields
        self._span: Span | None = None
        self._token: Any = None
        self._began = 0
        self._error: BaseException | None = None
        self._used = False
        self._is_settled = False

    def __enter__(self) -> Self:
        """Begin."""
        self._began, self._used = time_ns(), True
        if self._is_settled:
            return self
        try:
            tracer = records.tracer()
            if not isinstance(tracer, NoOpTracer):
                self._span = self._start(tracer)
                self._token = otel_context.attach(trace.set_span_in_context(self._span))
        except Exception as error:
            said.refused(_CALL, error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; what left the block goes on."""
        if self._is_settled:
            return
        if self._token is not None:
            otel_context.detach(self._token)
        self._error = error
        ended = time_ns()
        if self._span is not None:
            self._finish(self._span, ended)
        else:  # there is no pipeline, or there was none when it began
            records.when_ready(lambda: self.send(self._began, ended))

    async def __aenter__(self) -> Self:
        """Begin: as `with`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End: as `with`."""
        self.__exit__(kind, error, traceback)

    def __del__(self) -> None:
        """Say that it was for nothing."""
        if not self._used:
            text = "neither duration= nor start= was given, and it was not used by `with`: so it took no time."
            said.refused(_CALL, said.RefusedError("unused", text))

    def send(self, began: int, ended: int) -> None:
        """Send it, as what began and ended then: nanoseconds since the epoch."""
        self._used, self._began = True, began
        self._finish(self._start(records.tracer()), ended)

    def settle(self) -> None:
        """Note that a block has nothing to send: it is left out, or was sent with its time."""
        self._used = self._is_settled = True

    def _start(self, tracer: trace.Tracer) -> Span:
        return tracer.start_span(
            self._fields["name"], self._place.context(), SpanKind.CLIENT, self._fields["attributes"],
            start_time=self._began,
        )  # fmt: skip

    def _finish(self, span: Span, ended: int) -> None:
        for part in (self._judge, self._add_code, self._add_properties) if span.is_recording() else ():
            try:
                part(span)
            except Exception as error:
                said.refused(_CALL, error, "left something out of its item")
        span.end(ended)

    def _add_code(self, span: Span) -> None:
        if code := values.text(self.result_code, "result_code"):
            span.set_attribute(_PREFIX + "resultCode", code)

    def _add_properties(self, span: Span) -> None:
        span.set_attributes(values.properties(self.properties))

    def _judge(self, span: Span) -> None:
        error = self._error
        if error is not None:
            span.set_status(StatusCode.ERROR)  # first, for the rest fails with an exception that cannot be printed
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        elif not self.success:
            span.set_status(StatusCode.ERROR)


def track(place: Place, name: str, fields: dict[str, Any], times: tuple[Any, Any, Any]) -> Dependency:
    """Send a dependency if it has a time, and return it; never raises."""
    made = Dependency(place, {**fields, "name": name if isinstance(name, str) and name else "?", "attributes": {}})
    try:
        made._fields["attributes"] = _attributes(name, fields)
        span = _span_of(*times)
    except Exception as error:
        made.settle()
        said.refused(_CALL, error)
        return made
    if span is not None:
        began, ended = span
        made.settle()
        records.when_ready(lambda: made.send(began, ended))
    return made


def _attributes(name: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a span's attributes. RefusedError: something cannot be told by them."""
    values.name(name, "a dependency")
    values.text(fields["result_code"], "result_code")
    attributes: dict[str, Any] = {_PREFIX + key: values.text(fields[key], key) for key in ("type", "target", "data")}
    measured = values.measurements(fields["measurements"], _CALL)
    if measured:
        attributes["microsoft.custom_measurements"] = json.dumps(measured)
    return attributes | values.properties(fields["properties"])


def _span_of(duration: Any, start: Any, end: Any) -> tuple[int, int] | None:
    """Return when it began and ended; None if nothing is said of that. RefusedError: it cannot be told."""
    if duration is None and start is None:
        if end is not None:
            raise said.RefusedError("end", "end= was given without start= or duration=.")
        return None
    began = None if start is None else values.moment(start, "start")
    ended = None if end is None else values.moment(end, "end")
    if duration is not None:
        taken = values.nanoseconds(duration, "duration")
        if began is not None:
            return began, began + taken
        ended = time_ns() if ended is None else ended
        return ended - taken, ended
    ended = time_ns() if ended is None else ended
    assert began is not None
    if ended < began:
        raise said.RefusedError("order", "end= is before start=.")
    return began, ended
