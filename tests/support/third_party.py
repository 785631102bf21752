"""The sample `third_party_extension`, as a stranger would deploy it: its wheel and the sample app's requirements."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import wheelhouse
from tests.support.built import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.built import Built

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "third_party_extension"


def deployed(folder: Path, built: Mapping[str, Built]) -> Path:
    """Return a copy of the sample app with all that its requirements.txt names in `.python_packages`.

    That is what a remote build in Azure makes of it: plain pip, with `--target`.
    """
    wheels = wheelhouse.fill(folder / "wheels", built, "azfunc-ext-sdk")
    shutil.copytree(SAMPLE, folder / "sample", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    build({folder / "sample": wheels}, "wheel")
    app = folder / "app"
    shutil.copytree(SAMPLE / "sample_app", app)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(wheels), "--requirement",
         "requirements.txt", "--target", str(packages(app)), "--no-cache-dir"],
        cwd=app, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return app


def packages(app: Path) -> Path:
    """Return where the app's packages are, which a worker in Azure puts on the path."""
    return app / ".python_packages" / "lib" / "site-packages"
