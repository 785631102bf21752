"""`samples/third_party_extension`: what `azfunc-ext new` writes and a few lines more; its wheel, under the local host."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ext_devkit.scaffold import Names, Package, files
from tests.support.host import RunningHost, request
from tests.support.third_party import SAMPLE, deployed, packages

pytestmark = pytest.mark.timeout(180)

OWN_LINES = {
    "README.md": 2,
    "src/slow_calls/extension.py": 15,
    "sample_app/function_app.py": 8,
    "tests/test_sample_app.py": 8,
}
"""The most lines that the sample has beyond what the scaffold writes."""


def scaffold() -> dict[str, str]:
    return files(
        Package(
            Names("slow-calls"), author="Ada Lovelace", email="ada@example.com", year=2026,
            description="Warns of calls of Azure Functions that take too long, and counts them.",
        )
    )  # fmt: skip


def listed() -> set[str]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=SAMPLE, capture_output=True, check=True,
    )  # fmt: skip
    return {name for name in done.stdout.decode().split("\0") if name}


def test_it_has_the_files_that_the_scaffold_writes():
    assert listed() == set(scaffold())


@pytest.mark.parametrize("name", scaffold())
def test_a_file_is_what_the_scaffold_writes_and_its_own_few_lines(name: str):
    """Nothing that the scaffold writes is taken out or changed: all that differs is more."""
    written, there = scaffold()[name].splitlines(), (SAMPLE / name).read_text("utf-8").splitlines()

    differences = [line for line in difflib.ndiff(written, there) if line[0] in "+-"]
    gone = [line for line in differences if line[0] == "-"]
    assert gone == (["- from collections.abc import Generator"] if name == "src/slow_calls/extension.py" else [])
    assert len(differences) - len(gone) <= OWN_LINES.get(name, 0), "\n".join(differences)


def test_its_own_tests_pass():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=SAMPLE,
        env=os.environ | {"PYTHONPATH": "src"}, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_its_wheel_runs_under_the_local_host(tmp_path: Path, built):
    app = deployed(tmp_path, built)

    with RunningHost(app, "--insights", "off", PYTHONPATH=str(packages(app))) as host:
        assert request(f"{host.url}/api/fast").body == b"at once"
        assert request(f"{host.url}/api/slow").body == b"at last"
        assert "ms, more than 100" in host.wait_for("slow took")
        assert json.loads(request(f"{host.url}/api/counted").body) == {"slow": 1}
