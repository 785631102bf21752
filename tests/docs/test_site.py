"""The built documentation: complete, and self-contained."""

import dataclasses
import importlib
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ext_sdk import AppExtension, FuncExtension
from tests.support.docs import DOCS

PACKAGES = ("ext_sdk", "ext_appinsights", "ext_opentelemetry", "ext_opencensus", "ext_timing", "ext_telemetry")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Build the documentation as `make docs` does, elsewhere; return where, and what sphinx complained about."""
    out = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "-b", "html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", str(out / ".doctrees"), str(DOCS), str(out)],
        capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    return out, done.stderr + (f"sphinx ended with status {done.returncode}" if done.returncode else "")


@pytest.fixture(scope="module")
def site(build: tuple[Path, str]) -> Path:
    """Return the folder of the built pages."""
    return build[0]


def test_it_builds_without_a_warning(build: tuple[Path, str]):
    """A link that leads nowhere is a warning, and so is a name in a docstring that does not exist."""
    assert build[1] == "", f"Mend what sphinx names:\n{build[1]}"


def test_options_keep_their_two_hyphens(site: Path):
    """Who copies a command from a page must not get a dash."""
    dashes = [page.name for page in site.rglob("*.html") if re.search("(?<!\\w)\u2013[a-z]", page.read_text("utf-8"))]

    assert dashes == []


@pytest.fixture(scope="module")
def documented(site: Path) -> set[str]:
    """Return the full names of all Python objects that the reference describes."""
    # Four lines of text, then a compressed list: name, domain:role, priority, place, title.
    listed = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    return {words[0] for line in listed.splitlines() if (words := line.split(" ", 2))[1].startswith("py:")}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str, documented: set[str]):
    """Under the name by which users import it."""
    names = importlib.import_module(package).__all__

    missing = [f"{package}.{name}" for name in names if f"{package}.{name}" not in documented]

    assert not missing, f"Add autoclass, autofunction or automodule directives to docs/reference/ for: {missing}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_setting_is_in_the_reference(package: str):
    """By its name, in code letters, on a page of the reference."""
    text = "\n".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))

    missing = [f"{owner}.{name}" for owner, name in settings(package) if not re.search(rf"`{name}\b", text)]

    assert not missing, f"Describe these settings in docs/reference/, each as `name`: {missing}"


def settings(package: str) -> list[tuple[str, str]]:
    module = importlib.import_module(package)
    classes = (getattr(module, name) for name in module.__all__)
    extensions = [c for c in classes if isinstance(c, type) and issubclass(c, (AppExtension, FuncExtension))]
    declared = [(c.__name__, vars(c).get("Settings")) for c in extensions]
    return [(owner, field.name) for owner, shape in declared if shape for field in dataclasses.fields(shape)]


class Resources(HTMLParser):
    """Collects what a browser would fetch by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = {"script": "src", "img": "src", "iframe": "src", "object": "data", "link": "href"}.get(tag, "")
        if value := values.get(name):
            self.found.append(value)


def test_a_page_loads_nothing_from_elsewhere(site: Path):
    """No font, script, style or image comes over the network: the pages can be read offline, and nobody is counted."""
    foreign = []
    for page in site.rglob("*.html"):
        resources = Resources()
        resources.feed(page.read_text("utf-8"))
        foreign += [f"{page.name}: {url}" for url in resources.found if url.startswith(("http:", "https:", "//"))]
    for sheet in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        foreign += [
            f"{sheet.name}: {url}"
            for url in re.findall(r"url\([\"']?((?:https?:)?//[^)\"']+)", sheet.read_text("utf-8"))
        ]

    assert not foreign, f"Serve these from docs/_static/ or do without: {foreign}"


def test_every_page_is_reachable(site: Path):
    """Each room's table of contents finds its pages by itself."""
    written = {
        page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md") if "_build" not in page.parts
    }
    built = {page.relative_to(site).with_suffix("").as_posix() for page in site.rglob("*.html")}

    assert written <= built


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_links_of_the_repositorys_front_pages_lead_somewhere(name: str):
    """They are no part of the site, whose builder looks at the links of all else."""
    page = DOCS.parent / name
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))

    assert [one for one in links if "://" not in one and not (page.parent / one).exists()] == []
