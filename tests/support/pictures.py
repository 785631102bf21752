"""Takes a picture of each page of the web UI, with the shop's telemetry: python -m tests.support.pictures FOLDER [light|dark]"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from playwright.sync_api import sync_playwright

from ext_devkit.insights.server import InsightsServer
from tests.devkit.insights.ui.conftest import ARGUMENTS, chromium
from tests.support import shop

FAILED = f"{0x5C1E7CEB5A3C4D0E8F1A2B3C4D5E6F70:032x}"

PAGES = {
    "live": ("live", "td"),
    "search": ("search?q=tea+pot", "td"),
    "transaction": (f"transaction/{FAILED}", ".waterfall-row"),
    "performance": ("performance", "td"),
    "failures": ("failures", "td"),
    "metrics": ("metrics?name=baskets", "main svg"),
    "map": ("map", "main svg"),
    "query": ("query", "textarea"),
}
"""Name of the picture -> the page, and what is there once it is complete."""

SETTLED_MS = 1200


def take(folder: Path, theme: str) -> None:
    """Write one PNG for each page."""
    folder.mkdir(parents=True, exist_ok=True)
    with InsightsServer() as server, sync_playwright() as playwright:
        shop.fill(server, operations=120)
        shop.send(server, shop.order(int(FAILED, 16), datetime.now(timezone.utc) - timedelta(minutes=2), sold_out=True))
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1300, "height": 800}, color_scheme=theme)
        for name, (where, complete) in PAGES.items():
            page.goto("about:blank")
            page.goto(f"{server.url}/#/{where}")
            page.locator(complete).first.wait_for()
            if name == "transaction":
                page.get_by_text("SoldOutError").click()
            if name == "live":
                now = datetime.now(timezone.utc)
                shop.send(server, *(shop.order(at, now, sold_out=at % 4 == 0) for at in range(0x1111, 0x1119)))
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "light")
