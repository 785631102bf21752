"""A function app in a test: loaded as by the local host, its functions invoked by name."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import re
import threading
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

from ext_devkit.apptest.answer import Answer, plain
from ext_devkit.apptest.imports import activating
from ext_devkit.errors import DevkitError
from ext_devkit.host import FunctionHost
from ext_devkit.host.answers import response_of
from ext_devkit.host.bindings import HTTP_TRIGGER, RETURN
from ext_sdk import AppExtension, current_invocation, flush
from ext_sdk import registry as extensions
from ext_sdk.testing import TriggerValue, isolated, state, trigger
from ext_sdk.testing.triggers import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

    from ext_devkit.host.bindings import Binding
    from ext_devkit.host.functions import FunctionInfo
    from ext_devkit.host.invocation import Outcome

_PARAMETER = re.compile(r"\{([^}:?=]+)[^}]*\}")
_END = 2.0
"""Seconds that extensions have for delivering what they hold when the app is closed."""


class AppUnderTest:
    """A loaded function app. Close it, or use it as a context manager: one is loaded at a time.

    Inside, the extensions that the app imports are active, and no others; their settings are those of the app.
    Raises DevkitError if the app cannot be loaded, as `azfunc-ext run` would say.
    """

    def __init__(self, path: str | Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Load the app in the folder `path`, with app settings beside those of its local.settings.json."""
        self._stack = ExitStack()
        try:
            imported = {one.type for one in extensions.active() if issubclass(one.type, AppExtension)} | {*state.seen}
            self._stack.enter_context(isolated())
            os.environ.update(settings or {})
            with activating(imported):
                self._host = FunctionHost.load(path)
                self._stack.callback(self._host.unload)
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever, name="azfunc-ext app under test", daemon=True)
            thread.start()
            self._stack.callback(self._stop, thread)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        """Return the app itself, which is loaded already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the app."""
        self.close()

    def close(self) -> None:
        """Have extensions deliver what they hold, and give the process back. May be repeated."""
        self._stack.close()

    @property
    def functions(self) -> list[str]:
        """The names of the app's functions."""
        return [one.name for one in self._host.registry.all()]

    def flush(self, timeout: float = 5.0) -> bool:
        """Have extensions deliver what they hold, as `ext_sdk.flush`."""
        return flush(timeout)

    def invoke(
        self,
        name: str,
        sent: TriggerValue | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        trace_parent: str = "",
        trace_state: str = "",
        timeout: float = 60.0,
        **facts: Any,
    ) -> Answer:
        """Invoke a function through azure.functions' own converters, with all extensions, and return how that ended.

        `facts` are those that `ext_sdk.testing.trigger` takes for the function's kind of trigger, such as `method` and
        `params`, `body`, `bodies`; or give `sent`, made by it. `inputs` are the values of further input bindings, by
        name: text, bytes, or what JSON can say. `headers` are those of an HTTP request.

        Raises DevkitError for a function that the app has not, TimeoutError after `timeout` seconds.
        """
        info = self._info(name)
        started_by = self._host.triggers.get(info.name)
        if started_by is None:
            raise DevkitError(f"Function {info.name!r} has no trigger.")
        parameter, kind = started_by.name, started_by.type
        if sent is None:
            if kind == HTTP_TRIGGER:
                facts = self._request(info.name, {**facts, **({"headers": headers} if headers else {})})
            sent = _made(started_by, facts)
        elif facts:
            raise TypeError(f"What starts {name!r} is given whole, so {', '.join(facts)} cannot be given beside it.")
        given = {parameter: sent.datum, **{key: _datum(value) for key, value in (inputs or {}).items()}}
        traced = {"traceparent": trace_parent, "tracestate": trace_state}
        answer = Answer(invocation_id=str(uuid.uuid4()))
        kept = _Kept(answer)
        logging.getLogger().addHandler(kept)
        try:
            call = self._host.invoker.call(
                info.function_id, given, invocation_id=answer.invocation_id,
                headers={**dict(headers or {}), **{key: value for key, value in traced.items() if value}},
                trigger_metadata=sent.metadata,
            )  # fmt: skip
            outcome = asyncio.run_coroutine_threadsafe(call, self._loop).result(timeout)
        finally:
            logging.getLogger().removeHandler(kept)
        return _filled(answer, outcome, is_http=kind == HTTP_TRIGGER)

    def _info(self, name: str) -> FunctionInfo:
        found = next((one for one in self._host.registry.all() if one.name.lower() == name.lower()), None)
        if found is None:
            if name in self._host.refused:
                raise DevkitError(f"Function {name!r} cannot be invoked: {self._host.refused[name]}")
            raise DevkitError(
                f"{self._host.app.name} has no function {name!r}. It has: {', '.join(self.functions) or 'none'}."
            )
        looked_up = self._host.registry.get_function(found.function_id)
        return looked_up or found

    def _request(self, name: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Add the URL of the function's route, with its parameters put in."""
        route = next((one for one in self._host.routes if one.name == name), None)
        if route is None or "url" in facts:
            return facts
        values = facts.get("route_params", {})

        def value(found: re.Match[str]) -> str:
            return str(values.get(found[1].strip("*"), "" if "?" in found[0] else found[0]))

        path = _PARAMETER.sub(value, route.template.route).rstrip("/")
        return {"url": f"/{path}", **facts}

    def _stop(self, thread: threading.Thread) -> None:
        flush(_END)
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(_END)
        self._loop.close()


def _made(by: Binding, facts: Mapping[str, Any]) -> TriggerValue:
    name = next((one for one, make in KINDS.items() if make().type.lower() == by.type.lower()), "generic")
    of_binding = {"name": by.name, "type": by.type, "cardinality": str(by.raw.get("cardinality") or "").lower()}
    known = inspect.signature(KINDS[name]).parameters
    return trigger(name, **{key: value for key, value in of_binding.items() if value and key in known} | dict(facts))


def _datum(value: Any) -> Datum:
    if isinstance(value, Datum):
        return value
    if isinstance(value, (str, bytes)):
        return Datum(value, "bytes" if isinstance(value, bytes) else "string")
    return Datum(json.dumps(value), "json")


def _filled(answer: Answer, outcome: Outcome, *, is_http: bool) -> Answer:
    answer.value, answer.error = outcome.returned, outcome.error
    answer.outputs = {name: plain(datum) for name, datum in outcome.outputs.items()}
    if outcome.result is not None and outcome.result is not outcome.response and outcome.returned is not None:
        answer.outputs[RETURN] = plain(outcome.result)
    if is_http:
        answer.status = 500
        if outcome.error is None:
            response = response_of(outcome)
            answer.status, answer.body = response.status_code, bytes(response.body)
            answer.headers = {name.lower(): value for name, value in response.headers.items()}
    return answer


class _Kept(logging.Handler):
    """Keeps what is logged for one invocation, and what is logged for none."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        works_for = current_invocation()
        if works_for is None or works_for.id == self._answer.invocation_id:
            self._answer.logs.append(record)
