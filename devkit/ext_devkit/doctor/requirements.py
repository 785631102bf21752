"""What requirements.txt asks for, read as pip reads it, as far as names and versions go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "requirements.txt"
_INCLUDES = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)$")
_WITH_VERSIONS = ("-c", "--constraint", "-f", "--find-links")


@dataclass(frozen=True)
class Required:
    """One package that is asked for."""

    name: str
    place: str
    specifier: str = ""
    extras: frozenset[str] = frozenset()
    exact: bool = False
    """Whether it is one file or one address, which has one version."""

    @property
    def version(self) -> str:
        """The one version that `==` names; empty if there is a choice."""
        found = re.fullmatch(r"={2,3}([^,*]+)", self.specifier)
        return found[1].strip() if found else ""


@dataclass
class Requirements:
    """The packages of an app, by their normal names."""

    packages: dict[str, Required] = field(default_factory=dict)
    missing: bool = True
    everything_is_read: bool = True
    """False if a line says something that only pip can tell, such as a folder or a repository."""
    versions_elsewhere: bool = False
    """Whether a constraints file or a folder of wheels decides on versions."""

    def __contains__(self, name: str) -> bool:
        return name in self.packages

    def get(self, name: str) -> Required | None:
        """Return what is asked of a package."""
        return self.packages.get(name)

    def surely_lacks(self, *names: str) -> bool:
        """Say whether none of some packages is asked for, as far as requirements.txt tells for certain."""
        return not self.missing and self.everything_is_read and not any(name in self.packages for name in names)


def read_requirements(app: Path, python: tuple[int, int]) -> Requirements:
    """Read requirements.txt for a version of Python, with the files that it includes."""
    found = Requirements()
    _read(app / FILE, FILE, python, found, set())
    return found


def _read(path: Path, shown: str, python: tuple[int, int], found: Requirements, seen: set[Path]) -> None:
    if path in seen or not path.is_file():
        found.everything_is_read &= path in seen or not seen
        return
    seen.add(path)
    found.missing = False
    for number, line in _lines(path.read_text("utf-8-sig", errors="replace")):
        if included := _INCLUDES.match(line):
            _read(path.parent / included[1], f"{included[1]}", python, found, seen)
        elif line.startswith(_WITH_VERSIONS):
            found.versions_elsewhere = True
        elif line.startswith(("-e", "--editable")):
            found.everything_is_read = False
        elif not line.startswith("-"):
            _add(line, f"{shown}:{number}", python, found)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line with its number, without comments, continuations joined."""
    started, before = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        started = started if before else number
        before += line.removesuffix("\\") + " " * line.endswith("\\")
        if not line.endswith("\\"):
            if before.strip():
                yield started, before.strip()
            before = ""
    if before.strip():
        yield started, before.strip()


def _add(line: str, place: str, python: tuple[int, int], found: Requirements) -> None:
    line, hashes, _ = line.partition(" --")
    if line.endswith(".whl"):
        try:
            name, version, _, _ = parse_wheel_filename(line.rpartition("/")[2])
        except InvalidWheelFilename:
            found.everything_is_read = False
        else:
            found.packages[name] = Required(name, place, f"=={version}", exact=True)
        return
    try:
        asked = Requirement(line)
    except InvalidRequirement:
        found.everything_is_read = False
        return
    minor = ".".join(map(str, python))
    if asked.marker and not asked.marker.evaluate({"python_version": minor, "python_full_version": f"{minor}.0"}):
        return
    name = canonicalize_name(asked.name)
    found.packages[name] = Required(
        name, place, str(asked.specifier), frozenset(asked.extras), exact=bool(hashes or asked.url)
    )
