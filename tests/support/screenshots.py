"""Pictures of each page of the web UI for the documentation: `python -m tests.support.screenshots` renews them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from ext_devkit.insights.server import InsightsServer
from tests.support import many_items
from tests.support.insights import envelope, post

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "_static" / "insights"
ITEMS = 30_000
SIZE = {"width": 1200, "height": 760}
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def failing(server):
    """Return the operation that has most items of those with an exception."""
    rows = server.store.query(
        "SELECT operation_Id AS id FROM dependencies WHERE operation_Id IN (SELECT operation_Id FROM exceptions) "
        "GROUP BY operation_Id ORDER BY count(*) DESC, operation_Id LIMIT 1"
    )
    (exception,) = server.store.query(
        "SELECT itemId AS n FROM exceptions WHERE operation_Id = ? LIMIT 1", (rows[0]["id"],)
    )
    return f"transaction/{rows[0]['id']}?item=exceptions:{exception['n']}"


def send(server):
    """Send what the live view shows."""
    for number in range(12):
        tags = {"ai.cloud.role": "shop"}
        post(server, [
            envelope(name="GET /orders/{id}", success=number != 7, responseCode="500" if number == 7 else "200", tags=tags),
            envelope("RemoteDependencyData", name="orders: SELECT", type="SQL", target="sql.example | orders", tags=tags),
            envelope("MessageData", message=f"order {48120 + number} has {number % 5 + 1} lines", severityLevel=1, tags=tags),
        ])  # fmt: skip


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        db = Path(folder) / "insights.db"
        many_items.build(db, ITEMS)
        with InsightsServer(db=db) as server:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            pages = {
                "transactions": "transaction",
                "transaction": failing(server),
                "search": "search?q=order*&success=false",
                "performance": "performance",
                "failures": "failures",
                "metrics": "metrics?split=region",
                "map": "map",
                "query": "query",
                "live": "live",
            }
            for name, place in pages.items():
                page.goto(f"{server.url}/#/{place}")
                page.wait_for_load_state("networkidle") if name != "live" else time.sleep(1)
                if name == "query":
                    page.get_by_label("Examples").select_option("Requests by hour")
                    page.get_by_role("button", name="Run").click()
                    page.get_by_role("status").wait_for()
                if name == "live":
                    for _ in range(3):
                        send(server)
                        time.sleep(1)
                time.sleep(0.6)
                page.screenshot(path=FOLDER / f"{name}.png")
            browser.close()


if __name__ == "__main__":
    main()
