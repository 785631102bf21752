"""The invocation that a log record belongs to: its ids, its debug records, and how often its lines logged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import trace

from ext_telemetry.logs.debug import Buffer
from ext_telemetry.logs.flood import Flood

if TYPE_CHECKING:
    from ext_sdk import Invocation
    from ext_telemetry.settings import Settings

_REMEMBERED = 2048
"""Invocations that a thread can be a part of by its `thread_local_storage`: those that ended last too."""


class Ids(NamedTuple):
    """What correlates: as integers; 0 is none."""

    trace_id: int = 0
    span_id: int = 0
    flags: int = 0


NONE = Ids()


class Scope:
    """One invocation, as the handler needs it."""

    __slots__ = ("buffer", "flood", "ids", "level", "name")

    def __init__(self, name: str, ids: Ids, level: int, settings: Settings) -> None:
        self.name = name
        """The function's, which names the operation where no span of ours does."""
        self.ids = ids
        self.level = level
        self.flood = Flood(settings.flood_burst, settings.flood_rate)
        self.buffer: Buffer | None = Buffer(settings.debug_buffer) if settings.debug_buffer else None


current: ContextVar[Scope | None] = ContextVar("ext_telemetry.logs.scope", default=None)

_by_id: OrderedDict[str, Scope] = OrderedDict()
_storage: Any = None
"""`context.thread_local_storage`, in which user threads leave the invocation id, as Microsoft's guide has it."""


def remember(invocation: Invocation, scope: Scope) -> None:
    """Have threads that carry the invocation's id be a part of it."""
    global _storage
    storage = getattr(invocation.context, "thread_local_storage", None)
    if storage is None or not invocation.id:
        return
    _storage = storage
    _by_id[invocation.id] = scope
    if len(_by_id) > _REMEMBERED:
        _by_id.popitem(last=False)


def find() -> Scope | None:
    """Return the invocation that this thread or task works for; None if that is not known for sure.

    What `thread_local_storage` says counts in threads alone: on an event loop it names the invocation that came last.
    """
    scope = current.get()
    if scope is not None or _storage is None or asyncio._get_running_loop() is not None:
        return scope
    try:
        return _by_id.get(_storage.invocation_id)
    except (AttributeError, TypeError):  # nothing was left there, or something else
        return None


def ids_of_span() -> Ids:
    """Return the ids of the current span; none if there is none."""
    span = trace.get_current_span().get_span_context()
    return Ids(span.trace_id, span.span_id, span.trace_flags) if span.is_valid else NONE


def ids_carried(invocation: Invocation) -> Ids:
    """Return the ids of the current span or, where the invocation has none, those that its caller sent."""
    ids = ids_of_span()
    if ids.trace_id:
        return ids
    header = getattr(invocation.trace_context, "trace_parent", None)
    parts = header.strip().split("-") if isinstance(header, str) else []
    try:
        version, trace_id, span_id, flags = parts[:4]
        found = Ids(int(trace_id, 16), int(span_id, 16), int(flags[:2], 16))
    except ValueError:
        return NONE
    whole = (len(version), len(trace_id), len(span_id)) == (2, 32, 16)
    return found if whole and found.trace_id and found.span_id else NONE


def forget_all() -> None:
    """Forget each invocation: in a forked child none of them runs."""
    _by_id.clear()
