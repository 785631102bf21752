"""What every test gets: no extension of another test, and no setting of the machine."""

from __future__ import annotations

import os
import signal
import tempfile
from itertools import count
from pathlib import Path

import pytest
from azure.functions.decorators.function_app import FunctionRegister
from azure.functions.extension import ExtensionMeta

from ext_sdk import insight, registry
from ext_sdk.workers import driving
from tests.support.built import Built, build_all
from tests.support.once import shared_folder

TESTS = Path(__file__).parent
THEIRS = ("EXT_", "APPLICATIONINSIGHTS_", "APPINSIGHTS_", "OTEL_", "WEBSITE_")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control has started the run in the background. The processes that tests start would inherit
    # that, and SIGINT would do nothing to them, whatever a test is about.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_foreign_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith(THEIRS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHON_ENABLE_WORKER_EXTENSIONS", raising=False)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory):
    """Nothing temporary of this run meets that of other runs on this machine."""
    folder, before = str(tmp_path_factory.mktemp("temporary")), os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = folder, None
    yield folder
    tempfile.tempdir = None
    if before is None:
        del os.environ["TMPDIR"]
    else:
        os.environ["TMPDIR"] = before


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> dict[str, Built]:
    """Each distribution as wheel and sdist, by its package."""
    return build_all(shared_folder(tmp_path_factory) / "built")


_numbers = count()


@pytest.fixture(autouse=True)
def own_journals(monkeypatch, own_temporary_folder):
    """What a test leaves in the journal is replayed by no other, whose server may have got the same port."""
    folder = os.path.join(own_temporary_folder, str(next(_numbers)))
    os.mkdir(folder)
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr(tempfile, "tempdir", None)


READY = {"ext_opencensus", "ext_opentelemetry", "ext_telemetry", "ext_timing"}
"""The ready extensions: all tests are imported before the first runs, so all of them are active from then on."""

BESIDE = {"opentelemetry": {"ext_opentelemetry"}, "telemetry": {"ext_opentelemetry", "ext_telemetry"}}
"""Those that tests of a folder are about, where others would be in the way: they log, or have a tracer of their own."""


@pytest.fixture(autouse=True)
def own_extensions(request):
    """Extensions that a test defines are gone after it; those of imported modules stay, as far as they are wanted."""
    before = dict(registry._registrations)
    left_out = READY - BESIDE.get(request.path.relative_to(TESTS).parts[0], READY)
    for key, one in before.items():
        if one.type.__module__.partition(".")[0] in left_out:
            del registry._registrations[key]
    registry.version += 1
    yield
    registry._registrations.clear()
    registry._registrations.update(before)
    registry.version += 1


@pytest.fixture(autouse=True)
def own_drivers(monkeypatch):
    """What drives extensions, and what was said of it, is as if no test had run before; azure.functions is put back."""
    monkeypatch.setattr(insight, "drivers", [])
    monkeypatch.setattr(registry, "unbound", [])
    for name, fresh in {"_seams": {}, "_told": set(), "_second": "", "_environment": {}}.items():
        monkeypatch.setattr(driving, name, fresh)
    monkeypatch.setattr(FunctionRegister, "get_functions", FunctionRegister.get_functions)
    monkeypatch.setattr(ExtensionMeta, "_func_exts", {})
    monkeypatch.setattr(ExtensionMeta, "_app_exts", None)
    for name in ("_register_application_extension", "_register_function_extension"):
        monkeypatch.setattr(ExtensionMeta, name, vars(ExtensionMeta)[name])
