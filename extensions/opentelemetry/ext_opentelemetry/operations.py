"""What everything in one operation has in common: its name and its sampling rate, which its outermost span decides."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_opentelemetry import as_request
from ext_opentelemetry.attributes import SAMPLE_RATE, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    Key = tuple[int, int]

REMEMBERED = 4096
"""Ended spans whose operation is remembered, so that what they start or log later inherits it too."""

OPEN = 16384
"""Open spans whose operation is known; more are open only where spans are never ended."""

REQUESTS = (SpanKind.SERVER, SpanKind.CONSUMER)
"""The kinds of spans that are requests."""

WHOLE = 100.0
"""The percentage of what was not sampled."""


class Operation:
    """One operation, by its outermost span in this process. The name is read late: a route is known late."""

    __slots__ = ("_name", "_rate", "_root")

    def __init__(self, root: ReadableSpan) -> None:
        self._root: ReadableSpan | None = root
        self._name = ""
        self._rate = WHOLE

    @property
    def name(self) -> str:
        """What all items of the operation carry as `ai.operation.name`."""
        root = self._root
        return self._name if root is None else self._read(root)[0]

    @property
    def rate(self) -> float:
        """The percentage at which the operation was sampled."""
        root = self._root
        return self._rate if root is None else self._read(root)[1]

    def end(self, root: ReadableSpan) -> None:
        """Note what the outermost span is now that it has ended; what it says is worked out when somebody asks."""
        self._root = root

    def _read(self, root: ReadableSpan) -> tuple[str, float]:
        """Return name and rate; of a span that has ended they are kept, and the span is let go."""
        name, rate = operation_name(root), rate_of(root.attributes)
        if root.end_time is not None:
            self._name, self._rate = name, rate
            self._root = None
        return name, rate


def operation_name(root: ReadableSpan) -> str:
    """Return the name of the operation whose outermost span in this process is `root`.

    Inside an invocation that the host reports itself, that is the host's: the function's name.
    """
    attributes: Any = root.attributes or {}
    if root.kind in REQUESTS:
        return as_request.name_of(root.name, attributes)
    return text(attributes, "faas.name") or root.name


def rate_of(attributes: Any) -> float:
    """Return the percentage at which the span with these attributes was sampled, 100 unless it says otherwise."""
    rate: Any = (attributes or {}).get(SAMPLE_RATE)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= WHOLE:
        return WHOLE
    return float(rate)


class Operations:
    """The operations of the spans that are open, and of the last ones that ended; one registry for one destination.

    Any thread may call it, without a lock: each step is a single operation of a dict.
    """

    def __init__(self) -> None:
        # In a dict the oldest key is ever harder to find, behind the gaps that those before it have left.
        self._open: OrderedDict[Key, Operation] = OrderedDict()
        self._ended: OrderedDict[Key, Operation] = OrderedDict()

    def start(self, span: ReadableSpan) -> None:
        """Note a new span: it belongs to its parent's operation, or begins one."""
        operation = None
        parent = span.parent
        if parent is not None and not parent.is_remote:
            operation = self.of_context(parent.trace_id, parent.span_id)
        self._open[_key(span.context)] = operation or Operation(span)
        _limit(self._open, OPEN)

    def of(self, span: ReadableSpan) -> Operation:
        """Return the operation of a span that has just ended."""
        key = _key(span.context)
        operation = self.of_context(*key) or Operation(span)
        if span.parent is None or span.parent.is_remote:
            operation.end(span)
        self._ended[key] = operation  # before it is taken out there, so that it is always in one of the two
        self._open.pop(key, None)
        _limit(self._ended, REMEMBERED)
        return operation

    def of_context(self, trace_id: int, span_id: int) -> Operation | None:
        """Return the operation of the span with these ids; None if it is no longer known, or never was."""
        key = (trace_id, span_id)
        return self._open.get(key) or self._ended.get(key)


def _limit(known: OrderedDict[Key, Operation], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def _key(context: SpanContext | None) -> Key:
    assert context is not None
    return (context.trace_id, context.span_id)


def operations_within(spans: Sequence[ReadableSpan]) -> list[Operation | None]:
    """Return the operations of spans that ended together; None where the outermost one is not among them."""
    by_key = {_key(span.context): span for span in spans}
    made: dict[Key, Operation] = {}
    found: list[Operation | None] = []
    for span in spans:
        root = _outermost(span, by_key)
        if root is None:
            found.append(None)
            continue
        key = _key(root.context)
        operation = made.get(key)
        if operation is None:
            operation = made[key] = Operation(root)
            operation.end(root)
        found.append(operation)
    return found


def _outermost(span: ReadableSpan, by_key: dict[Key, ReadableSpan]) -> ReadableSpan | None:
    current = span
    for _ in by_key:
        parent = current.parent
        if parent is None or parent.is_remote:
            return current
        known = by_key.get(_key(parent))
        if known is None:
            return None
        current = known
    return None
