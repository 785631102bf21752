"""One invocation, step by step as the workers do it: find, decode, call, encode."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ext_devkit.host.bindings import HTTP, RETURN, converter, encode
from ext_devkit.host.console import flush_output, logger, users_traceback
from ext_devkit.host.context import Context, Out, thread_local_storage, trace_context
from ext_devkit.host.http import response_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from azure.functions.meta import Datum

    from ext_devkit.host.functions import FunctionInfo, Registry

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"


@dataclass(frozen=True)
class Outcome:
    """How a function ended: with a result, or with what it raised."""

    result: Any = None
    error: BaseException | None = None


class Invoker:
    """Runs functions: async ones in a task of their own, sync ones on a thread pool."""

    def __init__(self, registry: Registry, app: Path) -> None:
        self._registry = registry
        self._app = app
        self._pool = ThreadPoolExecutor(_thread_count(), thread_name_prefix="functions")
        self._running: set[str] = set()

    @property
    def running(self) -> int:
        """How many sync functions are running in threads."""
        return len(self._running)

    async def invoke(self, function_id: str, request: Datum, headers: Mapping[str, str]) -> Response:
        """Run a function for an HTTP request and return its response: 500 with no body if it fails."""
        started, invocation_id = time.perf_counter(), str(uuid.uuid4())
        info = self._registry.get_function(function_id)
        if info is None:
            raise LookupError(f"no function has the id {function_id}")
        outcome = await self._outcome(info, invocation_id, request, headers)
        duration = (time.perf_counter() - started) * 1000
        if outcome.error is not None:
            logger.error("%s", users_traceback(outcome.error, self._app))
        response = Response(status_code=500) if outcome.error is not None else outcome.result
        flush_output()  # what the function printed, as the workers do
        verdict = "Failed" if outcome.error is not None else "Succeeded"
        logger.info(
            "Executed '%s' (%s, %d, Id=%s, Duration=%dms)",
            *(info.name, verdict, response.status_code, invocation_id, duration),
        )
        return response

    def close(self) -> None:
        """Let go of the threads; those that still run a function are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _outcome(
        self, info: FunctionInfo, invocation_id: str, request: Datum, headers: Mapping[str, str]
    ) -> Outcome:
        context = Context(
            invocation_id=invocation_id,
            name=info.name,
            directory=info.directory,
            trace_context=trace_context(headers.get("traceparent", ""), headers.get("tracestate", "")),
        )
        try:
            args = _arguments(info, request, context)
            outcome = await self._call(info, args, invocation_id)
            return outcome if outcome.error is not None else Outcome(self._response(info, outcome.result, args))
        except Exception as error:
            return Outcome(error=error)

    async def _call(self, info: FunctionInfo, args: dict[str, Any], invocation_id: str) -> Outcome:
        thread_local_storage.invocation_id = invocation_id
        if info.is_async:
            return await asyncio.create_task(_run_async(info.func, args), name=f"{info.name} {invocation_id}")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._run_sync, info.func, args, invocation_id)

    def _run_sync(self, func: Callable[..., Any], args: dict[str, Any], invocation_id: str) -> Outcome:
        self._running.add(invocation_id)
        thread_local_storage.invocation_id = invocation_id
        try:
            return Outcome(func(**args))
        except BaseException as error:  # a SystemExit of the function must not end the host
            return Outcome(error=error)
        finally:
            thread_local_storage.invocation_id = None
            self._running.discard(invocation_id)

    def _response(self, info: FunctionInfo, result: Any, args: dict[str, Any]) -> Response:
        """Encode outputs and result; without an answer it is 204, as the documentation of the HTTP trigger says."""
        if result is not None and not info.has_return:
            raise RuntimeError(f"function {info.name!r} without a $return binding returned a non-None value")
        answer: Datum | None = None
        for name, output in info.output_types.items():
            value = args[name].get()
            if value is None:
                continue
            datum = encode(output.binding_name, value, output.pytype)
            if output.binding_name == HTTP:
                answer = datum
            else:
                self._report(info, name, datum)
        if info.return_type is not None:
            datum = encode(info.return_type.binding_name, result, info.return_type.pytype)
            if info.return_type.binding_name == HTTP:
                answer = datum
            elif result is not None:
                self._report(info, RETURN, datum)
        return Response(status_code=204) if answer is None else response_from(answer)

    def _report(self, info: FunctionInfo, name: str, datum: Datum) -> None:
        kind = self._registry.outputs[info.function_id].get(name, "unnamed")
        size = len(datum.value) if hasattr(datum.value, "__len__") else len(str(datum.value))
        logger.info(
            "%s: output %r (%s): %s of length %d, not delivered from here", info.name, name, kind, datum.type, size
        )


async def _run_async(func: Callable[..., Any], args: dict[str, Any]) -> Outcome:
    try:
        return Outcome(await func(**args))
    except BaseException as error:  # nor must its CancelledError
        return Outcome(error=error)


def _arguments(info: FunctionInfo, request: Datum, context: Context) -> dict[str, Any]:
    args: dict[str, Any] = {}
    for name, parameter in info.input_types.items():
        args[name] = converter(parameter.binding_name).decode(request, trigger_metadata={})
    if info.requires_context:
        args["context"] = context
    for name in info.output_types:
        args[name] = Out()
    return args


def _thread_count() -> int | None:
    """Read the size of the pool; anything but a whole number above 0 means Python's default, as on the workers."""
    text = os.environ.get(THREADS)
    if text is None:
        return None
    if text.strip().isdigit() and int(text) > 0:
        return int(text)
    logger.warning("%s is %r, not a number of threads; Python's default is used.", THREADS, text)
    return None
