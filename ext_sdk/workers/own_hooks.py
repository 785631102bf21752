"""The second line for v1 apps on a classic worker whose registry we do not know: the worker's own, official hooks.

One entry in the official registry stands for all our extensions. The hooks run before the function and after it
returned; that it raised shows only when the worker lets go of the invocation's Context. So an extension can watch
there, but not answer in the function's place, nor change what the caller gets.
"""

from __future__ import annotations

import logging
import weakref
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NoReturn

from azure.functions.extension import ExtensionMeta

from ext_sdk import lifecycle, registry
from ext_sdk.context import current
from ext_sdk.errors import ExtensionError
from ext_sdk.function import Function
from ext_sdk.invocation import Invocation, Outcome
from ext_sdk.workers import correlation
from ext_sdk.workers.describe import trigger_of_v1

if TYPE_CHECKING:
    from ext_sdk.lifecycle import Plan

DRIVER = "the worker's own hooks"
NAME = "ext_sdk"

_CLASSIC = "azure_functions_worker.functions"
_RUNNING = "_ext_sdk_running"
_log = logging.getLogger("ext_sdk")
_plans: dict[tuple[str, str], tuple[Function, int, Plan]] = {}


def install() -> None:
    """Put our entry into the official registry, in the place of one that an earlier copy of ext_sdk put there."""
    remove()
    Entry.__name__ = NAME
    ExtensionMeta._set_hooks_for_application(Entry)  # type: ignore[no-untyped-call]


def remove() -> None:
    """Take our entry out again."""
    hooks = ExtensionMeta.get_application_hooks()
    for of_one_name in hooks or ():
        of_one_name[:] = [one for one in of_one_name if one.ext_name != NAME]


class Unanswerable(Invocation):
    """An invocation that only the function itself can answer."""

    __slots__ = ()

    def respond(self, value: Any) -> NoReturn:  # noqa: ARG002 - the signature is that of Invocation
        """Refuse: the worker calls the function whatever its hooks do."""
        raise ExtensionError(
            "respond() does not work on this worker, which ext_sdk does not know: the function is called all the same."
        )


class Borrowed:
    """The worker's Context, not kept alive: that it is let go of is how a failure shows."""

    def __init__(self, context: Any) -> None:
        there = vars(self)
        there["_context"] = weakref.ref(context)
        for name in ("invocation_id", "function_name", "function_directory", "trace_context", "retry_context"):
            there[name] = getattr(context, name, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_context"](), name)

    def __setattr__(self, name: str, value: Any) -> None:
        context = vars(self)["_context"]()
        if context is not None:
            setattr(context, name, value)


class _Running:
    """An invocation between the worker's two hooks."""

    def __init__(self, function: Function, plan: Plan, context: Any, args: dict[str, Any]) -> None:
        self.invocation = Unanswerable(function, args, Borrowed(context), lifecycle.is_first())
        self.entered: list[lifecycle.Entry] = []
        current.set(self.invocation)
        try:
            lifecycle.enter(plan, self.invocation, self.entered)
        except BaseException as error:  # the worker then calls neither the function nor the other hook
            self.leave(Outcome(error=error))
            raise
        # The dict may hold the Context, which must be free to go.
        self.invocation.args = {name: value for name, value in args.items() if value is not context}

    def leave(self, outcome: Outcome) -> None:
        # In a context of its own: the worker may let go of its Context anywhere.
        copy_context().run(self._leave, outcome)

    def _leave(self, outcome: Outcome) -> None:
        current.set(self.invocation)
        result, error = outcome.result, outcome.error
        lifecycle.leave(self.entered, self.invocation, outcome)
        if outcome.result is not result or outcome.error is not error:
            _log.warning(
                "An extension changed the outcome of function %r, which has no effect on this worker.",
                self.invocation.function_name,
            )

    def failed(self) -> None:
        self.leave(Outcome(error=ExtensionError("the function raised; this worker's hooks do not tell what")))


class Entry:
    """What the worker finds in the official registry, in the place of all our extensions."""

    @staticmethod
    def post_function_load_app_level(function_name: str, function_directory: str) -> None:
        """Make the plan, which calls the load hooks."""
        _planned(function_name, function_directory)

    @staticmethod
    def pre_invocation_app_level(_logger: Any, context: Any, func_args: dict[str, Any]) -> None:
        """Enter the extensions."""
        function, plan = _planned(context.function_name, context.function_directory)
        running = _Running(function, plan, context, func_args)
        pending = weakref.finalize(context, running.failed)
        pending.atexit = False
        setattr(context, _RUNNING, pending)

    @staticmethod
    def post_invocation_app_level(_logger: Any, context: Any, _func_args: dict[str, Any], func_ret: Any) -> None:
        """Leave them: the function returned."""
        pending = vars(context).pop(_RUNNING, None)
        found = None if pending is None else pending.detach()
        if found is not None:
            _, failed, _, _ = found
            failed.__self__.leave(Outcome(func_ret))
        current.set(None)


def _planned(name: str, directory: str) -> tuple[Function, Plan]:
    key = (name, str(directory))
    function, version, plan = _plans.get(key) or (_function(*key), registry.NEVER, ())
    if version != registry.version:
        version, plan = registry.plan_for(function)
        _plans[key] = (function, version, plan)
    return function, plan


def _function(name: str, directory: str) -> Function:
    return Function(
        name=name,
        directory=directory,
        call=_unknown,
        trigger=trigger_of_v1(directory),
        correlation=correlation.of(_CLASSIC),
    )


def _unknown() -> None:
    """Stand for the user's function, which the worker's hooks do not tell."""
