"""What is uploaded: the sdists, and the metadata that an index shows. What wheels hold: tests/contracts/test_wheels.py."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser

import pytest
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from trove_classifiers import classifiers

from tests.contracts.repository import DEVKIT, DISTRIBUTIONS, ROOT, SDK, Distribution, _generated
from tests.support.built import Built

pytestmark = pytest.mark.timeout(180)

OF_THE_BUILD = {".gitignore", "LICENSE", "PKG-INFO", "pyproject.toml"}
KILOBYTES = 150
"""The size that a wheel may have. The largest of a production install has 105 kB; the devkit, with its web UI, may have
three times that."""


def metadata(built: Built) -> Message:
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(wheel.read(name).decode())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_an_sdist_makes_the_same_wheel_as_the_tree(built: dict[str, Built], distribution: Distribution):
    """To the byte: who builds from source, as Linux distributions do, gets what everybody gets."""
    one = built[distribution.package]

    assert one.from_sdist.read_bytes() == one.wheel.read_bytes()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_an_sdist_holds_the_package_and_what_builds_it(built: dict[str, Built], distribution: Distribution):
    """No tests, no sister packages, nothing that happened to lie there."""
    one = built[distribution.package]
    with tarfile.open(one.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    package = {
        path.relative_to(distribution.path).as_posix()
        for path in distribution.source.rglob("*")
        if path.is_file() and not _generated(path.relative_to(ROOT))
    }
    changes = {"CHANGELOG.md"} if distribution == SDK else set()
    assert names == package | OF_THE_BUILD | changes | {distribution.project["readme"]}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_an_sdist_says_of_itself_what_its_wheel_says(built: dict[str, Built], distribution: Distribution):
    """Nothing of the metadata is found out by building, so that installers can decide before they build."""
    one = built[distribution.package]
    with tarfile.open(one.sdist) as archive:
        file = archive.extractfile(f"{one.sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        text = file.read().decode()

    assert sorted(Parser().parsestr(text).items()) == sorted(metadata(one).items())
    assert "Dynamic" not in text.partition("\n\n")[0]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_wheels_and_sdists_stay_small(built: dict[str, Built], distribution: Distribution):
    """An app takes its packages along to each new instance: what grows here is waited for there."""
    limit = KILOBYTES * 1000 * (3 if distribution == DEVKIT else 1)

    one = built[distribution.package]
    assert max(one.wheel.stat().st_size, one.sdist.stat().st_size) < limit


def test_all_files_have_one_version(built: dict[str, Built]):
    """In their names, where installers look, and inside."""
    version = SDK.project["version"]
    named = {re.match(r"[a-z_]+-([^-]+?)(-py3-none-any\.whl|\.tar\.gz)$", file.name).group(1)
             for one in built.values() for file in (one.wheel, one.sdist)}  # fmt: skip

    assert named | {metadata(one)["Version"] for one in built.values()} == {version}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_what_is_required_has_a_floor_and_no_cap(built: dict[str, Built], distribution: Distribution):
    """As built: also azure-functions, whose 2.x is what Python 3.13 has; and any Python from 3.10 on."""
    found = metadata(built[distribution.package])
    required = [Requirement(line) for line in found.get_all("Requires-Dist", [])]

    assert found["Requires-Python"] == ">=3.10"
    assert [str(one) for one in required if [part.operator for part in one.specifier] != [">="]] == []
    markers = {str(one.marker) for one in required if one.marker}
    assert markers == {f"extra == '{name}'".replace("'", '"') for name in found.get_all("Provides-Extra", [])}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_an_index_accepts_the_metadata(built: dict[str, Built], distribution: Distribution):
    """The name by which it is installed, a licence that tools can read, and classifiers that exist."""
    found = metadata(built[distribution.package])

    assert found["Name"] == f"azfunc-{distribution.package.replace('_', '-')}"
    assert (found["License-Expression"], found.get_all("License-File")) == ("MIT", ["LICENSE"])
    assert found["Description-Content-Type"] == "text/markdown"
    assert [one for one in found.get_all("Classifier") if one not in classifiers or one.startswith("License")] == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_a_readme_renders(built: dict[str, Built], distribution: Distribution):
    """It begins with its title, and has none of the HTML that an index takes out, and no link into a repository."""
    tokens = MarkdownIt().enable("table").parse(metadata(built[distribution.package]).get_payload())
    inline = [one for token in tokens for one in token.children or ()]
    links = [one.attrs.get("href") or one.attrs.get("src") for one in inline if one.type in ("link_open", "image")]

    assert (tokens[0].type, tokens[0].tag) == ("heading_open", "h1")
    assert not [one for one in (*tokens, *inline) if one.type.startswith("html_")]
    assert [link for link in links if not str(link).startswith(("https://", "#"))] == []
