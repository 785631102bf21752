"""One invocation through its extensions: order, isolation, teardown.

Layers are entered outermost first and left innermost first, each exactly once, whatever raises in between. A layer's
own `Exception` stays with the layer (see `health`); anything that is no `Exception` (KeyboardInterrupt, SystemExit)
becomes the outcome, so that it still passes through the layers that were entered, and goes on from there.
"""

from __future__ import annotations

import itertools
from contextvars import copy_context
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ext_sdk.context import current
from ext_sdk.errors import ExtensionError
from ext_sdk.invocation import _UNSET, Invocation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from logging import Logger

    from ext_sdk.function import Function
    from ext_sdk.health import Health

    Plan = tuple["Layer", ...]

_invocations = itertools.count()  # next() is one step in CPython, so exactly one invocation is the first


class Layer:
    """The hooks of one extension for one function; None where the extension does not define a hook."""

    __slots__ = ("after", "around", "before", "failed", "health", "logger", "names")

    def __init__(
        self,
        health: Health,
        logger: Logger,
        names: tuple[str, str, str],
        before: Callable[..., Any] | None = None,
        around: Callable[[Invocation], Generator[None, Outcome, None]] | None = None,
        after: Callable[..., Any] | None = None,
        failed: Callable[..., Any] | None = None,
    ) -> None:
        self.health = health
        self.logger = logger
        self.names = names
        self.before = before
        self.around = around
        self.after = after
        self.failed = failed


class _Entry:
    """A layer that was entered and has to be left."""

    __slots__ = ("clean", "generator", "layer")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.generator: Generator[None, Outcome, None] | None = None
        self.clean = True

    def blame(self, hook: str, invocation: Invocation, error: Exception) -> None:
        self.clean = False
        self.layer.health.note(hook, invocation.function_name, error)


def run(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    """Call a sync function through its extensions, in a copy of the thread's context.

    The copy keeps a context variable that one invocation sets from the next one on the same pool thread.
    """
    return copy_context().run(_run, function, plan, args)


def _run(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    invocation = _begin(function, args)
    current.set(invocation)
    entered: list[_Entry] = []
    started = 0
    try:
        if _enter(plan, invocation, entered):
            started = perf_counter_ns()
            result = function.call(**args)
            outcome = Outcome(result, None, perf_counter_ns() - started)
        else:
            outcome = Outcome(invocation._response)
    except BaseException as error:
        outcome = Outcome(None, error, perf_counter_ns() - started if started else 0)
        _leave(entered, invocation, outcome)
        if outcome.error is error:
            del outcome  # it holds the error, whose traceback holds this frame
            raise
    else:
        _leave(entered, invocation, outcome)
    try:
        return _end(outcome)
    finally:
        del outcome  # as above, for an error that an extension forced


async def run_async(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    """Call a coroutine function through its extensions, in the task that awaits it."""
    invocation = _begin(function, args)
    token = current.set(invocation)
    entered: list[_Entry] = []
    started = 0
    try:
        if _enter(plan, invocation, entered):
            started = perf_counter_ns()
            result = await function.call(**args)
            outcome = Outcome(result, None, perf_counter_ns() - started)
        else:
            outcome = Outcome(invocation._response)
    except BaseException as error:
        outcome = Outcome(None, error, perf_counter_ns() - started if started else 0)
        _leave(entered, invocation, outcome)
        if outcome.error is error:
            del outcome  # as above
            raise
    else:
        _leave(entered, invocation, outcome)
    finally:
        try:
            current.reset(token)
        except ValueError:  # an abandoned coroutine is closed from elsewhere, where there is nothing to reset
            pass
    try:
        return _end(outcome)
    finally:
        del outcome  # as above


def _begin(function: Function, args: dict[str, Any]) -> Invocation:
    context = None
    if function.has_context:
        context = args.get("context") if function.wants_context else args.pop("context", None)
    return Invocation(function, args, context, cold_start=next(_invocations) == 0)


def _enter(plan: Plan, invocation: Invocation, entered: list[_Entry]) -> bool:
    """Enter the layers, outermost first; return whether the function is to be called."""
    for layer in plan:
        if layer.health.suspended():
            continue
        entry = _Entry(layer)
        entered.append(entry)
        if layer.before is not None:
            try:
                layer.before(layer.logger, invocation.context, invocation.args)
            except Exception as error:
                entry.blame(layer.names[0], invocation, error)
        if layer.around is not None and invocation._response is _UNSET:
            try:
                generator = layer.around(invocation)
                next(generator)
                entry.generator = generator
            except StopIteration:  # it returned before its yield: it has no interest in this invocation
                pass
            except Exception as error:
                entry.blame("around_invocation", invocation, error)
        if invocation._response is not _UNSET:
            return False
    invocation._running = True
    return True


def _leave(entered: list[_Entry], invocation: Invocation, outcome: Outcome) -> None:
    """Leave the layers that were entered, innermost first."""
    invocation._running = True
    while entered:
        entry = entered.pop()
        for step in (_resume, _report):
            try:
                step(entry, invocation, outcome)
            except BaseException as error:
                outcome.force_exception(error)
        entry.layer.health.count(clean=entry.clean)


def _resume(entry: _Entry, invocation: Invocation, outcome: Outcome) -> None:
    generator = entry.generator
    if generator is None:
        return
    try:
        generator.send(outcome)
    except StopIteration:
        return
    except Exception as error:
        entry.blame("around_invocation", invocation, error)
        return
    try:
        generator.close()
        raise ExtensionError("it yielded a second time, and must have one yield")
    except Exception as error:
        entry.blame("around_invocation", invocation, error)


def _report(entry: _Entry, invocation: Invocation, outcome: Outcome) -> None:
    layer = entry.layer
    hook, value, name = (
        (layer.after, outcome.result, layer.names[1]) if outcome.error is None
        else (layer.failed, outcome.error, layer.names[2])
    )  # fmt: skip
    if hook is None:
        return
    try:
        hook(layer.logger, invocation.context, invocation.args, value)
    except Exception as error:
        entry.blame(name, invocation, error)


def _end(outcome: Outcome) -> Any:
    if outcome.error is None:
        return outcome.result
    try:
        raise outcome.error
    finally:
        del outcome  # it holds the error, whose traceback holds this frame
