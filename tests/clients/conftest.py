"""A server of the test's own, the packages of npm, and a browser."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.clients import NODE, install, missing
from tests.support.once import once


@pytest.fixture
def server():
    """A server of the test's own, empty at first."""
    with InsightsServer() as own:
        yield own


@pytest.fixture(scope="session")
def packages():
    """The folder with the packages of package-lock.json. Who runs tests here again with the same ones has them already."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("Clients for Node.js need it, and node or npm is not on the PATH. Debian: apt-get install nodejs npm")
    digest = hashlib.sha256(
        (NODE / "package.json").read_bytes() + (NODE / "package-lock.json").read_bytes()
    ).hexdigest()
    (NODE / "node_modules").mkdir(exist_ok=True)
    return once(NODE / "node_modules" / digest[:16], install)
