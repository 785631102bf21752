"""Servers for the tests: one that many share, and one of the test's own."""

from __future__ import annotations

import pytest

from ext_devkit.insights.server import InsightsServer


@pytest.fixture(scope="session")
def shared():
    """A server whose stored items nobody counts."""
    with InsightsServer() as server:
        yield server


@pytest.fixture
def server():
    """A server of the test's own, empty at first."""
    with InsightsServer() as own:
        yield own
