"""A real function app, its telemetry, and a person who looks for it: from the request to the tree in the browser."""

from pathlib import Path

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.support.host import RunningHost, request

SAMPLE = Path(__file__).resolve().parents[4] / "samples" / "all_v2"
TRACE = "7ea0000000000000000000000000b07e"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def ordered():
    """A server that has what the sample told of one order."""
    with InsightsServer() as server:
        with backend() as service, RunningHost(SAMPLE, "--insights", server.url, BACKEND_URL=service.url) as host:
            headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            assert request(f"{host.url}/api/orders/teapot", "POST", b"", headers).status == 201
            request(f"{host.url}/api/cancel", "POST", b"")
            server.store.wait_until(lambda: complete(server.store), 60, "the order, and the exception of the other")
        yield server


def complete(store):
    tables = ("requests", "dependencies", "traces", "customEvents")
    return (all(store.rows(table, operation_id=TRACE) for table in tables) and store.rows("exceptions")) or None


@pytest.fixture
def shown(ordered):
    return ordered


def test_an_order_is_found_opened_and_shown_as_a_tree(page):
    page.open()
    page.keyboard.press("/")
    page.keyboard.type('"an order of teapot"')
    page.keyboard.press("Enter")
    page.locator("td .row-link", has_text="an order of teapot").click()
    page.locator(".waterfall-row.selected", has_text="an order of teapot").wait_for()

    rows = page.locator(".waterfall-row").evaluate_all(
        """rows => rows.sort((one, other) => one.ariaRowIndex - other.ariaRowIndex).map(row =>
            [Number(row.ariaLevel), row.querySelector(".sr").textContent, row.querySelector(".title").textContent])"""
    )

    tree = [row for row in rows if not (row[1].endswith("log") and "an order of" not in row[2])]
    assert tree == [
        [1, "Request", "POST /api/orders/{article}"],
        [2, "Information log", "an order of teapot"],
        [2, "Dependency", "check the stock"],
        [3, "Dependency", "GET /"],
        [2, "Event", "order placed"],
    ]
    assert "article\nteapot" in page.locator(".panel").inner_text()


def test_the_exception_of_a_function_has_its_own_line_in_sight(page):
    page.open("search?table=exceptions")
    page.locator("td .row-link", has_text="LookupError").first.click()

    page.locator(".panel .stack-text, .panel .stack").first.wait_for()
    own = page.locator(".panel .line.at:not(.library), .panel .frame:not(.library)").all_inner_texts()
    assert any("cancel" in line for line in own), own
