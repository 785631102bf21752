"""How a span failed, as Application Insights wants it: type, message and frames."""

from __future__ import annotations

from typing import Any

from ext_appinsights.fields import required
from ext_appinsights.stacks import MESSAGE_LIMIT, TYPE_LIMIT

Details = dict[str, Any]

_UNKNOWN = "Exception"


def of_attributes(span: Any) -> list[Details] | None:
    """Return what OpenCensus's integrations of web frameworks note: `error.name`, `error.message`, `stacktrace`.

    None if there is none of that.
    """
    attributes = span.attributes or {}
    if "error.message" not in attributes:
        return None
    stack = attributes.get("stacktrace")
    frames = stack if isinstance(stack, (list, tuple)) and all(isinstance(one, dict) for one in stack) else []
    details = _details(str(attributes.get("error.name") or _UNKNOWN), str(attributes["error.message"] or _UNKNOWN))
    details["hasFullStack"] = bool(frames)
    if frames:
        details["parsedStack"] = [dict(one) for one in frames]
    elif isinstance(stack, str) and stack:
        details["stack"] = stack[:MESSAGE_LIMIT]
    return [details]


def of_stack(span: Any) -> list[Details] | None:
    """Return the exception that left the span; None if there was none, or if a span further in has it."""
    stack = span.stack_trace
    if stack is None:
        return None
    if hasattr(stack, "details"):
        return stack.details  # type: ignore[no-any-return]
    frames = [_frame(level, one) for level, one in enumerate(reversed(stack.stack_frames))]
    details = _details(_UNKNOWN, str(getattr(span.status, "description", None) or _UNKNOWN))
    return [{**details, "hasFullStack": bool(frames) and not stack.dropped_frames_count, "parsedStack": frames}]


def _details(type_name: str, message: str) -> Details:
    return {"typeName": required(type_name, TYPE_LIMIT), "message": required(message, MESSAGE_LIMIT)}


def _frame(level: int, frame: dict[str, Any]) -> Details:
    return {
        "level": level,
        "method": frame["function_name"]["value"],
        "fileName": frame["file_name"]["value"],
        "line": frame["line_number"] or 0,
    }
