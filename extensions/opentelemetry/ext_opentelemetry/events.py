"""Events of spans as items of their own: exceptions, and messages for all others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ext_appinsights import envelope, lines, stacks
from ext_appinsights.fields import timestamp
from ext_opentelemetry.attributes import MEASUREMENTS, measurements, text
from ext_opentelemetry.reading import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import Event, ReadableSpan

    from ext_opentelemetry.attributes import Attributes
    from ext_opentelemetry.dimensions import Dimensions

_PARENT = '"ai.operation.parentId":"'
_ID = 16


class Events:
    """Writes the events of spans; any number of threads may share one."""

    def __init__(self, dimensions: Dimensions, redact: Callable[[str], str]) -> None:
        self._dimensions = dimensions
        self._redact = redact

    def lines(self, span: ReadableSpan, tags: str, rate: float) -> list[bytes]:
        """Return the items of a span's events; `tags`, as members, are those of the resource and the operation."""
        tags = _inside(tags, span)
        return [self._quick(event, tags, rate) or self._at_length(event, tags, rate) for event in span.events]

    def _quick(self, event: Event, tags: str, rate: float) -> bytes | None:
        """Return an exception's line, if nothing about it is out of the ordinary."""
        attributes = plain(event.attributes)
        if event.name != "exception" or "session.id" in attributes or MEASUREMENTS in attributes:
            return None
        details = stacks.as_json(
            text(attributes, "exception.type") or "Exception",
            self._redact(text(attributes, "exception.message") or "Exception"),
            text(attributes, "exception.stacktrace"),
        )
        if details is None:
            return None
        properties = self._dimensions.members(attributes)
        ending = f',"properties":{{{properties}}}' if properties else ""
        return lines.exception_line(timestamp(event.timestamp), details, ending, tags, rate)

    def _at_length(self, event: Event, tags: str, rate: float) -> bytes:
        attributes: Attributes = plain(event.attributes)
        known: dict[str, str] = json.loads(f"{{{tags}}}")
        common: dict[str, Any] = {
            "time_ns": event.timestamp,
            "properties": self._dimensions.properties(attributes),
            "measurements": measurements(attributes),
            "tags": {**known, "ai.session.id": text(attributes, "session.id") or known.get("ai.session.id", "")},
            "sample_rate": rate,
        }
        if event.name != "exception":
            return lines.line(envelope.message(text=self._redact(event.name), **common))
        details = envelope.exception_details(
            text(attributes, "exception.type") or "Exception",
            self._redact(text(attributes, "exception.message") or "Exception"),
            text(attributes, "exception.stacktrace") or None,
        )
        for number, one in enumerate(details):
            if number:  # a cause, of which the stack alone tells
                one["message"] = self._redact(one["message"])
            if "stack" in one:
                one["stack"] = self._redact(one["stack"])
        return lines.line(envelope.exception(details=details, **common))


def _inside(tags: str, span: ReadableSpan) -> str:
    """Return the tags of a span's events: those of the span, which is their parent."""
    assert span.context is not None
    own = f"{span.context.span_id:016x}"
    before, found, rest = tags.partition(_PARENT)  # inside of a text its quotes would have backslashes
    return f"{before}{_PARENT}{own}{rest[_ID:]}" if found else f'{tags},{_PARENT}{own}"'
