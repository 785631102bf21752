"""The Pythons of this machine, and what gets installed for each of them: by plain pip, as Azure's remote build does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.repository import ROOT
from tests.support.once import once

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
    if not interpreter:
        return False
    code = f"import sys; sys.exit('3.%d' % sys.version_info[1] != '{version}')"
    return subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0


class Installer:
    """Installs for one Python, each thing once, below a folder that all processes of a run share."""

    def __init__(self, version: str, folder: Path, wheels: Path) -> None:
        self.version, self.folder, self.wheels = version, folder, wheels
        folder.mkdir(exist_ok=True)

    def environment(self, name: str, *installs: list[str]) -> str:
        """Return the interpreter of a virtual environment that has what these calls of pip install, and nothing else."""

        def make(folder: Path) -> None:
            subprocess.run([find(self.version), "-m", "venv", "--without-pip", folder], check=True)
            for arguments in installs:
                self.pip(_interpreter(folder), *arguments)

        return _interpreter(once(self.folder / name, make))

    @property
    def bare(self) -> str:
        """The interpreter of an environment with nothing in it."""
        return self.environment("bare")

    def packages(self, requirements: str) -> Path:
        """Return a folder with what a requirements.txt asks for, installed as a remote build does, and nothing else."""

        def make(app: Path) -> None:
            app.mkdir()
            (app / "requirements.txt").write_text(requirements, "utf-8")
            self.pip(self.bare, "--target", str(PACKAGES), "--requirement", "requirements.txt", folder=app)

        name = hashlib.sha256(requirements.encode()).hexdigest()[:12]
        return once(self.folder / name, make) / PACKAGES

    def pip(self, python: str, *arguments: str, folder: Path | None = None) -> None:
        """Run `pip install` for an interpreter. Our wheels are in a folder, all else comes from where pip is told."""
        pins = [] if EVERY else ["--constraint", str(ROOT / "constraints.txt")]
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--find-links", self.wheels]
        done = subprocess.run(
            [*command, *pins, *arguments], cwd=folder or self.folder, env=ENVIRONMENT, timeout=WAIT, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def _interpreter(environment: Path) -> str:
    return str(environment / "bin" / "python")
