"""The files of a new package, from the templates."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ext_devkit.errors import DevkitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_devkit.scaffold.names import Names

LEVELS: Final = {
    "app": "an extension of the whole app, which importing switches on",
    "function": "an extension of single functions, which decorates them",
    "both": "one of each",
}

LICENSES: Final = {
    "MIT": "MIT, the text is in `LICENSE`.",
    "Apache-2.0": "Apache License 2.0, the text is in `LICENSE`.",
    "BSD-3-Clause": "BSD 3-Clause, the text is in `LICENSE`.",
    "LicenseRef-Proprietary": "All rights reserved, see `LICENSE`.",
}
"""The SPDX expression of each licence that there is a text of, and what the README says."""

_TEMPLATES = Path(__file__).with_name("templates")
_SUFFIX = ".txt"
"""Templates are no Python, TOML or YAML until they are filled in, and no tool should take them for it."""


@dataclass(frozen=True)
class Package:
    """What is to be known of a new package."""

    names: Names
    author: str
    year: int
    email: str = ""
    description: str = "An extension for Azure Functions in Python."
    level: str = "app"
    license: str = "MIT"
    version: str = "0.1.0"
    """The oldest SDK and devkit that it is to work with."""

    def __post_init__(self) -> None:
        """Raise DevkitError for a value that cannot stand in the files."""
        for what, value in (("author", self.author), ("description", self.description)):
            if not value.strip() or not value.isprintable():
                raise DevkitError(f"The {what} is {value!r}. Give one line of text with --{what}.")
        check_email(self.email)

    @property
    def classes(self) -> list[str]:
        """The names of its extensions."""
        both = self.level == "both"
        return [self.names.extension, self.names.function_extension] if both else [self.names.extension]

    @property
    def targets(self) -> list[str]:
        """The full names of its extensions, as `azfunc-ext check` takes them."""
        return [f"{self.names.package}.{name}" for name in self.classes]

    def values(self) -> dict[str, str]:
        """Return what stands in the templates' places."""
        author = {"name": self.author} | ({"email": self.email} if self.email else {})
        return {
            "name": self.names.distribution,
            "package": self.names.package,
            "title": self.names.title,
            "class": self.names.extension,
            "function_class": self.names.function_extension,
            "prefix": self.names.prefix,
            "author": self.author,
            "author_toml": "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in author.items()) + " }",
            "description": self.description,
            "description_toml": _toml(self.description),
            "license": self.license,
            "license_said": LICENSES[self.license],
            "year": str(self.year),
            "sdk_version": self.version,
            "check_steps": "\n".join(f"      - run: azfunc-ext check {target}" for target in self.targets),
            "check_commands": "\n".join(f"$ azfunc-ext check {target}" for target in self.targets),
        }


def check_email(email: str) -> None:
    """Raise DevkitError if this is no address that package metadata can have; nothing stands for none."""
    try:
        if email:
            Address(addr_spec=email)
    except (ValueError, IndexError) as error:
        raise DevkitError(f"The e-mail address is {email!r}. Write it as ada@example.com, or leave it out.") from error


def files(package: Package) -> dict[str, str]:
    """Return the text of each file, by its path with slashes; a file of the level goes before one that all have."""
    values = package.values()
    found = {path: _filled(file, values) for folder in ("common", package.level) for path, file in _in(folder)}
    found["LICENSE"] = _filled(_TEMPLATES / "licenses" / f"{package.license}{_SUFFIX}", values)
    return {path.replace("src/package/", f"src/{package.names.package}/"): text for path, text in found.items()}


def _in(folder: str) -> Iterator[tuple[str, Path]]:
    """Yield the path that a template's file is to have, and the template."""
    for file in sorted((_TEMPLATES / folder).rglob(f"*{_SUFFIX}")):
        yield file.relative_to(_TEMPLATES / folder).as_posix().removesuffix(_SUFFIX), file


def _filled(template: Path, values: dict[str, str]) -> str:
    return re.sub(r"<<(\w+)>>", lambda place: values[place[1]], template.read_text("utf-8"))


def _toml(text: str) -> str:
    """Return a TOML string; JSON's are that, for text that can be printed."""
    return json.dumps(text, ensure_ascii=False)
