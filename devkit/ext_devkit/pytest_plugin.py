"""The pytest plugin of the devkit: function apps, a local Application Insights and isolation as fixtures.

pytest loads it by itself wherever the devkit is installed; `-p no:azfunc_ext` leaves it out. Nothing is imported
before a test asks for a fixture.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ext_devkit.apptest import AppUnderTest
    from ext_devkit.insights.server import InsightsServer


@pytest.fixture
def _loaded_apps() -> Iterator[list[AppUnderTest]]:
    """Keep the app that is loaded: the fixture that is closed first closes it."""
    loaded: list[AppUnderTest] = []
    yield loaded
    _close(loaded)


def _close(loaded: list[AppUnderTest]) -> None:
    while loaded:
        loaded.pop().close()


@pytest.fixture
def function_app(_loaded_apps: list[AppUnderTest]) -> Callable[..., AppUnderTest]:
    """Give what loads a function app from its folder, to invoke its functions by name.

    One app is loaded at a time: the next call closes the one before, and so does the end of the test.
    """
    from ext_devkit.apptest import AppUnderTest

    def load(path: str | Path, **settings: Any) -> AppUnderTest:
        _close(_loaded_apps)
        _loaded_apps.append(AppUnderTest(path, **settings))
        return _loaded_apps[-1]

    return load


@pytest.fixture
def insights(monkeypatch: pytest.MonkeyPatch, _loaded_apps: list[AppUnderTest]) -> Iterator[InsightsServer]:
    """Run a local Application Insights with nothing stored; the app setting with the connection string names it.

    It listens on a free port and keeps its items in a temporary file, for this test alone.
    `insights.wait_for("requests", 1)` returns the rows of a table as soon as there are so many, `insights.items` those
    with some values, and `insights.assert_items` says what did arrive if they are not there.
    """
    from ext_devkit.insights.server import InsightsServer

    with InsightsServer() as server:
        monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", server.connection_string)
        yield server
        _close(_loaded_apps)  # what they still hold goes to this server, not to one that is gone


@pytest.fixture
def isolated_extensions() -> Iterator[Callable[..., None]]:
    """Have no extension active in this test; `isolated_extensions(MyExtension)` activates those that are named.

    All of it is as before after the test: `ext_sdk.testing.isolated`.
    """
    from ext_sdk.testing import isolated

    with ExitStack() as stack:
        stack.enter_context(isolated())
        yield lambda *extensions: stack.enter_context(isolated(*extensions))
