"""One invocation, step by step as the workers do it: find, decode, call, encode."""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ext_devkit.host.bindings import HTTP, decode, encode, takes_trigger_metadata
from ext_devkit.host.console import logger
from ext_devkit.host.context import Context, Out, invocation_id_of_this_context, trace_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.functions.meta import Datum

    from ext_devkit.host.functions import FunctionInfo, Registry

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: with what it sends to the host, or with an error of the function or of a conversion."""

    error: BaseException | None = None
    returned: Any = None
    """What the function returned, as it is."""

    result: Datum | None = None
    """The same, encoded for the binding of the return value; None without such a binding."""

    outputs: Mapping[str, Datum] = field(default_factory=dict)
    """What was set on `Out` parameters, encoded, by name. Parameters that were not set are absent."""

    response: Datum | None = None
    """Which of these answers the HTTP request; None if there is no answer."""


class Invoker:
    """Runs functions: async ones in a task of their own, sync ones on a thread pool."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._pool = ThreadPoolExecutor(_thread_count(), thread_name_prefix="functions")
        self._running: set[str] = set()

    @property
    def running(self) -> int:
        """How many sync functions are running in threads."""
        return len(self._running)

    async def call(
        self,
        function_id: str,
        inputs: Mapping[str, Datum],
        *,
        invocation_id: str = "",
        headers: Mapping[str, str] = _NOTHING,
        trigger_metadata: Mapping[str, Datum] = _NOTHING,
        web_request: Any = None,
    ) -> Outcome:
        """Run a function of any trigger once, and return how that ended; what it raises is in the outcome.

        `inputs` are the values of the trigger and of further input bindings, by the name of the binding, as the host
        sends them; `headers` may hold `traceparent` and `tracestate`. Without `invocation_id` a new UUID is taken.
        `web_request` takes the place of the trigger's value, as with HTTP streaming: what the function returns is
        the web framework's response then, so it is not encoded. Raises LookupError for an unknown function.
        """
        info = self._registry.get_function(function_id)
        if info is None:
            raise LookupError(f"no function has the id {function_id}")
        context = _context(info, invocation_id or str(uuid.uuid4()), headers)
        try:
            args = _arguments(info, inputs, trigger_metadata, context)
            if web_request is not None and info.trigger_metadata is not None:
                args[info.trigger_metadata["param_name"]] = web_request
            outcome = await self._run(info, args, context.invocation_id)
            return outcome if outcome.error is not None else _encoded(info, outcome, args, web=web_request is not None)
        except Exception as error:
            return Outcome(error)

    def close(self) -> None:
        """Let go of the threads; those that still run a function are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, info: FunctionInfo, args: dict[str, Any], invocation_id: str) -> Outcome:
        loop = asyncio.get_running_loop()
        if not info.is_async:
            return await loop.run_in_executor(self._pool, self._run_sync, info.func, args, invocation_id)
        ended: asyncio.Future[Outcome] = loop.create_future()
        task = loop.create_task(_run_async(info.func, args, invocation_id, ended), name=f"{info.name} {invocation_id}")
        try:
            return await ended
        except asyncio.CancelledError:  # the host stops; the function is told so
            task.cancel()
            raise

    def _run_sync(self, func: Callable[..., Any], args: dict[str, Any], invocation_id: str) -> Outcome:
        self._running.add(invocation_id)
        invocation_id_of_this_context.set(invocation_id)
        try:
            return Outcome(returned=func(**args))
        except BaseException as error:  # a SystemExit of the function must not end the host
            return Outcome(error)
        finally:
            invocation_id_of_this_context.set(None)
            self._running.discard(invocation_id)


async def _run_async(
    func: Callable[..., Any], args: dict[str, Any], invocation_id: str, ended: asyncio.Future[Outcome]
) -> None:
    """Run in the function's own task; the outcome goes aside, since a task that cancels itself has no result."""
    invocation_id_of_this_context.set(invocation_id)
    try:
        outcome = Outcome(returned=await func(**args))
    except BaseException as error:  # nor must its CancelledError end anything but the invocation
        outcome = Outcome(error)
    if not ended.done():
        ended.set_result(outcome)


def _context(info: FunctionInfo, invocation_id: str, headers: Mapping[str, str]) -> Context:
    return Context(
        invocation_id=invocation_id,
        name=info.name,
        directory=info.directory,
        trace_context=trace_context(headers.get("traceparent", ""), headers.get("tracestate", "")),
    )


def _arguments(
    info: FunctionInfo, inputs: Mapping[str, Datum], trigger_metadata: Mapping[str, Datum], context: Context
) -> dict[str, Any]:
    args: dict[str, Any] = {}
    for name, datum in inputs.items():
        kind = info.input_types[name].binding_name
        args[name] = decode(kind, datum, trigger_metadata if takes_trigger_metadata(kind) else {})
    if info.requires_context:
        args["context"] = context
    for name in info.output_types:
        args[name] = Out()
    return args


def _encoded(info: FunctionInfo, outcome: Outcome, args: Mapping[str, Any], *, web: bool) -> Outcome:
    """Encode outputs and result; raise what the converters raise."""
    if outcome.returned is not None and not info.has_return:
        raise RuntimeError(f"function {info.name!r} without a $return binding returned a non-None value")
    outputs: dict[str, Datum] = {}
    response: Datum | None = None
    for name, output in info.output_types.items():
        if (value := args[name].get()) is not None:
            outputs[name] = encode(output.binding_name, value, output.pytype)
            response = outputs[name] if output.binding_name == HTTP else response
    if info.return_type is None or web:
        return replace(outcome, outputs=outputs, response=response)
    result = encode(info.return_type.binding_name, outcome.returned, info.return_type.pytype)
    response = result if info.return_type.binding_name == HTTP else response
    return replace(outcome, result=result, outputs=outputs, response=response)


def _thread_count() -> int | None:
    """Read the size of the pool; anything but a whole number above 0 means Python's default, as on the workers."""
    text = os.environ.get(THREADS)
    if text is None:
        return None
    if text.strip().isdigit() and int(text) > 0:
        return int(text)
    logger.warning("%s is %r, not a number of threads; Python's default is used.", THREADS, text)
    return None
