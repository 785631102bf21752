"""JSON as Core Tools and the host read it: with comments, trailing commas and a byte order mark."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from pathlib import Path

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|(//[^\r\n]*|/\*.*?\*/)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[\]}])', re.DOTALL)


def parse(text: str) -> Any:
    """Return the value of JSON text with comments and trailing commas; positions in errors are the text's own."""
    text = _COMMENT.sub(lambda match: match[1] or re.sub(r"[^\r\n]", " ", match[0]), text)
    text = _TRAILING_COMMA.sub(lambda match: match[1] or " ", text)
    return json.loads(text, strict=False)


def read_object(path: Path, shown: str) -> dict[str, Any]:
    """Return the object in a JSON file; `shown` is what errors call the file."""
    try:
        value = parse(path.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        place = f"{shown}:{error.lineno}:{error.colno}"
        raise DevkitError(f"{place}: not valid JSON: {error.msg}. Mend the file and start again.") from error
    except UnicodeDecodeError as error:
        raise DevkitError(f"{shown}: not UTF-8 text (byte {error.start}). Save the file as UTF-8.") from error
    except RecursionError as error:
        raise DevkitError(f"{shown}: nested too deeply to be read. Mend the file and start again.") from error
    except OSError as error:
        raise DevkitError(f"{shown}: cannot be read: {error.strerror}.") from error
    if not isinstance(value, dict):
        raise DevkitError(f"{shown}: expected a JSON object {{...}}, found {_kind(value)}.")
    return value


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
