"""Exceptions as the service wants them: a list, outermost first, each with its frames.

A frame has a `level`, 0 where the exception was raised (StackFrame.bond). Both forms in which Python hands exceptions
on are understood: the exception object, and the text of `traceback.format_exception`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ext_appinsights.fields import required
from ext_appinsights.lines import quoted

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
_GROUP = "  + Exception Group Traceback (most recent call last):"
_REMEMBERED_LENGTH = 8192
"""Characters of frames that are written once and remembered."""
_LINK = re.compile(
    "\n(?:The above exception was the direct cause of the following exception:"
    "|During handling of the above exception, another exception occurred:)\n\n"
    f"(?={re.escape(_HEAD)}|{re.escape(_GROUP)})"
)


def from_exception(error: BaseException) -> list[Details]:
    """Return the details of `error`, of what caused it and of what is inside it if it is a group, outermost first."""
    found: list[Details] = []
    seen: set[int] = set()
    waiting = [(error, 0)]
    while waiting and len(found) < CHAIN_LIMIT:
        link, outer = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        details = _details(qualified_name(type(link)), text_of(link), _frames_of(link.__traceback__))
        found.append({**details, "id": len(found) + 1, "outerId": outer})
        waiting += [(inner, len(found)) for inner in reversed(_within(link))]
    return found if len(found) > 1 else _alone(found)


def _within(error: BaseException) -> list[BaseException]:
    """Return what a traceback shows of an exception besides itself: the members of a group, then its cause."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    members = getattr(error, "exceptions", ())
    inner = list(members) if isinstance(members, tuple) else []
    return [one for one in (*inner, cause) if isinstance(one, BaseException)]


def from_text(type_name: str, message: str, stack: str | None) -> list[Details]:
    """Return the details of an exception known by its type, message and the text of its traceback.

    Python's own tracebacks become frames, and the causes in them exceptions of their own. A stack in any other form
    (and that of an exception group) is passed on as text.
    """
    if not stack or stack.strip() in (type_name, f"{type_name}: {message}".strip()):  # it was never raised
        return [_details(type_name, message, [])]
    *causes, outer = _LINK.split(stack)
    if not outer.startswith(_HEAD) or _GROUP in stack:
        details = _details(type_name, message, [])
        details["stack"] = stack[:STACK_LIMIT]
        details["hasFullStack"] = len(stack) <= STACK_LIMIT
        return [details]
    found = [_details(type_name, message, _parted(outer)[0])]
    for cause in causes[:-CHAIN_LIMIT:-1]:
        frames, last = _parted(cause)
        cause_type, _, said = last.partition(": ")
        found.append(_details(cause_type, said, frames))
    for number, details in enumerate(found, start=1):
        details |= {"id": number, "outerId": number - 1}
    return found if len(found) > 1 else _alone(found)


def as_json(type_name: str, message: str, stack: str) -> str | None:
    """Return as JSON what `from_text` returns, for one of Python's own tracebacks without causes; else None."""
    if not stack.startswith(_HEAD) or _LINK.search(stack) or _GROUP in stack:
        return None
    end = _end_of_frames(stack)
    if end > _REMEMBERED_LENGTH:
        return None
    said = required(message if message.strip() else type_name, MESSAGE_LIMIT)
    name = required(type_name or "Exception", TYPE_LIMIT)
    return f'[{{"typeName":{quoted(name)},"message":{quoted(said)},{_frames_as_json(stack[:end])}}}]'


@lru_cache(maxsize=128)
def _frames_as_json(text: str) -> str:
    """Return the members that tell of the frames. The same place raises again and again, with other messages."""
    details = _details("", "", _parted(text)[0])
    told = {key: details[key] for key in ("hasFullStack", "parsedStack") if key in details}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))[1:-1]


def _alone(found: list[Details]) -> list[Details]:
    for details in found:
        del details["id"], details["outerId"]
    return found


def _parted(text: str) -> tuple[list[Frame], str]:
    """Return the frames of one traceback and what stands below them: type and message, with notes if it has any.

    What belongs to a frame is indented; whatever the message looks like, it begins at the first line that is not.
    """
    if not text.startswith(_HEAD):  # a cause that was never raised
        return [], text.strip("\n")
    end = _end_of_frames(text)
    frames = [_frame(m["file"], int(m["line"]), m["method"]) for m in _FRAME.finditer(text, len(_HEAD), end)]
    return _numbered(frames), text[end:].strip("\n")


def _end_of_frames(text: str) -> int:
    end = len(_HEAD)
    while text.startswith("  ", end):
        end = text.find("\n", end) + 1 or len(text)
    return end


def qualified_name(kind: type) -> str:
    """Return a class's name with its module, except for built-in ones, as tracebacks do."""
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def text_of(error: BaseException) -> str:
    """Return what an exception says; in its place, that it fails to say it."""
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


def _frames_of(traceback: TracebackType | None) -> list[Frame]:
    frames: list[Frame] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(_frame(code.co_filename, traceback.tb_lineno or 0, code.co_name))
        traceback = traceback.tb_next
    return _numbered(frames)


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
