"""What `azfunc-ext new` writes is green as it stands: linter, formatter, types, tests, build, workflow."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from ext_devkit.scaffold import LEVELS, LICENSES, Names, Package, files, write
from ext_devkit.scaffold.names import LONGEST
from tests.contracts.repository import tomllib

pytestmark = pytest.mark.timeout(180)

AUTHOR = 'Ada "the first" Løvelace \\'
LONG = "b" * LONGEST
"""The longest name that there can be, which makes the longest lines."""


def package(level: str = "app", name: str = "my-extension", **more: str) -> Package:
    return Package(Names(name), level=level, author=AUTHOR, year=2026, email="ada@example.com", **more)


@pytest.fixture(scope="module", params=[(level, name) for level in LEVELS for name in ("my-extension", LONG)], ids=str)
def written(request, tmp_path_factory) -> Path:
    level, name = request.param
    folder = tmp_path_factory.mktemp("new") / "package"
    write(files(package(level, name)), folder)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def succeeds(folder: Path, *arguments: str) -> str:
    """Run a module of Python in the folder, as if the package were installed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_linter_and_the_formatter_find_nothing(written: Path):
    succeeds(written, "ruff", "check", "--no-cache", ".")
    succeeds(written, "ruff", "format", "--no-cache", "--check", ".")


HOOK = '''

class Further(AppExtension):
    """Another one, with a hook that uses nothing of what it is called with."""

    @classmethod
    def post_invocation_app_level(
        cls, logger: logging.Logger, context: Context, func_args: dict[str, object], func_ret: object
    ) -> None:
        """Run after the function."""
'''


def test_the_linter_lets_a_hook_take_all_that_it_is_called_with(tmp_path: Path):
    made = files(package())
    made["src/my_extension/extension.py"] += HOOK
    write(made, tmp_path / "package")

    succeeds(tmp_path / "package", "ruff", "check", "--no-cache", "--ignore", "F821", ".")


def test_the_types_are_right(written: Path, cache: Path):
    assert "in 5 source files" in succeeds(written, "mypy", "--cache-dir", str(cache))


def test_its_tests_pass(written: Path):
    assert " passed" in succeeds(written, "pytest", "-p", "no:cacheprovider")


@pytest.mark.parametrize("target", package("both").targets)
def test_each_extension_conforms(target: str, tmp_path: Path):
    """The workflow asks for that. The extension of `--level app` is checked by the tutorial."""
    write(files(package("both")), tmp_path / "package")

    assert f"{target} conforms" in succeeds(tmp_path / "package", "ext_devkit", "check", target)


def test_it_is_built_with_all_that_belongs_to_it(written: Path, tmp_path: Path):
    succeeds(written, "build", "--no-isolation", "--outdir", str(tmp_path), ".")

    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    assert wheel.name.endswith("-0.1.0-py3-none-any.whl")
    in_wheel = {name.partition("/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"__init__.py", "extension.py", "py.typed", "licenses/LICENSE"} <= in_wheel
    with tarfile.open(source) as archive:
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "tests/test_extension.py", "sample_app/function_app.py"} <= in_source


@pytest.mark.parametrize("licence", LICENSES)
def test_it_can_be_built_with_each_licence(licence: str, tmp_path: Path):
    write(files(package(license=licence, description='Says "no" \\ twice.')), tmp_path / "package")

    succeeds(tmp_path / "package", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), ".")

    (wheel,) = tmp_path.glob("*.whl")
    opened = zipfile.ZipFile(wheel)
    (metadata,) = (opened.read(name).decode() for name in opened.namelist() if name.endswith("/METADATA"))
    assert f"License-Expression: {licence}\n" in metadata
    assert 'Summary: Says "no" \\ twice.\n' in metadata


def test_nothing_is_left_to_fill_in():
    for level in LEVELS:
        for licence in LICENSES:
            for name, text in files(package(level, license=licence)).items():
                assert "<<" not in text, name
                assert "TODO" not in text, name


@pytest.mark.parametrize("level", LEVELS)
def test_the_workflow_tests_on_every_python_and_publishes_what_it_has_tested(level: str):
    made = package(level)
    workflow = yaml.safe_load(files(made)[".github/workflows/ci.yml"])
    test, build, publish = (workflow["jobs"][name] for name in ("test", "build", "publish"))

    assert test["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    commands = [step["run"] for step in test["steps"] if "run" in step]
    checks = [f"azfunc-ext check {target}" for target in made.targets]
    assert commands[1:] == ["ruff check .", "ruff format --check .", "mypy", "pytest", *checks]
    assert (build["needs"], publish["needs"]) == ("test", "build")
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["if"] == "startsWith(github.ref, 'refs/tags/v')"


def test_it_asks_for_this_version_of_the_sdk():
    """A release that is made for the next one must not forget it."""
    project = tomllib.loads(files(package())["pyproject.toml"])["project"]
    ours = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    assert project["dependencies"] == [f"azfunc-ext-sdk>={ours}"]
    assert f"azfunc-ext-devkit>={ours}" in project["optional-dependencies"]["dev"]
    assert project["authors"] == [{"name": AUTHOR, "email": "ada@example.com"}]
