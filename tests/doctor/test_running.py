"""`--run`: what only the loaded app shows."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import azure.functions
import pytest

from ext_devkit.doctor import Report, diagnose
from ext_devkit.doctor.report import lines
from tests.doctor.bundles import APPS, read

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SECONDS = 50.0

APP = """
import azure.functions as func
{}
app = func.FunctionApp()


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""


def run(folder: Path, top: str = "", seconds: float = SECONDS, settings: Path | None = None, **files: str) -> Report:
    app = read(APPS / "healthy_plain_v2.txt").write(folder)
    for name, text in {"function_app": APP.format(top), **files}.items():
        (app / f"{name}.py").write_text(text, "utf-8")
    (app / "requirements.txt").write_text("-e .\n", "utf-8")
    return diagnose(app, environment={}, settings=settings, run_seconds=seconds)


def own_packages(app: Path) -> Path:
    """Give an app a .venv, and return the folder of its packages."""
    venv.create(app / ".venv", symlinks=True)
    (packages,) = (app / ".venv").glob("lib/python*/site-packages")
    return packages


def found(report: Report) -> list[tuple[str, str]]:
    return [(one.rule.id, one.place) for one in report.findings]


def test_a_sample_is_healthy_when_it_is_loaded():
    report = diagnose(SAMPLES / "all_v2", environment={}, run_seconds=SECONDS)

    assert report.loaded is not None
    assert set(report.extensions) <= set(report.loaded.active)
    assert {one.rule.id for one in report.findings} == {"requirements-unpinned", "connection-string-missing"}


def test_an_app_that_cannot_be_loaded(tmp_path: Path):
    report = run(tmp_path, "import no_such_module")

    assert found(report) == [("import-fails", "function_app.py")]
    assert "function_app.py:3: the module 'no_such_module' is not installed." in report.findings[0].reason


def test_an_app_that_ends_the_process(tmp_path: Path):
    report = run(tmp_path, "import os, sys; sys.stderr.write('out of luck'); sys.stderr.flush(); os._exit(7)")

    assert found(report) == [("import-fails", "function_app.py")]
    assert report.findings[0].reason == "the process ended with status 7: out of luck"


def test_an_app_that_hangs(tmp_path: Path):
    report = run(tmp_path, "import threading; threading.Event().wait()", seconds=1)

    assert found(report) == [("import-hangs", "function_app.py")]
    assert report.findings[0].reason == "It was ended after 1 s."


def test_what_an_app_prints_does_no_harm(tmp_path: Path):
    report = run(tmp_path, "print('{')")

    assert found(report) == []
    assert report.loaded is not None
    assert report.loaded.functions == ["hello"]


def test_an_extension_that_did_not_start(tmp_path: Path):
    failing = """
from ext_sdk import AppExtension


class Failing(AppExtension):
    @classmethod
    def init(cls):
        raise ValueError("no room")
"""
    report = run(tmp_path, "import failing", failing=failing)

    assert found(report) == [("not-active", "failing.py:5"), ("said-at-load", "function_app.py")]
    assert "Failing.init() failed, so the extension is not active" in report.findings[1].reason


def test_a_setting_that_only_the_extensions_own_check_refuses(tmp_path: Path):
    """It is read at the first call, which in production is somebody's."""
    picky = """
from dataclasses import dataclass
from ext_sdk import AppExtension


class Picky(AppExtension):
    @dataclass
    class Settings:
        limit: int = 1

        def __post_init__(self):
            if self.limit < 1:
                raise ValueError(f"setting 'limit' is {self.limit}. Allowed: 1 or more.")
"""
    settings = tmp_path / "settings.json"
    settings.write_text('{"FUNCTIONS_WORKER_RUNTIME": "python",\n"EXT_PICKY_LIMIT": "0"}')

    report = run(tmp_path, "import picky", picky=picky, settings=settings)

    assert found(report) == [("bad-app-setting", "settings.json:2")]
    assert report.findings[0].reason == "Picky: app setting EXT_PICKY_LIMIT is 0. Allowed: 1 or more."


def test_a_handler_that_a_library_adds(tmp_path: Path):
    handler = """
import logging


class Handler(logging.NullHandler):
    __module__ = "opentelemetry.sdk._logs"


logging.getLogger().addHandler(Handler())
"""
    report = run(tmp_path, "import handler", handler=handler)

    assert found(report) == [("logs-twice", "function_app.py")]
    assert "opentelemetry.sdk._logs.Handler" in report.findings[0].reason


@pytest.mark.parametrize("how", ["import page_tools", "from page_tools import anything"])
def test_an_extension_of_somebodys_package_is_found_without_loading(tmp_path: Path, how: str):
    app = read(APPS / "healthy_plain_v2.txt").write(tmp_path)
    package = app / ".python_packages/lib/site-packages/page_tools"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from page_tools.inner import Page, anything\n", "utf-8")
    (package / "inner.py").write_text("import ext_sdk\nclass Page(ext_sdk.AppExtension): ...\nanything = 1\n", "utf-8")
    (app / "function_app.py").write_text(APP.format(how), "utf-8")

    assert diagnose(app, environment={}).extensions == ["Page"]


def test_the_apps_own_virtual_environment_loads_it_without_the_devkit_in_it(tmp_path: Path):
    packages = own_packages(tmp_path / "healthy_plain_v2")
    (packages / "azure").mkdir()
    (packages / "azure" / "functions").symlink_to(Path(azure.functions.__file__).parent)
    (packages / "only_there.py").touch()

    report = run(tmp_path, "import only_there")

    assert found(report) == []
    assert report.loaded is not None
    assert report.loaded.python == ".venv/bin/python"
    assert report.as_json()["loaded"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert any(one.startswith("Loaded with .venv/bin/python (Python 3.") for one in lines(report))


def test_what_the_apps_own_virtual_environment_lacks_does_not_come_from_the_devkits(tmp_path: Path):
    own_packages(tmp_path / "healthy_plain_v2")

    report = run(tmp_path)

    (finding,) = report.findings
    assert finding.rule.id == "import-fails"
    assert "'azure'. Install requirements.txt with .venv/bin/python -m pip; azfunc-ext-devkit too" in finding.reason
    assert "Not loaded, with .venv/bin/python" in list(lines(report))


def test_a_virtual_environment_that_does_not_start_here(tmp_path: Path):
    python = tmp_path / "healthy_plain_v2" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_bytes(b"made for another system")
    python.chmod(0o755)

    (finding,) = run(tmp_path).findings

    assert finding.reason == ".venv/bin/python cannot be started: Exec format error. Make .venv anew."


def test_without_a_virtual_environment_the_python_that_runs_the_doctor_loads_it(tmp_path: Path):
    report = run(tmp_path)

    assert report.loaded is not None
    assert report.loaded.python == sys.executable
    assert not report.loaded.sdk
