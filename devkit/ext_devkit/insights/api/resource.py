"""What a resource of the API is made of: a path, parameters that are read before it is asked, its answer's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ext_devkit.errors import DevkitError
from ext_devkit.insights.analysis.window import Window
from ext_devkit.insights.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ext_devkit.insights.store.reader import Reader

    Schema = dict[str, Any]

LONGEST_TEXT = 2000


class NotFoundError(DevkitError):
    """There is no such thing; the message says what to ask for instead."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query (or of the path): how its text is read, and the schema of what it may be."""

    name: str
    about: str
    read: Callable[[str, str], Any]
    schema: Schema
    default: Any = None
    repeated: bool = False
    required: bool = False
    in_path: bool = False

    def take(self, values: Sequence[str]) -> Any:
        """Return what was given; raise DevkitError that names the parameter."""
        if not values:
            if self.required:
                raise DevkitError(f"The parameter '{self.name}' is missing. It is {self.about}")
            return [] if self.repeated else self.default
        if self.repeated:
            return [self.read(self.name, value) for value in values]
        if len(values) > 1:
            raise DevkitError(f"The parameter '{self.name}' is given {len(values)} times; once is what it takes.")
        return self.read(self.name, values[0])


def text(name: str, about: str, *, schema: Schema | None = None, **more: Any) -> Parameter:
    """Return a parameter of text; `schema` says more of it, where whoever is asked reads it by itself."""

    def read(name: str, value: str) -> str:
        if len(value) > LONGEST_TEXT:
            raise DevkitError(f"The parameter '{name}' has {len(value)} characters; {LONGEST_TEXT} are allowed.")
        return value

    return Parameter(name, about, read, {"type": "string", "maxLength": LONGEST_TEXT} | (schema or {}), **more)


def number(name: str, about: str, least: int, most: int, **more: Any) -> Parameter:
    """Return a parameter that is a whole number."""

    def read(name: str, value: str) -> int:
        # int() takes other scripts' digits and underscores; a number of many digits takes it long.
        if not (value.isascii() and value.isdigit()) or len(value) > 18 or not least <= int(value) <= most:  # noqa: PLR2004
            raise DevkitError(f"'{name}' is '{value[:40]}'. Expected a whole number from {least} to {most}.")
        return int(value)

    return Parameter(name, about, read, {"type": "integer", "minimum": least, "maximum": most}, **more)


def choice(name: str, about: str, values: Mapping[str, Any], **more: Any) -> Parameter:
    """Return a parameter that is one of some words; `values` says what each stands for."""

    def read(name: str, value: str) -> Any:
        if value not in values:
            raise DevkitError(f"'{name}' is '{value[:40]}'. Expected one of: {', '.join(values)}.")
        return values[value]

    return Parameter(name, about, read, {"type": "string", "enum": list(values)}, **more)


def one_of(name: str, about: str, values: Sequence[str], **more: Any) -> Parameter:
    """Return a parameter that is one of some words."""
    return choice(name, about, {value: value for value in values}, **more)


WINDOW = (
    text("from", "the time it begins, in ISO 8601 with Z or an offset.", schema={"format": "date-time"}),
    text("to", "the time it ends, which is left out itself.", schema={"format": "date-time"}),
    text("last", "how far back it goes instead, as in 15m, 24h or 7d.", schema={"pattern": "^[1-9][0-9]{0,5}[smhd]$"}),
)
"""The parameters of a time range; without them it is all time."""

ROLE = text("role", "the cloud_RoleName that is meant; without it all are.")
TABLE = one_of("table", "an item type's table; may be repeated.", TABLES, repeated=True)


@dataclass(frozen=True)
class Resource:
    """A path and what is answered for it; `answer` is called in a thread with a reader and what was given by name.

    Parameters of `WINDOW` come as one `window`.
    """

    path: str
    summary: str
    answer: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    returns: Schema = field(default_factory=dict)

    def read(self, given: Sequence[tuple[str, str]], in_path: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of `answer`; raise DevkitError for what is wrong, or not known here."""
        known = {parameter.name: parameter for parameter in self.parameters if not parameter.in_path}
        for name, _ in given:
            if name not in known:
                have = f"Known here: {', '.join(known)}." if known else "There are none here."
                raise DevkitError(f"There is no parameter '{name[:40]}'. {have}")
        taken = {
            parameter.name: parameter.take(
                [in_path[parameter.name]]
                if parameter.in_path
                else [value for name, value in given if name == parameter.name]
            )
            for parameter in self.parameters
        }
        if WINDOW[0].name in taken:
            ends = (taken.pop(parameter.name) for parameter in WINDOW)
            taken["window"] = Window.parse(*ends)
        return taken

    def ask(self, reader: Reader, given: Sequence[tuple[str, str]], in_path: Mapping[str, str]) -> Any:
        """Return what is answered."""
        return self.answer(reader, **self.read(given, in_path))


def listing(**properties: Schema) -> Schema:
    """Return the schema of an object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def array(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
ITEM: Schema = {
    "type": "object",
    "description": "An item: the columns of its table that are not empty, and itemId and itemType.",
    "required": ["itemType", "timestamp"],
    "properties": {"itemType": TEXT, "timestamp": TEXT, "itemId": INTEGER},
    "additionalProperties": True,
}


def without_empty(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's columns that have something."""
    return {name: value for name, value in row.items() if value is not None and value != {}}
