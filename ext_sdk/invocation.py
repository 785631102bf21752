"""What hooks see: the invocation before the function runs, its outcome afterwards."""

from __future__ import annotations

import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NoReturn

from ext_sdk.errors import ExtensionError

if TYPE_CHECKING:
    from azure.functions import Context

    from ext_sdk.function import Function, Trigger

UNSET: Any = object()


class UnknownContext:
    """Stands for the worker's Context where the worker hands none over (a binding that is itself called `context`)."""

    trace_context = None
    retry_context = None

    def __init__(self, function: Function) -> None:
        self.invocation_id = function.correlation.current_id()
        self.function_name = function.name
        self.function_directory = function.directory


class Invocation:
    """One execution of one function, as extensions see it."""

    __slots__ = (
        "_function",
        "_own",
        "_response",
        "_running",
        "args",
        "attributes",
        "began_ns",
        "cold_start",
        "context",
    )

    args: dict[str, Any]
    """The arguments by name: the very dict that is unpacked into the call, so an edit reaches the function."""

    attributes: dict[str, Any]
    """Shared by the app's extensions and the function, which sees it as `context.app_ext_attributes`."""

    began_ns: int
    """When the worker called, before the outermost extension: nanoseconds on the clock of `time.perf_counter_ns`."""

    cold_start: bool
    """Whether this is the first invocation of the process."""

    context: Context
    """The worker's own Context object."""

    def __init__(
        self,
        function: Function,
        args: dict[str, Any],
        context: Any,
        cold_start: bool = False,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self.began_ns = perf_counter_ns()
        self._function = function
        self._own: dict[int, dict[str, Any]] = {}
        self._response = UNSET
        self._running = False
        self.args = args
        self.attributes = {} if attributes is None else attributes
        self.cold_start = cold_start
        found: Any = UnknownContext(function) if context is None else context
        self.context = found
        # The Context is the worker's own object: where it takes no new attribute, invocation.attributes still serves.
        try:
            found.app_ext_attributes = self.attributes
        except AttributeError:
            pass

    @property
    def id(self) -> str:
        """The host's id of this invocation; empty if the worker does not tell."""
        return getattr(self.context, "invocation_id", "")

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function.name

    @property
    def function_directory(self) -> str:
        """The folder that holds the function's code."""
        return self._function.directory

    @property
    def trigger(self) -> Trigger:
        """The trigger's argument name, type and binding."""
        return self._function.trigger

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function, which runs on the event loop: hooks must not block there."""
        return self._function.is_async

    @property
    def trace_context(self) -> Any:
        """The host's W3C trace context (`trace_parent`, `trace_state`), or None if the worker does not tell."""
        return getattr(self.context, "trace_context", None)

    @property
    def retry_context(self) -> Any:
        """The host's retry state (`retry_count`, `max_retry_count`, `exception`), or None."""
        return getattr(self.context, "retry_context", None)

    @property
    def logger(self) -> logging.Logger:
        """A logger whose records reach the user, named `Function.<name>`.

        The worker keeps records of loggers called `azure_functions_worker*` and `azure.functions*` to itself
        (azure_functions_worker/logging.py, `is_system_log_category`), so hooks should not use those.
        """
        return logging.getLogger(f"Function.{self._function.name}")

    def respond(self, value: Any) -> None:
        """Answer in the function's place: the function and the extensions inside this one do not run.

        Only before the function runs; afterwards use `outcome.force_result(value)`.
        """
        if self._running:
            raise ExtensionError(
                f"respond() came too late: function {self.function_name!r} has been called already. "
                "Call it before the yield, or use outcome.force_result(value) after it."
            )
        self._response = value

    def __repr__(self) -> str:
        return f"<Invocation {self.id} of {self.function_name!r}>"


class Outcome:
    """How the function ended: what `yield` gives back in `around_invocation`. It never raises into the extension."""

    __slots__ = ("duration_ns", "error", "result")

    result: Any
    """What the caller gets; None if the function raised."""

    error: BaseException | None
    """What the function raised, `asyncio.CancelledError` and other BaseExceptions included; None if it returned."""

    duration_ns: int
    """Nanoseconds that the function itself took, without its extensions; 0 if it was not called."""

    def __init__(self, result: Any = None, error: BaseException | None = None, duration_ns: int = 0) -> None:
        self.result = result
        self.error = error
        self.duration_ns = duration_ns

    @property
    def ok(self) -> bool:
        """Whether the function returned."""
        return self.error is None

    def force_result(self, value: Any) -> None:
        """Give the caller `value`, whatever the function did. Extensions further out see a success."""
        self.result, self.error = value, None

    def force_exception(self, error: BaseException) -> None:
        """Raise `error` to the caller, whatever the function did. Extensions further out see a failure."""
        if not isinstance(error, BaseException):
            _refuse(error)
        self.result, self.error = None, error

    def __repr__(self) -> str:
        return f"<Outcome {'ok' if self.ok else type(self.error).__name__} in {self.duration_ns} ns>"


def _refuse(error: object) -> NoReturn:
    raise ExtensionError(f"force_exception() takes an exception to raise, not {error!r}.")
