"""The distributions' metadata: one version, floors and never caps, and pins that belong to no machine."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contracts.repository import DISTRIBUTIONS, PRODUCTION, ROOT, SDK, Distribution, report
from tests.contracts.test_imports import normal

PIN = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*( ; [a-zA-Z0-9_ <>=!.'*()]+)?")


def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def required(distribution: Distribution) -> list[str]:
    project = distribution.project
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    return [*project["dependencies"], *extras]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_all_distributions_have_one_version(distribution: Distribution):
    """A user who has one number knows what fits together."""
    assert distribution.project["version"] == SDK.project["version"], (
        f"Set the root's version in {distribution.folder}."
    )


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_the_sisters_are_required_from_this_version_on(distribution: Distribution):
    """They are released together, and tested only together."""
    sisters = [line for line in required(distribution) if line.startswith("azfunc-ext-")]

    wrong = [line for line in sisters if not line.endswith(f">={SDK.project['version']}")]

    assert not wrong, report(f"Write >={SDK.project['version']} in {distribution.folder}/pyproject.toml:", wrong)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_dependency_has_a_floor_and_never_a_cap(distribution: Distribution):
    """A cap in a library makes installs impossible that would have worked."""
    wrong = [
        line for line in required(distribution) if not re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?>=[0-9][0-9a-z.]*", line)
    ]

    assert not wrong, report(f"Write name>=version, alone, in {distribution.folder}/pyproject.toml:", wrong)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_every_distribution_runs_on_the_same_pythons(distribution: Distribution):
    """3.10 and later, no upper bound, and the classifiers name what is tested."""
    project = distribution.project

    assert project["requires-python"] == ">=3.10"
    assert project["classifiers"] == SDK.project["classifiers"], (
        f"Copy the root's classifiers to {distribution.folder}."
    )


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_metadata_names_the_licence_and_describes_the_distribution(distribution: Distribution):
    """What an index shows about it."""
    project: dict[str, Any] = distribution.project

    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    assert project["description"].endswith(".")


@pytest.mark.parametrize("distribution", PRODUCTION, ids=str)
def test_a_production_install_is_small(distribution: Distribution):
    """What goes into a function app has at most four direct dependencies, and no marker to go wrong in a remote build."""
    lines = distribution.project["dependencies"]

    assert len(lines) <= 4, lines
    assert not [line for line in lines if ";" in line], "Remote builds may run another Python: no environment markers."


def test_every_line_of_the_constraints_pins_one_version():
    """name==version, with a marker where Pythons differ: no ranges, hashes, hosts, folders or options."""
    wrong = [line for line in pins() if not PIN.fullmatch(line)]

    assert not wrong, report("Renew constraints.txt as CONTRIBUTING.md says, these lines are no pins:", wrong)


def test_the_constraints_pin_everything_that_is_asked_for():
    """An unpinned tool changes under our feet."""
    pinned = {line.partition("==")[0] for line in pins()}
    development = (ROOT / "requirements-dev.txt").read_text("utf-8").splitlines()
    asked = [line for line in development if line and not line.startswith("#")]
    asked += [line for distribution in DISTRIBUTIONS for line in required(distribution)]

    names = {normal(re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0]) for line in asked}
    missing = sorted(name for name in names - pinned if not name.startswith("azfunc-ext-"))

    assert not missing, report("Renew constraints.txt as CONTRIBUTING.md says, these are not pinned:", missing)
