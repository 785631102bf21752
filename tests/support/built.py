"""Each distribution as wheel and sdist, and the wheel that its sdist makes, by the pinned hatchling without isolation.

Run as a program it is a build front end: for each SOURCE OUT pair, both kinds in one process, which a build front end
would start anew for each of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Built:
    """What was built of one distribution."""

    wheel: Path
    sdist: Path
    from_sdist: Path
    """The wheel that was built from the unpacked sdist."""


def build_all(work: Path) -> dict[str, Built]:
    """Build every distribution from a copy of the tree, and again from its sdist; return the files by package.

    They are built once in a run.
    """
    from tests.contracts.repository import DISTRIBUTIONS
    from tests.support.once import once

    once(work, _build)
    found = {}
    for one in DISTRIBUTIONS:
        stem = f"azfunc_{one.package}-{one.project['version']}"
        wheel = f"{stem}-py3-none-any.whl"
        found[one.package] = Built(work / "dist" / wheel, work / "dist" / f"{stem}.tar.gz", work / "again" / wheel)
    return found


def _build(work: Path) -> None:
    from tests.contracts.repository import DISTRIBUTIONS, ROOT

    tree, dist, unpacked, again = (work / name for name in ("tree", "dist", "unpacked", "again"))
    shutil.copytree(ROOT, tree, ignore=left_out)
    build({tree / one.folder: dist for one in DISTRIBUTIONS}, "both")
    for sdist in dist.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            archive.extractall(unpacked, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    build(dict.fromkeys(unpacked.iterdir(), again), "wheel")


def left_out(folder: str, names: list[str]) -> list[str]:
    """Return what of a folder is not copied; folders of such a name inside a package belong to it."""
    from tests.contracts.repository import ROOT, _generated

    elsewhere = {"tests", "docs", "samples"} if Path(folder) == ROOT else set()
    return [name for name in names if _generated(Path(name)) or name in elsewhere]


def build(places: dict[Path, Path], kinds: str) -> None:
    """Build sources into folders, in one process: their wheels, or `both` kinds."""
    pairs = [str(path) for pair in places.items() for path in pair]
    done = subprocess.run([sys.executable, __file__, kinds, *pairs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def main(kinds: str, *pairs: str) -> None:
    from hatchling.build import build_sdist, build_wheel

    for source, out in zip(pairs[::2], pairs[1::2], strict=True):
        os.chdir(source)
        os.makedirs(out, exist_ok=True)
        build_wheel(out)
        if kinds == "both":
            build_sdist(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
