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
    """Build every distribution from a copy of the tree, and again from its sdist; return the files by package."""
    from tests.contracts.repository import DISTRIBUTIONS, ROOT
    from tests.contracts.test_wheels import ignored

    tree, dist, unpacked, again = (work / name for name in ("tree", "dist", "unpacked", "again"))
    shutil.copytree(ROOT, tree, ignore=lambda folder, names: [*ignored(folder, names), "samples"])
    _run({tree / one.folder: dist for one in DISTRIBUTIONS}, "both")
    found = {}
    for one in DISTRIBUTIONS:
        stem = f"azfunc_{one.package}-{one.project['version']}"
        with tarfile.open(dist / f"{stem}.tar.gz") as archive:
            archive.extractall(unpacked, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        wheel = f"{stem}-py3-none-any.whl"
        found[one.package] = Built(dist / wheel, dist / f"{stem}.tar.gz", again / wheel)
    _run({unpacked / built.sdist.name.removesuffix(".tar.gz"): again for built in found.values()}, "wheel")
    return found


def _run(places: dict[Path, Path], kinds: str) -> None:
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
