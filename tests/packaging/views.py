"""What `pip install X` alone would bring, without an installation of its own.

Everything is installed once, by pip. A view of X is a folder with links to the files of X, of what X's metadata
requires, of what that requires, and so on: what an installation of X alone has, and not one file more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.contracts.repository import DISTRIBUTIONS
from tests.packaging.pythons import Installer


class Pool:
    """One installation of all our distributions with all their extras."""

    def __init__(self, installer: Installer, views: Path) -> None:
        self.installer, self._folder = installer, views
        self._views: dict[tuple[str, ...], Path] = {}

    @cached_property
    def folder(self) -> Path:
        """Where everything is."""
        return self.installer.packages("".join(f"{everything(one.project)}\n" for one in DISTRIBUTIONS))

    @cached_property
    def _found(self) -> dict[str, Distribution]:
        return {normal(one.metadata["Name"]): one for one in distributions(path=[str(self.folder)])}

    def names(self, *texts: str) -> set[str]:
        """Return the names of all distributions that some requirements bring."""
        seen: set[tuple[str, str]] = set()
        return {name for text in texts for name, _ in self._needed(Requirement(text), seen)}

    def _needed(self, required: Requirement, seen: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for extra in ("", *required.extras):
            step = (normal(required.name), extra)
            if step in seen:
                continue
            seen.add(step)
            yield step
            for one in map(Requirement, self._found[step[0]].requires or ()):
                if one.marker is None or one.marker.evaluate(self._environment | {"extra": extra}):
                    yield from self._needed(one, seen)

    @cached_property
    def _environment(self) -> dict[str, str]:
        version = self.installer.version
        return {**default_environment(), "python_version": version, "python_full_version": f"{version}.0"}

    def view(self, *texts: str) -> Path:
        """Return the folder that has what some requirements bring."""
        if texts not in self._views:
            folder = self._folder / str(len(self._views))
            for name in self.names(*texts):
                self._link(self._found[name], folder)
            self._views[texts] = folder
        return self._views[texts]

    def _link(self, one: Distribution, folder: Path) -> None:
        for file in one.files or ():
            place = Path(str(file))
            if place.is_absolute() or ".." in place.parts:
                continue  # a command: --target puts it into bin/, where nothing imports it
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            source = self.folder / place
            if source.is_file() and not (folder / place).exists():
                os.link(source, folder / place)


def everything(project: dict[str, Any]) -> str:
    """Return the requirement of a distribution with all its extras."""
    extras = ",".join(sorted(project.get("optional-dependencies", {})))
    return f"{project['name']}[{extras}]" if extras else project["name"]


def normal(name: str) -> str:
    """Return a distribution's name as names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()
