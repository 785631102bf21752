"""What the doctor knows by heart of our extensions and of hooks is what they are."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ext_devkit.doctor import diagnose
from ext_devkit.doctor.case import Case
from ext_devkit.doctor.checks.settings import _RANGES
from ext_devkit.doctor.declared import declared_settings
from ext_devkit.doctor.extensions import _KNOWN, Extension, base_of
from ext_sdk import AppExtension, FuncExtension, SettingsError, settings
from tests.doctor.bundles import APPS, read

OURS = [name for name, (kind, level) in _KNOWN.items() if kind == "sdk" and level == "app"]


def loaded(name: str) -> type:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.read(read(APPS / "healthy_plain_v2.txt").write(tmp_path), environment={})


@pytest.mark.parametrize("name", [name for name, (kind, _) in _KNOWN.items() if kind == "sdk"])
def test_known_extensions_are_of_the_kind_that_is_said(name: str):
    extension = loaded(name)

    assert issubclass(extension, AppExtension if _KNOWN[name][1] == "app" else FuncExtension)


@pytest.mark.parametrize("name", [name for name, (kind, _) in _KNOWN.items() if kind == "official"])
def test_known_official_extensions_are_of_the_level_that_is_said(name: str, case: Case):
    """From their source: to import one would register it."""
    module, node = case.classes.definition(name)

    assert [base_of(module.dotted(base)) for base in node.bases] == [_KNOWN[name]]


@pytest.mark.parametrize("name", OURS)
def test_the_settings_that_are_read_are_those_that_are_declared(name: str, case: Case):
    read_from_source = declared_settings(case, Extension(name, "sdk", "app"))

    assert read_from_source is not None
    assert list(read_from_source) == list(settings._fields(loaded(name).Settings))
    assert all(setting.kind is not None for setting in read_from_source.values())


@pytest.mark.parametrize("named", _RANGES, ids=str)
def test_what_is_said_to_be_out_of_range_is_refused(named: tuple[str, str]):
    extension = next(loaded(name) for name in OURS if name.endswith(f".{named[0]}"))

    with pytest.raises((SettingsError, ValueError)):
        settings.resolve(extension, extension.Settings, {named[1]: -1})


def test_installed_packages_in_the_folder_are_not_the_apps(tmp_path: Path):
    app = read(APPS / "healthy_plain_v2.txt").write(tmp_path)
    package = app / "env" / "lib" / "thing.py"
    package.parent.mkdir(parents=True)
    (app / "env" / "pyvenv.cfg").touch()
    package.write_text("import ext_sdk\nclass Thing(ext_sdk.AppExtension): ...\n", "utf-8")

    assert diagnose(app, environment={}).findings == []


def test_a_file_name_that_no_system_takes_is_no_crash(tmp_path: Path):
    app = read(APPS / "healthy_plain_v1.txt").write(tmp_path)
    (app / "hello" / "function.json").write_text('{"scriptFile": "%s"}' % ("x" * 5000), "utf-8")

    assert [one.rule.id for one in diagnose(app, environment={}).findings] == ["entry-point-missing"]


def test_a_class_that_is_its_own_base_ends_the_search(tmp_path: Path):
    app = read(APPS / "healthy_plain_v2.txt").write(tmp_path)
    (app / "extensions.py").write_text("from function_app import Ext\nclass Other(Ext): ...\n", "utf-8")
    text = (app / "function_app.py").read_text("utf-8")
    (app / "function_app.py").write_text(f"from extensions import Ext\n{text}", "utf-8")

    assert diagnose(app, environment={}).findings == []
