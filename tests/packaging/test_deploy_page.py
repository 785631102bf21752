"""docs/how-to/deploy-to-azure.md, followed from top to bottom in an empty folder; and what it says of sizes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.contracts.repository import ROOT
from tests.packaging.pythons import ENVIRONMENT, EVERY, Installer
from tests.support.docs import DOCS
from tests.support.once import once

pytestmark = pytest.mark.timeout(300)

PAGE = (DOCS / "how-to" / "deploy-to-azure.md").read_text("utf-8")
OF_AZURE = ("func ", "az ")
"""The commands that need an account: they are left out."""

ROWS = re.findall(r"^\| `(az[^`]+)` \| ([\d.]+) \|$", PAGE, re.MULTILINE)


def steps() -> list[tuple[str, str]]:
    """Return in the page's order each file, as its name and text, and each command, as nothing and its line."""
    found = []
    for token in MarkdownIt().parse(PAGE):
        if token.type != "fence":
            continue
        if token.info == "console":
            joined = token.content.replace("\\\n", " ").splitlines()
            found += [("", line.removeprefix("$ ")) for line in joined]
        else:
            caption, _, text = token.content.partition("\n\n")
            found.append((caption.removeprefix(":caption: "), text))
    return found


@pytest.fixture(scope="module")
def followed(installer) -> tuple[Path, dict[str, str]]:
    """The app's folder when a reader whose app has this Python has come to the end, and what each command printed."""
    page = once(installer.folder / "page", lambda folder: follow(installer, folder))
    return page / "app", json.loads((page / "printed.json").read_text("utf-8"))


def follow(installer: Installer, folder: Path) -> None:
    app = folder / "app"
    shutil.copytree(installer.wheels, app / "wheels", ignore=shutil.ignore_patterns("*.gz", "*devkit*"))
    python = Path(installer.environment("with-pip", ["pip"]))
    pins = {} if EVERY else {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    environment = {**ENVIRONMENT, **pins, "PATH": f"{python.parent}:{ENVIRONMENT['PATH']}"}
    printed = {}
    for name, text in steps():
        if name:
            (app / name).write_text(text, "utf-8")
        elif not text.startswith(OF_AZURE):
            line = text.replace("--python-version 3.12", f"--python-version {installer.version}")
            done = subprocess.run(
                ["bash", "-c", line], cwd=app, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
            printed[text] = done.stdout
    (folder / "printed.json").write_text(json.dumps(printed), "utf-8")


def test_what_was_installed_is_listed_with_what_it_required(followed):
    _, printed = followed

    (listed,) = (text for command, text in printed.items() if "pip list" in command)
    names = {line.split()[0] for line in listed.splitlines()[2:]}
    assert {"azure-functions", "azfunc-ext-opentelemetry", "azfunc-ext-sdk", "requests", "opentelemetry-sdk"} <= names


def test_pins_name_every_package_by_its_version(followed):
    """Those from the folder of wheels too: no path, which would be of one machine."""
    app, _ = followed

    lines = (app / "constraints.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+]+", line)] == []
    assert "azfunc-ext-sdk" in {line.partition("==")[0] for line in lines}


def test_packages_chosen_for_a_platform_are_for_that_one(followed, installer):
    """What has compiled parts is of the Python and the system that were named."""
    app, _ = followed

    compiled = {path.name.partition(".")[2] for path in (app / ".python_packages").rglob("*.so")}
    named = f"cpython-{installer.version.replace('.', '')}-x86_64-linux-gnu.so"
    assert {name for name in compiled if "abi3" not in name} == {named}


def test_the_imports_that_took_longest_are_ours_to_see(followed):
    _, printed = followed

    (longest,) = (text for command, text in printed.items() if command.startswith("sort"))
    assert "function_app" in longest.splitlines()[-1]


def test_a_size_is_told_for_each_distribution_of_a_function_app():
    assert len(ROWS) == 9


@pytest.mark.parametrize(("requirement", "told"), ROWS)
def test_a_requirement_adds_about_what_the_page_says(pool, requirement, told):
    """To a third: releases and Pythons differ."""
    size = sum(path.stat().st_size for path in pool.view(requirement).rglob("*") if path.is_file()) / 1e6

    assert size == pytest.approx(float(told), rel=1 / 3)
