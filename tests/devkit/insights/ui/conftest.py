"""One chromium for all tests of the web UI; a page of its own for each, in which nothing may go wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from ext_devkit.insights.server import InsightsServer
from tests.support import shop

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 20_000


def chromium() -> str:
    """Return the path of this machine's chromium; without one the tests are skipped, but in CI they fail."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "The web UI is tested in chromium, and there is none on the PATH. Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def running(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Playwright's loop counts as running while its browser is open, and no test could call asyncio.run: hide it."""
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)


@pytest.fixture(scope="session")
def tab() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """One tab of one browser, and the loop that has to run while it is used."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        tab = browser.new_context(timezone_id="UTC").new_page()
        tab.set_default_timeout(PATIENCE_MS)
        watch(tab)
        with running(None):
            yield tab, playwright._impl_obj._loop
        browser.close()


def watch(page: Any) -> None:
    """Collect in `page.troubles` what a page must not do: dialogs, logs, violations, questions to other servers."""

    def dismiss(dialog: Any) -> None:
        page.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: page.troubles.append(f"error: {error}"))
    page.on("console", lambda said: page.troubles.append(f"{said.type}: {said.text} {said.location['url']}"))
    page.on("popup", lambda popup: page.troubles.append(f"popup: {popup.url}"))
    page.on("request", lambda one: one.url.startswith(page.origin) or page.troubles.append(f"asked {one.url}"))


@pytest.fixture
def page(tab, shown) -> Iterator[Any]:
    """A page of the server `shown`; `page.open("search?q=x")` opens one of the UI's pages. Nothing may go wrong in it."""
    page, loop = tab
    with running(loop):
        page.set_viewport_size({"width": 1300, "height": 860})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.troubles, page.origin = [], shown.url
        page.open = lambda where="": page.goto(f"{shown.url}/#/{where}")
        yield page
        page.unroute_all()
        page.evaluate("localStorage.clear()")
        page.goto("about:blank")
        troubles = [one for one in page.troubles if one != "asked about:blank"]
        assert not troubles


@pytest.fixture(scope="session")
def filled() -> Iterator[InsightsServer]:
    """A server with the shop's last hour, an operation that means ill and one of 10,000 items. Nobody adds to it."""
    now = datetime.now(timezone.utc)
    with InsightsServer() as server:
        shop.fill(server)
        shop.send(server, shop.order(0xF411, now - timedelta(minutes=2), sold_out=True))
        shop.send(server, shop.hostile(0xE71, now - timedelta(minutes=1)))
        shop.send(server, shop.long_import(0xB16, now - timedelta(minutes=100)))
        yield server


@pytest.fixture
def shown(filled) -> InsightsServer:
    """The server whose UI the tests of a module look at: this one, unless the module says otherwise."""
    return filled
