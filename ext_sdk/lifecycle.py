"""One invocation through its extensions: order, isolation, teardown.

Layers are entered outermost first and left innermost first, each exactly once, whatever raises in between. A layer's
own `Exception` stays with the layer (see `health`), unless its extension is critical: then it becomes the outcome.
Anything that is no `Exception` (KeyboardInterrupt, SystemExit) becomes the outcome as well, so that it still passes
through the layers that were entered, and goes on from there.
"""

from __future__ import annotations

import itertools
from contextvars import ContextVar, Token, copy_context
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ext_sdk.context import current
from ext_sdk.errors import ExtensionError, said
from ext_sdk.invocation import UNSET, Invocation, Outcome, UnknownContext
from ext_sdk.stand_ins import plant

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from logging import Logger

    from ext_sdk.context import Later
    from ext_sdk.function import Function
    from ext_sdk.health import Health
    from ext_sdk.stand_ins import StandIns

    Plan = tuple["Layer", ...]

_invocations = itertools.count()  # next() is one step in CPython, so exactly one invocation is the first

_within: ContextVar[tuple[Health, ...]] = ContextVar("ext_sdk.within", default=())
"""The extensions whose hooks cause what runs here. A variable, so that it holds for the threads and tasks that a hook
starts, and for nothing that runs beside the hook: a gate must not be left out there."""


class Layer:
    """The hooks of one extension for one function; None where the extension does not define a hook."""

    __slots__ = ("after", "around", "before", "failed", "health", "logger", "names", "stand_ins", "unready")

    def __init__(
        self,
        health: Health,
        logger: Logger,
        names: tuple[str, str, str],
        before: Callable[..., Any] | None = None,
        around: Callable[[Invocation], Generator[None, Outcome, None]] | None = None,
        after: Callable[..., Any] | None = None,
        failed: Callable[..., Any] | None = None,
        unready: ExtensionError | None = None,
        stand_ins: StandIns | None = None,
    ) -> None:
        self.health = health
        self.logger = logger
        self.names = names
        self.before = before
        self.around = around
        self.after = after
        self.failed = failed
        self.stand_ins = stand_ins
        """What is to be on the context where the extension does not put it there."""
        self.unready = unready
        """Why a critical extension cannot take part, which fails the invocation."""


class Entry:
    """A layer that was entered and has to be left."""

    __slots__ = ("clean", "generator", "layer", "spent")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.generator: Generator[None, Outcome, None] | None = None
        self.clean = True
        self.spent: list[tuple[str, int]] = []

    def blame(self, hook: str, invocation: Invocation, error: Exception) -> None:
        """Put a failure down to this layer; raise it if that is to fail the invocation."""
        self.clean = False
        health = self.layer.health
        health.note(hook, invocation.function_name, error)
        if health.critical:
            raise failure(health.name, hook, invocation.function_name, error) from error


def failure(extension: str, hook: str, function_name: str, error: BaseException) -> ExtensionError:
    """Return what the caller gets when a critical extension failed."""
    return ExtensionError(
        f"{extension}.{hook} failed and is critical, so function {function_name!r} fails: {said(error)}"
    )


def run(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    """Call a sync function through its extensions, in a copy of the thread's context.

    The copy keeps a context variable that one invocation sets from the next one on the same pool thread.
    """
    return copy_context().run(_run if plan else _run_bare, function, plan, args)


def _run_bare(function: Function, _plan: Plan, args: dict[str, Any]) -> Any:
    current.set(_later(function, args))
    return function.call(**args)


def _run(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    invocation = Invocation(function, args, function.context_of(args), is_first())
    current.set(invocation)
    entered: list[Entry] = []
    started = 0
    try:
        if enter(plan, invocation, entered):
            started = perf_counter_ns()
            result = function.call(**args)
            outcome = Outcome(result, None, perf_counter_ns() - started)
        else:
            outcome = Outcome(invocation._response)
    except BaseException as error:
        outcome = Outcome(None, error, perf_counter_ns() - started if started else 0)
        leave(entered, invocation, outcome)
        if outcome.error is error:
            del outcome  # it holds the error, whose traceback holds this frame
            raise
    else:
        leave(entered, invocation, outcome)
    try:
        return _end(outcome)
    finally:
        del outcome  # as above, for an error that an extension forced


async def run_async(function: Function, plan: Plan, args: dict[str, Any]) -> Any:
    """Call a coroutine function through its extensions, in the task that awaits it."""
    if not plan:
        token = current.set(later := _later(function, args))
        function.correlation.inherit(getattr(later[2], "invocation_id", ""))
        try:
            return await function.call(**args)
        finally:
            _reset(token)
    invocation = Invocation(function, args, function.context_of(args), is_first())
    token = current.set(invocation)
    function.correlation.inherit(invocation.id)
    entered: list[Entry] = []
    started = 0
    try:
        if enter(plan, invocation, entered):
            started = perf_counter_ns()
            result = await function.call(**args)
            outcome = Outcome(result, None, perf_counter_ns() - started)
        else:
            outcome = Outcome(invocation._response)
    except BaseException as error:
        outcome = Outcome(None, error, perf_counter_ns() - started if started else 0)
        leave(entered, invocation, outcome)
        if outcome.error is error:
            del outcome  # as above
            raise
    else:
        leave(entered, invocation, outcome)
    finally:
        _reset(token)
    try:
        return _end(outcome)
    finally:
        del outcome  # as above


def _reset(token: Token[Any]) -> None:
    try:
        current.reset(token)
    except ValueError:  # an abandoned coroutine is closed from elsewhere, where there is nothing to reset
        pass


def _later(function: Function, args: dict[str, Any]) -> Later:
    """Return what an Invocation is made of, quickly: this is all that a function without extensions pays."""
    context = function.context_of(args) if function.wants_context else args.pop("context", None)
    if context is None:  # now: the invocation's id is known to its own thread only
        context = UnknownContext(function)
    attributes: dict[str, Any] = {}
    try:
        context.app_ext_attributes = attributes
    except AttributeError:  # as in Invocation
        pass
    return [function, args, context, next(_invocations) == 0, attributes]


def is_first() -> bool:
    """Count one more invocation; return whether it is the first one of the process."""
    return next(_invocations) == 0


def enter(plan: Plan, invocation: Invocation, entered: list[Entry]) -> bool:
    """Enter the layers, outermost first; return whether the function is to be called."""
    within = _within.get()
    for layer in plan:
        health = layer.health
        if health in within or health.suspended():
            if layer.stand_ins:
                plant(layer.stand_ins, invocation.context)
            continue
        entry = Entry(layer)
        entered.append(entry)
        if layer.unready is not None:
            # A new one each time: the frames of one invocation must not stay with the next one's.
            raise ExtensionError(str(layer.unready)) from layer.unready.__cause__
        _within.set((*within, health))
        try:
            _enter_one(layer, entry, invocation)
        finally:
            _within.set(within)
        if layer.stand_ins and not entry.clean:
            plant(layer.stand_ins, invocation.context)
        if invocation._response is not UNSET:
            return False
    invocation._running = True
    return True


def _enter_one(layer: Layer, entry: Entry, invocation: Invocation) -> None:
    started = perf_counter_ns()
    if layer.before is not None:
        try:
            layer.before(layer.logger, invocation.context, invocation.args)
        except Exception as error:
            entry.blame(layer.names[0], invocation, error)
        ended = perf_counter_ns()
        entry.spent.append((layer.names[0], ended - started))
        started = ended
    if layer.around is not None and invocation._response is UNSET:
        try:
            generator = layer.around(invocation)
            if next(generator, UNSET) is not UNSET:  # else it returned before its yield: it has no interest in this one
                entry.generator = generator
        except Exception as error:
            entry.blame("around_invocation", invocation, error)
        entry.spent.append(("around_invocation", perf_counter_ns() - started))


def leave(entered: list[Entry], invocation: Invocation, outcome: Outcome) -> None:
    """Leave the layers that were entered, innermost first."""
    invocation._running = True
    within = _within.get()
    while entered:
        entry = entered.pop()
        health = entry.layer.health
        _within.set((*within, health))
        for step in (_resume, _report):
            try:
                step(entry, invocation, outcome)
            except BaseException as error:
                # The function's own error stays, unless it is the process that is to end.
                if outcome.error is None or not isinstance(error, Exception):
                    outcome.force_exception(error)
        _within.set(within)
        health.count(entry.spent, clean=entry.clean)


def _resume(entry: Entry, invocation: Invocation, outcome: Outcome) -> None:
    generator = entry.generator
    if generator is None:
        return
    started = perf_counter_ns()
    try:
        generator.send(outcome)
    except StopIteration:
        pass
    except Exception as error:
        entry.blame("around_invocation", invocation, error)
    else:
        _close(generator, entry, invocation)
    finally:
        entry.spent.append(("around_invocation", perf_counter_ns() - started))


def _close(generator: Generator[None, Outcome, None], entry: Entry, invocation: Invocation) -> None:
    try:
        generator.close()
        raise ExtensionError("it yielded a second time, and must have one yield")
    except Exception as error:
        entry.blame("around_invocation", invocation, error)


def _report(entry: Entry, invocation: Invocation, outcome: Outcome) -> None:
    layer = entry.layer
    hook, value, name = (
        (layer.after, outcome.result, layer.names[1]) if outcome.error is None
        else (layer.failed, outcome.error, layer.names[2])
    )  # fmt: skip
    if hook is None:
        return
    started = perf_counter_ns()
    try:
        hook(layer.logger, invocation.context, invocation.args, value)
    except Exception as error:
        entry.blame(name, invocation, error)
    finally:
        entry.spent.append((name, perf_counter_ns() - started))


def _end(outcome: Outcome) -> Any:
    if outcome.error is None:
        return outcome.result
    try:
        raise outcome.error
    finally:
        del outcome  # it holds the error, whose traceback holds this frame
