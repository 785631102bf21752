"""The Pythons of this machine, and what gets installed for each of them: by plain pip, as Azure's remote build does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.contracts.repository import ROOT

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
RUNNING = f"3.{sys.version_info.minor}"
EVERY = bool(os.environ.get("ALL_PYTHONS"))
"""Whether each Python is meant, and the newest release of everything: `make packaging`. Otherwise the one that runs the
tests, and the pinned releases: a release of somebody else must not fail the tests of a change of ours."""

PACKAGES = Path(".python_packages", "lib", "site-packages")
"""Where Azure puts what an app requires."""

ENVIRONMENT = dict(os.environ)
"""As the run got it: fixtures take settings away that pip may need."""

WAIT = 240


def wanted() -> tuple[str, ...]:
    """Return the versions that this run is about."""
    return VERSIONS if EVERY else (RUNNING,)


def find(version: str) -> str:
    """Return an interpreter of this version, nothing if the machine has none."""
    if version == RUNNING:
        return sys.executable
    return next((one for one in _candidates(version) if _is(one, version)), "")


def _candidates(version: str) -> Iterator[str]:
    yield shutil.which(f"python{version}") or ""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob(f"versions/{version}.*/bin/python"), reverse=True))


def _is(interpreter: str, version: str) -> bool:
    """Tell whether it runs: a name on the PATH may be a version manager's stand-in for what is not switched on."""
    code = f"import sys; sys.exit('3.%d' % sys.version_info[1] != '{version}')"
    return (
        bool(interpreter)
        and subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0
    )


class Installer:
    """Installs for one Python, two at a time, each thing once; results are futures of folders."""

    def __init__(self, version: str, folder: Path, wheels: Path) -> None:
        self.version, self.folder, self.wheels = version, folder, wheels
        self._pool = ThreadPoolExecutor(2)
        self._done: dict[str, Future[Path]] = {}

    def venv(self, name: str) -> str:
        """Make a virtual environment without anything in it; return its interpreter."""
        subprocess.run([find(self.version), "-m", "venv", "--without-pip", self.folder / name], check=True)
        return str(self.folder / name / "bin" / "python")

    def pip(self, python: str, *arguments: str, folder: Path | None = None) -> None:
        """Run `pip install` for an interpreter. Our wheels are in a folder, all else comes from where pip is told."""
        pins = [] if EVERY else ["--constraint", str(ROOT / "constraints.txt")]
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--find-links", self.wheels]
        done = subprocess.run(
            [*command, *pins, *arguments], cwd=folder or self.folder, env=ENVIRONMENT, timeout=WAIT, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    def into(self, requirements: str) -> Future[Path]:
        """Install what a requirements.txt says into a folder that has nothing else, as a remote build does."""
        if requirements not in self._done:
            app = self.folder / f"installed{len(self._done)}"
            self._done[requirements] = self._pool.submit(self._into, app, requirements)
        return self._done[requirements]

    def _into(self, app: Path, requirements: str) -> Path:
        app.mkdir()
        (app / "requirements.txt").write_text(requirements, "utf-8")
        self.pip(self.bare, "--target", str(PACKAGES), "--requirement", "requirements.txt", folder=app)
        return app / PACKAGES

    @property
    def bare(self) -> str:
        """The interpreter that has nothing."""
        return str(self.folder / "bare" / "bin" / "python")

    def close(self) -> None:
        """Wait for what is being installed, and forget what is not yet."""
        self._pool.shutdown(cancel_futures=True)
