"""What a function receives beside its bindings: `context`, and `Out` objects, shaped as the workers shape them."""

from __future__ import annotations

import re
import secrets
import threading
from contextvars import ContextVar
from typing import Any

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")

invocation_id_of_this_context: ContextVar[str | None] = ContextVar("invocation_id", default=None)
"""The invocation for which this thread or task works; a new thread has none, a child task its parent's."""


class InvocationStorage(threading.local):
    """`context.thread_local_storage`: knows the invocation in the thread, and here in the task too, that runs it.

    The workers keep a plain `threading.local`, in which the async functions of one event loop overwrite each other's
    id. The classic worker looks at the task first, so that its log records are right all the same
    (azure_functions_worker/dispatcher.py, get_current_invocation_id).
    """

    @property
    def invocation_id(self) -> str | None:
        """The id of the invocation; None where there is none. User threads may set it, to be known as its part."""
        return invocation_id_of_this_context.get()

    @invocation_id.setter
    def invocation_id(self, value: str | None) -> None:
        invocation_id_of_this_context.set(value)


thread_local_storage = InvocationStorage()


class TraceContext:
    """The W3C trace context of the request (https://www.w3.org/TR/trace-context/)."""

    def __init__(self, trace_parent: str, trace_state: str) -> None:
        self._trace_parent = trace_parent
        self._trace_state = trace_state
        self._attributes: dict[str, str] = {}

    @property
    def trace_parent(self) -> str:
        """The `traceparent` header."""
        return self._trace_parent

    @property
    def trace_state(self) -> str:
        """The `tracestate` header; empty if there was none."""
        return self._trace_state

    @property
    def attributes(self) -> dict[str, str]:
        """What the real host adds for its agent; empty here."""
        return self._attributes

    Traceparent = trace_parent
    Tracestate = trace_state
    Attributes = attributes


class RetryContext:
    """The retry that the host is at. HTTP functions are never retried, so it is always the first try."""

    retry_count = 0
    max_retry_count = 0
    exception = None


class Context:
    """The invocation, as `azure.functions.Context` describes it. Extensions may put further attributes on it."""

    def __init__(self, *, invocation_id: str, name: str, directory: str, trace_context: TraceContext) -> None:
        self._invocation_id = invocation_id
        self._name = name
        self._directory = directory
        self._trace_context = trace_context
        self._retry_context = RetryContext()

    @property
    def invocation_id(self) -> str:
        """Id of this invocation, a UUID."""
        return self._invocation_id

    @property
    def function_name(self) -> str:
        """Name of the function."""
        return self._name

    @property
    def function_directory(self) -> str:
        """Folder that holds the function's code."""
        return self._directory

    @property
    def trace_context(self) -> TraceContext:
        """The caller's trace, or a new one."""
        return self._trace_context

    @property
    def retry_context(self) -> RetryContext:
        """The retry that the host is at."""
        return self._retry_context

    @property
    def thread_local_storage(self) -> threading.local:
        """Where user threads may find and leave the invocation id."""
        return thread_local_storage


class Out:
    """Collects what a function sets on an output binding."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Keep a value; the last one counts."""
        self._value = val

    def get(self) -> Any:
        """Return the value; None if nothing was set."""
        return self._value


def trace_context(traceparent: str, tracestate: str) -> TraceContext:
    """Continue a caller's trace; without a valid `traceparent`, start a new sampled one, as the host does."""
    if _TRACEPARENT.fullmatch(traceparent):
        return TraceContext(traceparent, tracestate)
    return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01", "")
