"""The fields of a span, read at once: each of its properties is a call, and a traced call reads them thirty times.

Only spans whose class is known are read so. Whatever else looks like a span is read by its properties, as everything is
if the SDK has named its fields otherwise.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, _Span
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, SpanKind, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    Ids = tuple[int, int]


class Fields(NamedTuple):
    """What a span is, in the order in which `read` returns it."""

    context: SpanContext
    parent: SpanContext | None
    kind: SpanKind
    name: str
    attributes: Any
    start_time: int | None
    end_time: int | None
    status: Status
    resource: Resource


_by_property: Callable[[Any], Any] = attrgetter(*Fields._fields)
_by_field: Callable[[Any], Any] = attrgetter(*(f"_{name}" for name in Fields._fields))


def _has_fields(span: ReadableSpan) -> bool:
    return all(f"_{name}" in vars(span) for name in Fields._fields)


_EXAMPLE = SpanContext(1, 2, is_remote=True)
_known: set[type] = {ReadableSpan, _Span} if _has_fields(ReadableSpan("", _EXAMPLE, resource=Resource({}))) else set()


def known(kind: type) -> type:
    """Note a class of spans that has the fields of the SDK's own; a decorator."""
    if _known:
        _known.add(kind)
    return kind


def read(span: ReadableSpan) -> tuple[Any, ...]:
    """Return the `Fields` of a span as a plain tuple. Its attributes are not copied."""
    return _by_field(span) if type(span) in _known else _by_property(span)  # type: ignore[no-any-return]


_ends_by_field: Callable[[Any], Any] = attrgetter("_context", "_parent")
_ends_by_property: Callable[[Any], Any] = attrgetter("context", "parent")


def ends(span: ReadableSpan) -> tuple[SpanContext, SpanContext | None]:
    """Return its own context and that of its parent."""
    return (_ends_by_field if type(span) in _known else _ends_by_property)(span)  # type: ignore[no-any-return]


def _named(context: SpanContext) -> Ids:
    return (context.trace_id, context.span_id)


_sliced: Callable[[Any], Any] = itemgetter(slice(2))

ids: Callable[[SpanContext], Ids] = _sliced if _sliced(_EXAMPLE) == (1, 2) else _named
"""Return trace id and span id; a span context is a tuple that begins with them."""


_IN_DICT = isinstance(vars(BoundedAttributes(1)).get("_dict"), dict)


def plain(attributes: Any) -> dict[str, Any]:
    """Return attributes as a dict, which is not to be changed: those of an ended span no one else changes either."""
    kind = type(attributes)
    if kind is dict:
        return attributes  # type: ignore[no-any-return]
    if kind is BoundedAttributes and _IN_DICT:
        return attributes._dict  # type: ignore[no-any-return]
    return dict(attributes or ())


_HAS_DEQUE = hasattr(BoundedList(1), "_dq")


def some(things: Any) -> Any:
    """Return something that is true if there are any events or links: the SDK's lists take long to say so."""
    return things._dq if _HAS_DEQUE and type(things) is BoundedList else things  # type: ignore[attr-defined,unused-ignore]
