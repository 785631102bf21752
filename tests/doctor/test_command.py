"""`azfunc-ext doctor` on the command line: text for people, JSON for programs, an exit status for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ext_devkit.cli import main
from tests.doctor.bundles import APPS, read


def doctor(*arguments: str | Path) -> Result:
    return CliRunner(env={"APPLICATIONINSIGHTS_CONNECTION_STRING": None}).invoke(main, ["doctor", *map(str, arguments)])


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return read(APPS / f"{request.param}.txt").write(tmp_path)


@pytest.mark.parametrize("app", ["healthy_plain_v2"], indirect=True)
def test_a_healthy_app(app: Path):
    done = doctor(app, "--fail-on", "info", "--python", "3.13")

    assert done.exit_code == 0
    assert done.output == (
        "healthy_plain_v2: v2 model, Python 3.13 (--python)\nFunctions: hello\nExtensions: none\n\nNothing was found.\n"
    )


@pytest.mark.parametrize("app", ["no_settings"], indirect=True)
def test_findings_for_people(app: Path):
    done = doctor(app, "--python", "3.11")

    assert done.exit_code == 0
    assert done.output.endswith(
        "info settings-unknown  local.settings.json\n"
        "    There is no local.settings.json, so findings about app settings are left out. The app settings\n"
        "    could not be looked at.\n"
        "    Fix: Give the app settings: az functionapp config appsettings list > settings.json, then\n"
        "    --settings settings.json.\n"
        "    See: docs/reference/doctor.md#settings-unknown\n"
        "\n"
        "Found 2 info.\n"
    )


@pytest.mark.parametrize("app", ["official_on_313"], indirect=True)
def test_findings_for_programs(app: Path):
    done = doctor(app, "--json", "--python", "3.13")

    report = json.loads(done.output)
    assert done.exit_code == 1
    assert report["counts"] == {"error": 1, "warning": 0, "info": 0}
    assert (report["model"], report["extensions"], report["functions"]) == ("v2", ["Stamp"], ["hello"])
    assert report["loaded"] is None
    assert report["findings"] == [
        {
            "id": "official-not-called",
            "severity": "error",
            "place": "function_app.py:4",
            "reason": "Stamp runs on no worker of Python 3.13.",
            "fix": "Import ext_sdk in the app, or any package of ours, which then calls it.",
            "docs": "docs/explanation/workers.md#extensions-of-the-official-kind",
        }
    ]


@pytest.mark.parametrize(("severity", "status"), [("error", 0), ("warning", 1), ("info", 1)])
@pytest.mark.parametrize("app", ["handlers_taken"], indirect=True)
def test_from_which_severity_on_it_fails(app: Path, severity: str, status: int):
    assert doctor(app, "--fail-on", severity).exit_code == status


@pytest.mark.parametrize("app", ["azure_settings"], indirect=True)
def test_what_is_missing_in_azure_is_a_warning(app: Path):
    done = doctor(app, "--settings", app / "azure.json", "--fail-on", "warning")

    assert done.exit_code == 1
    assert "warning no-destination  azure.json" in done.output


@pytest.mark.parametrize("app", ["connection_string_missing"], indirect=True)
def test_an_environment_variable_counts(app: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXT_OPENTELEMETRY_SAMPLING_RATIO", "2")

    done = doctor(app)

    assert done.exit_code == 1
    assert "error bad-app-setting  environment" in done.output
    said = " ".join(done.output.split())
    assert "EXT_OPENTELEMETRY_SAMPLING_RATIO is '2'. Allowed: a number from 0 to 1." in said


def test_a_secret_is_not_repeated(tmp_path: Path):
    app = read(APPS / "connection_string_malformed.txt").write(tmp_path)
    file = app / "function_app.py"
    file.write_text(file.read_text("utf-8").replace("0000-", "5ec2-"), "utf-8")

    assert "5ec2" not in doctor(app).output


def test_no_folder(tmp_path: Path):
    done = doctor(tmp_path / "gone")

    assert done.exit_code == 2
    assert "there is no folder" in done.output


def test_no_function_app(tmp_path: Path):
    done = doctor(tmp_path)

    assert done.exit_code == 2
    assert (
        "is no function app: it has neither function_app.py (v2 model) nor a folder with function.json" in done.output
    )


@pytest.mark.parametrize("app", ["healthy_plain_v2"], indirect=True)
@pytest.mark.parametrize(("text", "said"), [("{", "cannot be read"), ("3", "expected what `az functionapp")])
def test_settings_that_cannot_be_read(app: Path, text: str, said: str):
    (app / "azure.json").write_text(text, "utf-8")

    done = doctor(app, "--settings", app / "azure.json")

    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize("app", ["healthy_plain_v2"], indirect=True)
def test_a_version_that_is_none(app: Path):
    done = doctor(app, "--python", "three")

    assert done.exit_code == 2
    assert "'three' is no version of Python. Write it as 3.13." in done.output
