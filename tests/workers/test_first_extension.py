"""The tutorial "Your first extension", followed to the letter in an empty folder.

It is here since this folder's tests are those that run on each Python: the wheel that the tutorial ends with has to
conform on those of the classic worker and on those of the library runtimes.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support import wheelhouse
from tests.support.built import Built
from tests.support.docs import DOCS
from tests.support.reader import Reader, clean_environment

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


def test_the_tutorial_ends_with_a_wheel_whose_extension_conforms(tmp_path: Path, built: dict[str, Built]):
    """That it conforms is what the tutorial's last command says, and what the page shows of it."""
    wheels = wheelhouse.fill(
        tmp_path / "wheels", built, "azfunc-ext-devkit", "hatchling", "editables", "build", "mypy", "pytest", "ruff"
    )
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_NO_CACHE_DIR": "1"}

    with Reader(tmp_path / "reader", clean_environment() | index) as reader:
        reader.follow(DOCS / "tutorial" / "your-first-extension.md")
        wheel = reader.path("dist/order_watch-0.1.0-py3-none-any.whl")

    with zipfile.ZipFile(wheel) as opened:
        assert b"failures: bool = False" in opened.read("order_watch/extension.py")
