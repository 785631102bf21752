"""What everything in one operation has in common: its name and its sampling rate, which its outermost span decides."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_opentelemetry import as_request
from ext_opentelemetry.attributes import SAMPLE_RATE, text
from ext_opentelemetry.reading import ends, ids, read

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

    __slots__ = ("_root", "_told")

    def __init__(self, root: ReadableSpan) -> None:
        self._root: ReadableSpan | None = root
        self._told = ("", WHOLE)

    @property
    def told(self) -> tuple[str, float]:
        """Its name, which all its items carry as `ai.operation.name`, and the percentage at which it was sampled."""
        root = self._root
        return self._told if root is None else self._read(root)

    @property
    def name(self) -> str:
        """What all items of the operation carry as `ai.operation.name`."""
        return self.told[0]

    @property
    def rate(self) -> float:
        """The percentage at which the operation was sampled."""
        return self.told[1]

    def tell(self, span: ReadableSpan, fields: tuple[Any, ...], attributes: Any) -> tuple[str, float]:
        """Return `told` to who maps an ended span of it, with what was read of that, which may be the root."""
        root = self._root
        if root is None:
            return self._told
        if root is not span:
            return self._read(root)
        told = self._told = (_name(fields[2], fields[3], attributes), rate_of(attributes))
        self._root = None
        return told

    def end(self, root: ReadableSpan) -> None:
        """Note what the outermost span is now that it has ended; what it says is worked out when somebody asks."""
        self._root = root

    def _read(self, root: ReadableSpan) -> tuple[str, float]:
        """Return name and rate; of a span that has ended they are kept, and the span is let go."""
        _, _, kind, name, attributes, _, end_time, _, _ = read(root)
        told = (_name(kind, name, attributes or {}), rate_of(attributes))
        if end_time is not None:
            self._told = told
            self._root = None
        return told


def operation_name(root: ReadableSpan) -> str:
    """Return the name of the operation whose outermost span in this process is `root`.

    Inside an invocation that the host reports itself, that is the host's: the function's name.
    """
    return _name(root.kind, root.name, root.attributes or {})


def _name(kind: SpanKind, name: str, attributes: Any) -> str:
    if kind in REQUESTS:
        return as_request.name_of(name, attributes)
    return text(attributes, "faas.name") or name


def rate_of(attributes: Any) -> float:
    """Return the percentage at which the span with these attributes was sampled, 100 unless it says otherwise."""
    if not attributes or SAMPLE_RATE not in attributes:
        return WHOLE
    rate: Any = attributes[SAMPLE_RATE]
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
        context, parent = ends(span)
        operation = None
        if parent is not None and not parent.is_remote:
            operation = self._of(ids(parent))
        opened = self._open
        opened[ids(context)] = operation or Operation(span)
        if len(opened) > OPEN:
            _limit(opened, OPEN)

    def of(self, span: ReadableSpan) -> Operation:
        """Return the operation of a span that has just ended."""
        context, parent = ends(span)
        key = ids(context)
        opened, ended = self._open, self._ended
        operation = opened.get(key) or ended.get(key) or Operation(span)
        if parent is None or parent.is_remote:
            operation.end(span)
        ended[key] = operation  # before it is taken out there, so that it is always in one of the two
        opened.pop(key, None)
        if len(ended) > REMEMBERED:
            _limit(ended, REMEMBERED)
        return operation

    def of_context(self, trace_id: int, span_id: int) -> Operation | None:
        """Return the operation of the span with these ids; None if it is no longer known, or never was."""
        return self._of((trace_id, span_id))

    def _of(self, key: Key) -> Operation | None:
        return self._open.get(key) or self._ended.get(key)


def _limit(known: OrderedDict[Key, Operation], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def operations_within(spans: Sequence[ReadableSpan]) -> list[Operation | None]:
    """Return the operations of spans that ended together; None where the outermost one is not among them."""
    placed = [(*ends(span), span) for span in spans]
    by_key = {ids(context): (parent, span) for context, parent, span in placed}
    roots: dict[Key, ReadableSpan | None] = {}
    made: dict[int, Operation] = {}
    found: list[Operation | None] = []
    for _, parent, span in placed:
        root: ReadableSpan | None = span
        if parent is not None and not parent.is_remote:
            root = _outermost(ids(parent), by_key, roots)
        operation = None if root is None else made.get(id(root))
        if operation is None and root is not None:
            operation = made[id(root)] = Operation(root)
        found.append(operation)
    return found


def _outermost(
    key: Key, by_key: dict[Key, tuple[SpanContext | None, ReadableSpan]], roots: dict[Key, ReadableSpan | None]
) -> ReadableSpan | None:
    """Return the outermost span above the one with a key; `roots` has what is known, and gets what was found."""
    way = []
    while key not in roots:
        roots[key] = None  # a way that comes back here is a circle, and ends nowhere
        way.append(key)
        if key not in by_key:
            break
        parent, span = by_key[key]
        if parent is None or parent.is_remote:
            roots[key] = span
            break
        key = ids(parent)
    root = roots[key]
    roots.update(dict.fromkeys(way, root))
    return root
