"""Run a callable through the whole lifecycle, as a worker's call would."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

from ext_sdk import lifecycle, registry
from ext_sdk.function import Function, Trigger

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Context:
    """The worker's Context: it takes new attributes."""

    def __init__(self, **facts: Any) -> None:
        self.invocation_id = "8f07ec1b"
        self.function_name = "HttpTrigger"
        self.function_directory = "/app/HttpTrigger"
        self.trace_context = SimpleNamespace(trace_parent=TRACEPARENT, trace_state="", attributes={})
        self.retry_context = None
        vars(self).update(facts)


def prepare(call: Any, *, name: str = "HttpTrigger", trigger: Trigger | None = None) -> Function:
    """Return our record of a function called `name` that the worker would pass a Context."""
    return Function(
        name=name,
        directory=f"/app/{name}",
        call=call,
        trigger=trigger or Trigger("req", "httpTrigger", {}),
        is_async=inspect.iscoroutinefunction(call),
        wants_context="context" in inspect.signature(call).parameters,
    )


def invoke(
    call: Any, *, name: str = "HttpTrigger", trigger: Trigger | None = None, context: Any = None, **args: Any
) -> Any:
    """Call a function, sync or async, with the active extensions around it."""
    function = prepare(call, name=name, trigger=trigger)
    args["context"] = context or Context(function_name=name)
    _, plan = registry.plan_for(function)
    if function.is_async:
        return asyncio.run(lifecycle.run_async(function, plan, args))
    return lifecycle.run(function, plan, args)


async def invoke_async(
    call: Any, *, name: str = "HttpTrigger", trigger: Trigger | None = None, context: Any = None, **args: Any
) -> Any:
    """Call a coroutine function in the running loop, with the active extensions around it."""
    function = prepare(call, name=name, trigger=trigger)
    _, plan = registry.plan_for(function)
    return await lifecycle.run_async(function, plan, args | {"context": context or Context(function_name=name)})
