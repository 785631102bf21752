"""The doctor is right on small apps, healthy and ill: it finds what is there, where it is, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ext_devkit.doctor import diagnose
from ext_devkit.doctor.rules import GROUPS, RULES
from tests.doctor.bundles import Bundle, bundles

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SEEN_BY_RUNNING = {rule.id for rule in GROUPS["What only --run sees"]}


@pytest.mark.parametrize("bundle", bundles(), ids=lambda bundle: bundle.name)
def test_an_app_gets_exactly_its_findings(bundle: Bundle, tmp_path: Path):
    app = bundle.write(tmp_path)

    report = diagnose(
        app,
        python=None if bundle.asks_files_for_python else bundle.python,
        environment={},
        settings=app / bundle.settings if bundle.settings else None,
    )

    found = [(one.rule.severity, one.rule.id, one.place) for one in report.findings]
    assert sorted(found) == sorted(bundle.expected), "\n".join(f"{one.place}: {one.reason}" for one in report.findings)


@pytest.mark.parametrize(
    "sample", [path.parent for path in sorted(SAMPLES.glob("**/host.json"))], ids=lambda path: path.name
)
@pytest.mark.parametrize("python", [(3, 11), (3, 13)], ids=["3.11", "3.13"])
def test_the_samples_are_healthy(sample: Path, python: tuple[int, int]):
    """They leave versions to the wheels beside them, and the connection string to `azfunc-ext run`: that is remarked."""
    report = diagnose(sample, python=python, environment={})

    assert {one.rule.id for one in report.findings} <= {"requirements-unpinned", "connection-string-missing"}


def test_every_finding_has_an_app_that_gets_it():
    expected = {words[1] for bundle in bundles() for words in bundle.expected}

    assert expected | SEEN_BY_RUNNING == RULES.keys()


def test_there_are_healthy_apps_among_them():
    """What is right must not be reported: at least as many as eight apps have no warning and no error."""
    healthy = [one for one in bundles() if all(words[0] == "info" for words in one.expected)]

    assert len(healthy) >= 8
    assert len(bundles()) >= 20


def test_nothing_of_an_app_is_imported(tmp_path: Path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", "utf-8")
    before = set(sys.modules)

    diagnose(app, environment={})

    assert not (tmp_path / "ran").exists()
    assert "function_app" not in set(sys.modules) - before
