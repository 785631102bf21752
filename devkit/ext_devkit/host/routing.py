"""Routes as the real host reads them: ASP.NET Core templates, without regard to case, the most exact one first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ext_devkit.errors import DevkitError
from ext_devkit.host.constraints import constraint

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"[^:=?*{}()/\s]+")

LITERAL, CONSTRAINED, PLAIN, CONSTRAINED_REST, REST = range(1, 6)
"""How exact a segment is, the most exact first (ASP.NET Core, RoutePrecedence.ComputeInbound)."""


@dataclass(frozen=True)
class Parameter:
    """One `{...}` of a template."""

    name: str
    constraints: tuple[str, ...]
    checks: tuple[Callable[[str], bool], ...]
    default: str | None
    may_be_absent: bool
    is_rest: bool

    def accepts(self, value: str) -> bool:
        """Say whether all constraints hold."""
        return all(check(value) for check in self.checks)

    @property
    def rank(self) -> int:
        """How exact a segment is which has only this parameter."""
        if self.is_rest:
            return CONSTRAINED_REST if self.checks else REST
        return CONSTRAINED if self.checks else PLAIN


class Template:
    """A parsed route such as `items/{id:int}/{*rest}`; `match` gives the values of its parameters."""

    def __init__(self, route: str) -> None:
        self.route = route
        self.parameters: list[Parameter] = []
        segments = _segments(route)
        pieces = [self._segment(segment, last=index == len(segments) - 1) for index, segment in enumerate(segments)]
        self.precedence = tuple(rank for _, _, rank in pieces)
        self._pattern = re.compile(_join(pieces), re.IGNORECASE | re.DOTALL)
        self._refuse_doubles()

    @property
    def is_reserved(self) -> bool:
        """Whether it is below `/admin`, where the host answers and no function does."""
        return self.route.lower().split("/")[0] == "admin"

    @property
    def shape(self) -> str:
        """What two templates have in common that match the same paths."""
        constraints = [parameter.constraints for parameter in self.parameters]
        return f"{self._pattern.pattern.lower()} {constraints}"

    def match(self, path: str) -> dict[str, str] | None:
        """Return the route parameters of a path without outer slashes; None if it does not match."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        values = {}
        for parameter, value in zip(self.parameters, found.groups(), strict=True):
            if value:
                if not parameter.accepts(value):
                    return None
                values[parameter.name] = value
            elif parameter.default is not None:
                values[parameter.name] = parameter.default
        return values

    def _segment(self, segment: str, *, last: bool) -> tuple[str, bool, int]:
        """Return a segment's pattern, whether it may be absent, and its rank."""
        parts = _parts(segment, self.route)
        pattern, names = "", []
        for is_parameter, text in parts:
            if not is_parameter:
                pattern += re.escape(text)
                continue
            parameter = _parameter(text, self.route)
            names.append(parameter)
            pattern += "(.*)" if parameter.is_rest else "([^/]+)"
        self.parameters += names
        if any(parameter.is_rest for parameter in names) and not (last and len(parts) == 1):
            raise DevkitError(f"route {self.route!r}: a catch-all {{*name}} must be the whole last segment.")
        if len(parts) == 1 and names:
            may_be_absent = last and names[0].may_be_absent
            if names[0].may_be_absent and not last and names[0].default is None:
                raise DevkitError(f"route {self.route!r}: only the last segment may be optional ({{name?}}).")
            return pattern, may_be_absent, names[0].rank
        if any(parameter.may_be_absent for parameter in names):
            raise DevkitError(f"route {self.route!r}: an optional parameter must be a segment of its own here.")
        return pattern, False, CONSTRAINED if names else LITERAL

    def _refuse_doubles(self) -> None:
        names = [parameter.name.lower() for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise DevkitError(f"route {self.route!r}: the parameter {name!r} occurs twice. Rename one.")


def decode_path(raw_path: str) -> str:
    """Return the path without outer slashes, percent-decoded except for `%2F`, which ASP.NET Core keeps."""
    path = re.sub("%2[fF]", lambda match: "%25" + match[0][1:], raw_path)
    return unquote(path).removeprefix("/").removesuffix("/")


def join_prefix(prefix: str, route: str) -> str:
    """Return the template below the app's route prefix, which may be empty."""
    return "/".join(part for part in (prefix.strip("/"), route.strip("/")) if part)


def _join(pieces: list[tuple[str, bool, int]]) -> str:
    pattern = ""
    for index, (piece, may_be_absent, _) in enumerate(pieces):
        slash = "/" if index else ""
        pattern += f"(?:{slash}{piece})?" if may_be_absent else slash + piece
    return pattern


def _segments(route: str) -> list[str]:
    """Split at slashes outside braces, so that a `regex(...)` may hold one."""
    if not route:
        return []
    segments, depth = [""], 0
    for character in route:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += character
    if depth or "" in segments:
        problem = "braces that do not match" if depth else "an empty segment (//)"
        raise DevkitError(f"route {route!r}: it has {problem}.")
    return segments


def _parts(segment: str, route: str) -> list[tuple[bool, str]]:
    """Split a segment into literals and the insides of `{...}`; `{{` and `}}` are braces that mean themselves."""
    parts: list[tuple[bool, str]] = []
    rest = segment
    while rest:
        if rest[0] == "{" and not rest.startswith("{{"):
            end = _closing(rest)
            if end < 0:
                raise DevkitError(f"route {route!r}: it has braces that do not match.")
            parts.append((True, rest[1:end].replace("{{", "{").replace("}}", "}")))
            rest = rest[end + 1 :]
            continue
        literal = re.match(r"(?:\{\{|\}\}|[^{}])+", rest)
        if literal is None or "?" in literal[0] or "*" in literal[0]:
            raise DevkitError(f"route {route!r}: {rest!r} is not a literal. Write parameters as {{name}}.")
        parts.append((False, literal[0].replace("{{", "{").replace("}}", "}")))
        rest = rest[literal.end() :]
    if any(first[0] and second[0] for first, second in pairwise(parts)):
        raise DevkitError(f"route {route!r}: two parameters follow each other. Put text or a slash between them.")
    return parts


def _closing(text: str) -> int:
    """Return the index of the brace that closes the parameter at the start of `text`, or -1."""
    index = 1
    while index < len(text):
        if text.startswith(("{{", "}}"), index) and not (text[index] == "}" and "(" not in text[:index]):
            index += 2
        elif text[index] == "}":
            return index
        else:
            index += 1
    return -1


def _parameter(text: str, route: str) -> Parameter:
    stars = len(text) - len(text.lstrip("*"))
    name, constraints, default = _pieces(text[stars:].removesuffix("?"))
    if _NAME.fullmatch(name) is None or stars > len("**"):
        raise DevkitError(f"route {route!r}: {{{text}}} is not a parameter. Write {{name}}, {{name:int}} or {{name?}}.")
    return Parameter(
        name=name,
        constraints=tuple(constraints),
        checks=tuple(constraint(part, route) for part in constraints),
        default=default,
        may_be_absent=text.endswith("?") or default is not None or stars > 0,
        is_rest=stars > 0,
    )


def _pieces(text: str) -> tuple[str, list[str], str | None]:
    """Split `name:constraint(args)=default`; what stands in parentheses is left alone."""
    pieces, depth = [""], 0
    for index, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "=" and depth == 0:
            return pieces[0], pieces[1:], text[index + 1 :]
        if character == ":" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces[0], pieces[1:], None
