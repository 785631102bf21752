"""Exceptions as the service wants them: a list, outermost first, each with its frames.

A frame has a `level`, 0 where the exception was raised (StackFrame.bond). Both forms in which Python hands exceptions
on are understood: the exception object, and the text of `traceback.format_exception`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ext_appinsights.fields import required

if TYPE_CHECKING:
    from types import TracebackType

    Details = dict[str, Any]
    Frame = dict[str, Any]

TYPE_LIMIT = 1024
MESSAGE_LIMIT = 32768
STACK_LIMIT = 32768
FRAME_TEXT_LIMIT = 1024

CHAIN_LIMIT = 10
"""Exceptions in one item; a longer chain of causes is cut at its far end, as the .NET SDK does."""

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<method>.+)$', re.MULTILINE)
_HEAD = "Traceback (most recent call last):\n"
_LINKS = (
    "\nThe above exception was the direct cause of the following exception:\n\n",
    "\nDuring handling of the above exception, another exception occurred:\n\n",
)


def from_exception(error: BaseException) -> list[Details]:
    """Return the details of `error` and of what caused it, outermost first."""
    found: list[Details] = []
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen and len(found) < CHAIN_LIMIT:
        seen.add(id(link))
        frames = _frames_of(link.__traceback__)
        found.append(_details(qualified_name(type(link)), _text_of(link), frames))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return _chained(found)


def from_text(type_name: str, message: str, stack: str | None) -> list[Details]:
    """Return the details of an exception known by its type, message and the text of its traceback.

    Python's own tracebacks become frames, and the causes in them exceptions of their own. A stack in any other form
    (and that of an exception group) is passed on as text.
    """
    if not stack:
        return [_details(type_name, message, [])]
    parts = re.split("|".join(map(re.escape, _LINKS)), stack)
    if "  + Exception Group Traceback" in stack or not all(part.startswith(_HEAD) for part in parts):
        details = _details(type_name, message, [])
        details["stack"] = stack[:STACK_LIMIT]
        details["hasFullStack"] = len(stack) <= STACK_LIMIT
        return [details]
    outer, *causes = reversed(parts)
    found = [_details(type_name, message, _frames_in(outer))]
    found += [_details(*_last_line(cause), _frames_in(cause)) for cause in causes[: CHAIN_LIMIT - 1]]
    return _chained(found)


def qualified_name(kind: type) -> str:
    """Return a class's name with its module, except for built-in ones, as tracebacks do."""
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<the text of this {type(error).__name__} could not be made>"


def _details(type_name: str, message: str, frames: list[Frame]) -> Details:
    kept = _within_limit(frames)
    details: Details = {
        "typeName": required(type_name or "Exception", TYPE_LIMIT),
        "message": required(message if message.strip() else type_name, MESSAGE_LIMIT),
        "hasFullStack": bool(frames) and len(kept) == len(frames),
    }
    if kept:
        details["parsedStack"] = kept
    return details


def _chained(found: list[Details]) -> list[Details]:
    if len(found) > 1:
        for number, details in enumerate(found, start=1):
            details["id"] = number
            details["outerId"] = number - 1
    return found


def _frames_of(traceback: TracebackType | None) -> list[Frame]:
    frames: list[Frame] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(_frame(code.co_filename, traceback.tb_lineno or 0, code.co_name))
        traceback = traceback.tb_next
    return _numbered(frames)


def _frames_in(text: str) -> list[Frame]:
    return _numbered([_frame(m["file"], int(m["line"]), m["method"]) for m in _FRAME.finditer(text)])


def _frame(file: str, line: int, method: str) -> Frame:
    return {"level": 0, "method": method[:FRAME_TEXT_LIMIT], "fileName": file[:FRAME_TEXT_LIMIT], "line": line}


def _numbered(frames: list[Frame]) -> list[Frame]:
    frames.reverse()
    for level, frame in enumerate(frames):
        frame["level"] = level
    return frames


def _within_limit(frames: list[Frame]) -> list[Frame]:
    """Leave out frames from the middle until the texts of the others fit; both ends tell more than the middle."""
    sizes = [len(frame["method"]) + len(frame["fileName"]) for frame in frames]
    total = sum(sizes)
    first = last = len(frames) // 2
    while total > STACK_LIMIT:
        if first > len(frames) - last:
            first -= 1
            total -= sizes[first]
        else:
            total -= sizes[last]
            last += 1
    return frames[:first] + frames[last:]


def _last_line(text: str) -> tuple[str, str]:
    """Return type and message of the exception whose traceback `text` is."""
    lines = text.rstrip("\n").split("\n")
    start = len(lines) - 1
    while start > 0 and not lines[start - 1].startswith(" "):
        start -= 1
    type_name, _, message = "\n".join(lines[start:]).partition(": ")
    return type_name, message
