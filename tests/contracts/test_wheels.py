"""What a user installs: each wheel is built from a copy of the repository and opened."""

from __future__ import annotations

import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.contracts.repository import DISTRIBUTIONS, ROOT, SDK, Distribution, _generated
from tests.support.built import Built

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def wheels(built: dict[str, Built]) -> dict[Distribution, Path]:
    """Each distribution's wheel, built with the pinned hatchling and without network."""
    return {distribution: built[distribution.package].wheel for distribution in DISTRIBUTIONS}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_wheel_holds_its_package_and_nothing_else(wheels: dict[Distribution, Path], distribution: Distribution):
    """No tests, samples, sister packages or stray files; and no file of the package is missing."""
    names = zipfile.ZipFile(wheels[distribution]).namelist()
    package = {name for name in names if ".dist-info/" not in name}
    files = (path for path in distribution.source.rglob("*") if path.is_file())
    expected = {
        path.relative_to(distribution.path).as_posix() for path in files if not _generated(path.relative_to(ROOT))
    }

    assert package == expected
    assert {name.partition("/")[0] for name in names} == {distribution.package, info(distribution)}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_wheel_is_pure_python(wheels: dict[Distribution, Path], distribution: Distribution):
    """One wheel for every Python and system, since the build machine of a remote build is not the one that runs."""
    assert wheels[distribution].name.endswith("-py3-none-any.whl")


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_wheel_carries_licence_readme_and_marker(wheels: dict[Distribution, Path], distribution: Distribution):
    """Also what tells type checkers that it is typed."""
    wheel = zipfile.ZipFile(wheels[distribution])
    metadata = Parser().parsestr(wheel.read(f"{info(distribution)}/METADATA").decode())

    assert wheel.read(f"{info(distribution)}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert f"{distribution.package}/py.typed" in wheel.namelist()
    assert (
        str(metadata.get_payload()).strip()
        == (distribution.path / distribution.project["readme"]).read_text("utf-8").strip()
    )


def test_only_the_devkit_brings_a_command(wheels: dict[Distribution, Path]):
    """A function app gets no console script, and no entry point that a deployment could lose."""
    with_entry_points = [
        distribution.package
        for distribution, wheel in wheels.items()
        if f"{info(distribution)}/entry_points.txt" in zipfile.ZipFile(wheel).namelist()
    ]

    assert with_entry_points == ["ext_devkit"]


def info(distribution: Distribution) -> str:
    return f"{distribution.project['name'].replace('-', '_')}-{SDK.project['version']}.dist-info"
