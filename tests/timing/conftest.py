"""Each test has TimingExtension with its defaults, on a process that is warm, and nothing else."""

from __future__ import annotations

import logging
import re

import pytest

from ext_sdk import registry
from ext_sdk.health import Health
from ext_timing import TimingExtension
from ext_timing.statistics import Statistics


@pytest.fixture(autouse=True)
def active(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "Function.HttpTrigger")
    monkeypatch.setattr("ext_sdk.lifecycle._invocations", iter(range(1, 10_000)))
    monkeypatch.setattr(TimingExtension, "_statistics", Statistics())
    mine = registry.registration_of(TimingExtension)
    monkeypatch.setattr(mine, "health", Health("TimingExtension"))
    registry._registrations.clear()
    registry._registrations[registry.identity(TimingExtension)] = mine
    TimingExtension.configure()


@pytest.fixture
def alone(active):
    """Without TimingExtension, for what is of one function only."""
    registry._registrations.clear()
    registry.outdate()


@pytest.fixture
def line(caplog):
    """Return the level and the text of the only line, with its times taken out."""

    def only():
        (record,) = [one for one in caplog.records if one.name.startswith("Function.")]
        return record.levelname, re.sub(r"[\d.]+ ms", "N ms", record.getMessage())

    return only
