"""What everything in one operation has in common: its name and its sampling rate, which its outermost span decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from ext_opentelemetry import as_request
from ext_opentelemetry.attributes import SAMPLE_RATE, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

REMEMBERED = 4096
"""Spans whose operation is remembered, so that those they start later inherit it too."""


class Operation:
    """One operation, by its outermost span in this process. The name is read late: a route is known late."""

    __slots__ = ("_name", "_rate", "_root")

    def __init__(self, root: ReadableSpan) -> None:
        self._root: ReadableSpan | None = root
        self._name = ""
        self._rate = 100.0

    @property
    def name(self) -> str:
        """What all items of the operation carry as `ai.operation.name`."""
        return self._name if self._root is None else operation_name(self._root)

    @property
    def rate(self) -> float:
        """The percentage at which the operation was sampled."""
        return self._rate if self._root is None else rate_of(self._root)

    def end(self, root: ReadableSpan) -> None:
        """Keep what the ended outermost span says, and let go of the span."""
        self._name, self._rate = operation_name(root), rate_of(root)
        self._root = None


def operation_name(root: ReadableSpan) -> str:
    """Return the name of the operation whose outermost span in this process is `root`.

    Inside an invocation that the host reports itself, that is the host's: the function's name.
    """
    attributes: Any = root.attributes or {}
    if root.kind in (SpanKind.SERVER, SpanKind.CONSUMER):
        return as_request.name_of(root.name, attributes)
    return text(attributes, "faas.name") or root.name


def rate_of(span: ReadableSpan) -> float:
    """Return the percentage at which a span was sampled, 100 unless it says otherwise."""
    rate: Any = (span.attributes or {}).get(SAMPLE_RATE)
    return float(rate) if isinstance(rate, (int, float)) and 0 < rate <= 100 else 100.0  # noqa: PLR2004


class Operations:
    """The operations of the spans that are open, and of the last ones that ended."""

    def __init__(self) -> None:
        self._by_span: dict[tuple[int, int], Operation] = {}

    def start(self, span: ReadableSpan) -> None:
        """Note a new span: it belongs to its parent's operation, or begins one."""
        known = self._by_span
        operation = None
        parent = span.parent
        if parent is not None and not parent.is_remote:
            operation = known.get((parent.trace_id, parent.span_id))
        known[_key(span.context)] = operation or Operation(span)
        if len(known) > REMEMBERED:
            self._forget_oldest()

    def of(self, span: ReadableSpan) -> Operation:
        """Return the operation of an ended span."""
        operation = self._by_span.get(_key(span.context))
        if operation is None:
            operation = Operation(span)
        if span.parent is None or span.parent.is_remote:
            operation.end(span)
        return operation

    def _forget_oldest(self) -> None:
        try:
            self._by_span.pop(next(iter(self._by_span)), None)
        except RuntimeError:  # another thread changed it at that moment; the next span tries again
            pass


def _key(context: SpanContext | None) -> tuple[int, int]:
    assert context is not None
    return (context.trace_id, context.span_id)


def operations_within(spans: Sequence[ReadableSpan]) -> list[Operation | None]:
    """Return the operations of spans that ended together; None where the outermost one is not among them."""
    by_key = {_key(span.context): span for span in spans}
    return [_outermost(span, by_key) for span in spans]


def _outermost(span: ReadableSpan, by_key: dict[tuple[int, int], ReadableSpan]) -> Operation | None:
    current = span
    for _ in by_key:
        if current.parent is None or current.parent.is_remote:
            return Operation(current)
        found = by_key.get(_key(current.parent))
        if found is None:
            return None
        current = found
    return None
