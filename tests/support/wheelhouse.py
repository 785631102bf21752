"""A folder that `pip install` can take all from: our distributions, built, and what is installed here, packed again.

It stands for the Python Package Index where a test types what a user types, and needs no network.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import shutil
import zipfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.metadata import Distribution

    from tests.support.built import Built

_LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""What pip adds to a wheel's files when it installs it."""


def fill(folder: Path, built: Mapping[str, Built], *requirements: str) -> Path:
    """Put the wheels of some requirements, and of all that these require, into a folder; return it.

    `built` are our distributions, of the fixture of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ours = {canonicalize_name(f"azfunc-{package}"): one.wheel for package, one in built.items()}
    for name in closure(requirements):
        if name in ours:
            shutil.copy(ours[name], folder)
        else:
            pack(importlib.metadata.distribution(name), folder)
    return folder


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the names of all distributions that are needed here to have those that are required."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        one = waiting.pop()
        for extra in ("", *one.extras):
            key = (canonicalize_name(one.name), extra)
            if key in found:
                continue
            found.add(key)
            needed = map(Requirement, importlib.metadata.requires(one.name) or ())
            waiting += [more for more in needed if more.marker is None or more.marker.evaluate({"extra": extra})]
    return {str(name) for name, _ in found}


def pack(distribution: Distribution, folder: Path) -> Path:
    """Make the wheel of an installed distribution from its files; return where it is."""
    files = dict(_files_of(distribution))
    (info,) = {name.partition("/")[0] for name in files if name.partition("/")[0].endswith(".dist-info")}
    wheel = folder / f"{info.removesuffix('.dist-info')}-{_tag(distribution)}.whl"
    record = [f"{info}/RECORD,,"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, path in files.items():
            content = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}")
            archive.writestr(zipfile.ZipInfo.from_file(path, name), content)
        archive.writestr(f"{info}/RECORD", "\n".join(record) + "\n")
    return wheel


def _files_of(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    made_by_pip = {point.name for point in distribution.entry_points if point.group.endswith("_scripts")}
    stem = f"{distribution.metadata['Name'].replace('-', '_')}-{distribution.version}"
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if file.suffix == ".pyc" or file.name in _LEFT_OUT or not path.is_file():
            continue
        if file.parts[0] != "..":
            yield file.as_posix(), path
        elif "bin" in file.parts and file.name not in made_by_pip:
            yield f"{stem}.data/scripts/{file.name}", path


def _tag(distribution: Distribution) -> str:
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    tags = [line.partition(": ")[2].split("-") for line in lines if line.startswith("Tag: ")]
    sets = [".".join(sorted({tag[part] for tag in tags})) for part in range(3)]
    assert len(tags) == len(list(product(*(one.split(".") for one in sets)))), tags
    return "-".join(sets)
