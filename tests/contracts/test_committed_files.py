"""What is committed belongs to everybody: no machine's paths, no package registry's host."""

from __future__ import annotations

import re

from tests.contracts.repository import ROOT, committed_files, report

REGISTRIES = re.compile(
    r"(?i)--(?:extra-)?index-url[ =]|https?://[^\s/\"']*(?:pyp[i]|pythonhoste[d]|artifactor[y]|jfro[g]|nexu[s]|devp[i])"
)
MACHINES = re.compile(r"(?<![\w.})/-])/(?:work/|opt/lab|root/|Users/\w|home/(?!site/|you/)\w)|[A-Z]:\\Users")


def test_no_committed_file_names_a_package_registry():
    """Where packages come from is the business of each machine's pip, not of the repository."""
    wrong = places(REGISTRIES)

    assert not wrong, report("Take the registry's address out of these lines:", wrong)


def test_no_committed_file_names_a_path_of_a_development_machine():
    """Such a path works on one machine alone, and tells who worked there."""
    wrong = places(MACHINES)

    assert not wrong, report("Write these paths relative to the repository:", wrong)


def places(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in committed_files():
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    return found


def test_the_patterns_know_what_they_look_for():
    """A pattern that finds nothing anywhere would keep no promise."""
    host = "https://" + "pypi" + ".org/simple"
    folder = "/" + "root/checkout"

    assert REGISTRIES.search("--extra-index" + "-url=host")
    assert REGISTRIES.search(host)
    assert MACHINES.search(f"open('{folder}')")
    assert not MACHINES.search("the app's folder is /home/site/wwwroot")
    assert not REGISTRIES.search("uv pip compile --no-emit-index-url")
