"""Run a callable through the whole lifecycle, as a worker's call would, and see how that ended."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ext_sdk import lifecycle, registry
from ext_sdk.context import current_invocation
from ext_sdk.function import Function
from ext_sdk.invocation import Invocation
from ext_sdk.testing import ids
from ext_sdk.testing.triggers import TriggerValue, trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping


class Context:
    """A worker's Context, with what all of them have; it takes new attributes, as theirs do."""

    def __init__(
        self,
        function_name: str = "HttpTrigger",
        function_directory: str = "/home/site/wwwroot/HttpTrigger",
        invocation_id: str = "",
        trace_parent: str = "",
        trace_state: str = "",
        retry: Mapping[str, Any] | None = None,
    ) -> None:
        self.function_name = function_name
        self.function_directory = function_directory
        self.invocation_id = invocation_id or ids.invocation_id()
        self.trace_context = SimpleNamespace(
            trace_parent=trace_parent or ids.trace_parent(), trace_state=trace_state, attributes={}
        )
        # The workers' first versions spelt them so, and still do beside.
        self.trace_context.Traceparent = self.trace_context.trace_parent
        self.trace_context.Tracestate = trace_state
        self.retry_context = SimpleNamespace(**retry) if retry else None
        self.thread_local_storage: Any = SimpleNamespace(invocation_id=self.invocation_id)


@dataclass
class Result:
    """How an invocation ended."""

    value: Any = None
    """What the caller gets; None if it gets an exception."""

    error: BaseException | None = None
    """The exception that the caller gets."""

    context: Any = None
    """The Context that function and extensions saw."""

    logs: list[logging.LogRecord] = field(default_factory=list)
    """What was logged meanwhile, by whatever logger whose level lets it through."""

    reported: list[logging.LogRecord] = field(default_factory=list)
    """What a simulated worker would hand to the host as this invocation's. It knows no invocation for what a thread
    logs that `propagate` did not start, and takes some loggers for the platform's: that never reaches the user."""

    duration_ns: int = 0
    """Nanoseconds from call to end, extensions included."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What function and extensions shared: `context.app_ext_attributes`."""
        found: dict[str, Any] = getattr(self.context, "app_ext_attributes", {})
        return found

    @property
    def messages(self) -> list[str]:
        """The texts of `logs`."""
        return [one.getMessage() for one in self.logs]


def invocation(
    kind: str | TriggerValue = "http",
    /,
    *,
    function_name: str = "HttpTrigger",
    function_directory: str = "/home/site/wwwroot/HttpTrigger",
    is_async: bool = False,
    cold_start: bool = False,
    trace_parent: str = "",
    trace_state: str = "",
    retry: Mapping[str, Any] | None = None,
    context: Any = None,
    **facts: Any,
) -> Invocation:
    """Return an Invocation as hooks get it, for tests that call a hook directly.

    `kind` and `facts` are those of `trigger`; `retry` is e.g. `{"retry_count": 1, "max_retry_count": 3}`.
    """
    sent = _sent(kind, facts)
    made = context or Context(function_name, function_directory, "", trace_parent, trace_state, retry)
    function = Function(function_name, function_directory, _nothing, sent.trigger, is_async)
    return Invocation(function, {sent.name: sent.value, "context": made}, made, cold_start)


def run(
    function: Callable[..., Any],
    kind: str | TriggerValue = "http",
    /,
    *,
    function_name: str | None = None,
    function_directory: str = "/home/site/wwwroot/HttpTrigger",
    cold_start: bool = False,
    trace_parent: str = "",
    trace_state: str = "",
    retry: Mapping[str, Any] | None = None,
    context: Any = None,
    raises: bool = False,
    worker: str | None = None,
    **facts: Any,
) -> Result:
    """Call a function with all active extensions around it, as a worker does, and return how that ended.

    The function gets what it has parameters for: the trigger's value under the trigger's name or, if the function
    has no parameter of that name, as its first one; and `context`. A coroutine function runs in an event loop of its
    own: in async tests use `run_async`. An exception is `Result.error`; `raises=True` raises it.

    `worker` is one of `GENERATIONS`: then a worker of that generation, simulated, loads the function and invokes it.
    It has a folder and a Context of its own.
    """
    if worker is not None:
        if context is not None:
            raise TypeError("A worker makes the Context itself: give run() one of context and worker, not both.")
        lifecycle._invocations = itertools.count(0 if cold_start else 1)
        traced = {"trace_parent": trace_parent, "trace_state": trace_state, "retry": retry}
        return _on_worker(worker, function, _sent(kind, facts), function_name, traced, raises=raises)
    if inspect.iscoroutinefunction(function):
        _refuse_running_loop()
        return asyncio.run(
            run_async(
                function, kind, function_name=function_name, function_directory=function_directory,
                cold_start=cold_start, trace_parent=trace_parent, trace_state=trace_state, retry=retry,
                context=context, raises=raises, **facts,
            )
        )  # fmt: skip
    call = _Call(function, _sent(kind, facts), function_name, function_directory, cold_start)
    made = call.context(context, trace_parent, trace_state, retry)
    with measured(made, raises=raises) as result:
        result.value = lifecycle.run(call.function, call.plan, call.args(made))
    return result


async def run_async(
    function: Callable[..., Any],
    kind: str | TriggerValue = "http",
    /,
    *,
    function_name: str | None = None,
    function_directory: str = "/home/site/wwwroot/HttpTrigger",
    cold_start: bool = False,
    trace_parent: str = "",
    trace_state: str = "",
    retry: Mapping[str, Any] | None = None,
    context: Any = None,
    raises: bool = False,
    **facts: Any,
) -> Result:
    """Await a coroutine function with all active extensions around it, in a task of its own: as `run`."""
    call = _Call(function, _sent(kind, facts), function_name, function_directory, cold_start)
    made = call.context(context, trace_parent, trace_state, retry)
    with measured(made, raises=raises) as result:
        task = asyncio.ensure_future(ended(lifecycle.run_async(call.function, call.plan, call.args(made))))
        result.value, error = await task
        if error is not None:
            raise error
    return result


def _on_worker(
    generation: str,
    function: Callable[..., Any],
    sent: TriggerValue,
    name: str | None,
    traced: Mapping[str, Any],
    *,
    raises: bool,
) -> Result:
    from ext_sdk.testing import simulated  # which needs what is here

    with simulated.worker(generation) as made:
        result = made.invoke(made.load(function, sent, name=name or "HttpTrigger"), **traced)
    if raises and result.error is not None:
        raise result.error
    return result


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "run() gives a coroutine function an event loop of its own, and here is one already: await run_async(...)."
    )


async def ended(work: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    """Await it, and return what it returns or raises; a SystemExit that leaves a task would end the event loop."""
    try:
        return await work, None
    except BaseException as error:  # it goes on, outside of the task
        return None, error


class _Call:
    """One call: the function as a worker would have it, and what it is called with."""

    def __init__(
        self, function: Callable[..., Any], sent: TriggerValue, name: str | None, directory: str, cold_start: bool
    ) -> None:
        self._sent = sent
        self._parameter = parameter_of(function, sent)
        self.function = Function(
            name=name or "HttpTrigger",
            directory=directory,
            call=function,
            trigger=sent.trigger,
            is_async=inspect.iscoroutinefunction(function),
            wants_context=wants_context(function),
        )
        # A process has one cold start; here the caller says which call it is.
        lifecycle._invocations = itertools.count(0 if cold_start else 1)
        _, self.plan = registry.plan_for(self.function)

    def context(self, given: Any, trace_parent: str, trace_state: str, retry: Mapping[str, Any] | None) -> Any:
        if given is not None:
            return given
        return Context(self.function.name, self.function.directory, "", trace_parent, trace_state, retry)

    def args(self, context: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"context": context}
        if self._parameter:
            found[self._parameter] = self._sent.value
        return found


@contextmanager
def measured(context: Any, *, raises: bool = False) -> Iterator[Result]:
    """Yield the Result of an invocation with this context, and note in it what is logged and raised meanwhile."""
    result = Result(context=context)
    handler = _Kept(result)
    root = logging.getLogger()
    root.addHandler(handler)
    started = perf_counter_ns()
    try:
        yield result
    except BaseException as error:
        result.error = error
        if raises or isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
    finally:
        result.duration_ns = perf_counter_ns() - started
        root.removeHandler(handler)


def parameter_of(function: Callable[..., Any], sent: TriggerValue) -> str:
    """Return the parameter that takes the trigger's value: the one of its name, else the first; empty without one."""
    parameters = _parameters(function)
    if sent.name in parameters or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return sent.name
    return next((name for name in parameters if name != "context"), "")


def wants_context(function: Callable[..., Any]) -> bool:
    """Whether the function has a parameter for the worker's Context."""
    parameters = _parameters(function)
    return "context" in parameters or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())


class _Kept(logging.Handler):
    """Keeps what is logged for one invocation, and what is logged for none."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self._result = result

    def emit(self, record: logging.LogRecord) -> None:
        works_for = current_invocation()
        if works_for is None or works_for.context is self._result.context:
            self._result.logs.append(record)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # a callable of C
        return {}


def _sent(kind: str | TriggerValue, facts: Mapping[str, Any]) -> TriggerValue:
    if not isinstance(kind, TriggerValue):
        return trigger(kind, **facts)
    if facts:
        raise TypeError(f"What starts the function is given whole, so {', '.join(facts)} cannot be given beside it.")
    return kind


def _nothing() -> None:
    pass
