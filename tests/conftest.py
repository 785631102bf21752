"""What every test gets: no extension of another test, and no setting of the machine."""

from __future__ import annotations

import os

import pytest

from ext_sdk import registry


@pytest.fixture(autouse=True)
def no_foreign_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("EXT_", "APPLICATIONINSIGHTS_", "APPINSIGHTS_", "OTEL_", "WEBSITE_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHON_ENABLE_WORKER_EXTENSIONS", raising=False)


@pytest.fixture(autouse=True)
def own_extensions():
    """Extensions that a test defines are gone after it; those of imported modules stay."""
    before = dict(registry._registrations)
    yield
    registry._registrations.clear()
    registry._registrations.update(before)
    registry.version += 1
