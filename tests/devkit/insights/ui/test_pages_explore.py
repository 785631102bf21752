"""What a person does: search, open a transaction, look at an item, follow what arrives."""

import json
import re
from datetime import datetime, timezone

import pytest
from playwright.sync_api import expect

from tests.support import shop

FAILED = f"{0xF411:032x}"
LONG = f"{0xB16:032x}"


def names(page):
    """Return the waterfall's rows from the top as (level, name)."""
    page.wait_for_selector(".waterfall-row")
    rows = page.locator(".waterfall-row")
    found = rows.evaluate_all(
        "rows => rows.map(row => [Number(row.ariaRowIndex), Number(row.ariaLevel), row.querySelector('.title').textContent])"
    )
    return [(level, name) for _, level, name in sorted(found)]


def panel(page):
    """Return the text of the side panel."""
    return page.locator(".panel").inner_text()


def where(page):
    """Return the part of the URL behind the #."""
    return page.url.partition("#")[2]


def test_a_search_finds_a_log_and_opens_its_transaction(page):
    page.open("transaction")
    page.keyboard.press("/")
    page.keyboard.type("could not be placed")
    page.keyboard.press("Enter")
    page.locator("td mark").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_selector(".waterfall-row.selected")

    assert "the order could not be placed" in page.locator(".waterfall-row.selected").inner_text()
    assert re.fullmatch(r"/transaction/\w{32}\?item=traces%3A\d+", where(page))
    assert "Severity\nError" in panel(page)


def test_the_waterfall_shows_calls_within_calls_and_what_was_told_in_them(page):
    page.open(f"transaction/{FAILED}")

    assert names(page) == [
        (1, "POST /api/orders/{article}"),
        (2, "an order of tea pot"),
        (2, "check the stock"),
        (3, "GET /stock/{article}"),
        (4, "GET /stock/{article}"),
        (5, "cache miss for 'tea pot', asking the database"),
        (5, "SELECT stock"),
        (5, "pool exhausted: waited 2.0 s for a connection"),
        (3, "shared.stock.SoldOutError: tea pot is sold out: 0 left, 2 wanted"),
        (2, "the order could not be placed"),
    ]


def test_bars_lie_on_one_scale(page):
    """A call of half the time is half as long; a log stands where it was written."""
    page.open(f"transaction/{FAILED}")
    page.wait_for_selector(".waterfall-row")

    lane = page.locator(".waterfall-row .lane").first.bounding_box()
    bars = {
        row.locator(".title").inner_text(): row.locator(".span, .mark").first.bounding_box()
        for row in page.locator(".waterfall-row").all()
    }
    request, check, error = (
        bars[name] for name in ("POST /api/orders/{article}", "check the stock", "the order could not be placed")
    )
    assert request["x"] == pytest.approx(lane["x"], abs=1)
    assert request["width"] == pytest.approx(lane["width"], abs=1)
    assert check["width"] == pytest.approx(lane["width"] / 2, abs=2)
    assert error["x"] + error["width"] / 2 == pytest.approx(lane["x"] + lane["width"] * 0.6, abs=3)


def test_keys_walk_through_a_transaction(page):
    """Down chooses, Enter opens, Left folds, e goes to failures, Escape closes; the URL follows."""
    page.open(f"transaction/{FAILED}")
    page.wait_for_selector(".waterfall-row")
    for key in ("ArrowDown", "j", "j"):
        page.keyboard.press(key)
    page.keyboard.press("ArrowLeft")
    assert "check the stock" in page.locator(".waterfall-row.selected").inner_text()
    assert page.locator(".waterfall-row.selected").get_attribute("aria-expanded") == "false"
    assert len(names(page)) == 4

    page.keyboard.press("Enter")
    assert "check the stock" in panel(page)
    for _ in range(3):
        page.keyboard.press("e")
    page.locator(".panel", has_text="SoldOutError").wait_for()
    page.wait_for_url(re.compile("item=exceptions"))
    assert len(names(page)) == 10

    page.keyboard.press("Escape")
    assert not page.locator(".panel").is_visible()


def test_the_panel_scrolls_by_its_own_keys_and_can_be_made_wider(page):
    page.open(f"transaction/{FAILED}")
    page.locator(".waterfall-row").first.click()
    page.locator(".panel h2").wait_for()
    page.locator(".panel-body").focus()
    page.keyboard.press("ArrowDown")
    assert "POST /api/orders" in page.locator(".waterfall-row.selected").inner_text()

    before = page.locator(".panel").bounding_box()["width"]
    page.get_by_role("separator", name="Width of the details").focus()
    page.keyboard.press("ArrowLeft")

    assert page.locator(".panel").bounding_box()["width"] == before + 24


def test_an_exception_shows_its_chain_and_own_frames_stand_out(page):
    page.open(f"transaction/{FAILED}")
    page.get_by_text("shared.stock.SoldOutError").click()

    text = panel(page)
    assert "shared.stock.SoldOutError" in text
    assert "Inner exception" in text
    assert page.locator(".stack-text .library").first.inner_text().strip().endswith("in run")
    own = page.locator(".stack-text .at:not(.library)").all_inner_texts()
    assert [line.strip().rpartition(" ")[2] for line in own] == ["main", "reserve"]
    frames = page.locator(".frame").all_inner_texts()
    assert frames == [
        "reserve\n/home/site/wwwroot/shared/stock.py:14",
        "__getitem__\n/usr/local/lib/python3.11/collections/__init__.py:1004",
    ]


def test_the_panel_has_all_that_is_known_of_an_item(page):
    page.open(f"transaction/{FAILED}")
    page.locator(".waterfall-row").first.click()

    text = panel(page)
    assert "tenant\ncontoso" in text
    assert "basket.value\n42.5" in text
    assert '"article": "tea pot"' in text
    assert "cloud_RoleInstance\nshop-1" in text
    assert page.locator(".panel a[href='http://localhost:7071/api/orders/tea%20pot']").get_attribute("rel") == (
        "noopener noreferrer nofollow"
    )


def test_logs_can_be_hidden_and_then_stand_on_the_bars(page):
    page.open(f"transaction/{FAILED}")
    page.get_by_role("button", name="Logs 4").click()

    page.wait_for_url(re.compile("hide=trace"))
    assert len(names(page)) == 6
    assert page.locator(".waterfall-row").first.locator(".mark.small").count() == 2


def test_a_shared_link_shows_the_same(page, shown):
    """The chosen item, its details and what is hidden: all of it is in the URL."""
    (request,) = (row for row in shown.store.rows("requests", operation_id=FAILED) if row["cloud_RoleName"] == "stock")

    page.open(f"transaction/{FAILED}?item=requests:{request['itemId']}&hide=trace")

    page.wait_for_selector(".waterfall-row.selected")
    assert "GET /stock/{article}" in page.locator(".waterfall-row.selected").inner_text()
    assert "cloud_RoleName\nstock" in panel(page)
    assert len(names(page)) == 6


def test_ten_thousand_items_are_walked_through_with_few_elements(page):
    page.open(f"transaction/{LONG}")
    page.wait_for_selector(".waterfall-row")
    assert page.locator(".waterfall").get_attribute("aria-rowcount") == "10001"

    page.keyboard.press("End")
    page.locator(".waterfall-row.selected", has_text="row stored").wait_for()

    assert page.locator(".waterfall-row").count() < 100
    assert page.locator(".waterfall-row.selected").get_attribute("aria-rowindex") == "10001"
    frame = page.evaluate(
        """async () => {
            const list = document.querySelector(".virtual"), begin = performance.now();
            for (let step = 0; step < 20; step++) {
                list.scrollTop = step * 12000;
                await new Promise(requestAnimationFrame);
            }
            return (performance.now() - begin) / 20;
        }"""
    )
    assert frame < 200, f"{frame} ms for each step of scrolling"


def test_filters_are_in_the_url_and_can_be_taken_away(page):
    page.open("search?table=requests&success=false&last=1h")
    page.wait_for_selector("td")
    kinds = page.locator("tbody td:nth-child(2)").all_inner_texts()
    assert set(kinds) == {"Request"}
    results = page.locator("tbody td:nth-child(4)").all_inner_texts()
    assert set(results) <= {"500", "503"}

    page.get_by_role("button", name="503").click()
    page.get_by_title("Take this filter away").wait_for()
    expect(page.locator("tbody tr", has_text="500")).to_have_count(0)
    page.get_by_title("Take this filter away").click()

    page.locator("tbody tr", has_text="500").first.wait_for()
    assert where(page) == "/search?table=requests&success=false&last=1h"


def test_a_search_is_left_while_an_item_is_open(page):
    page.open("search?table=customMetrics&q=baskets")
    page.locator(".row-link").first.click()
    page.wait_for_selector(".panel-body")

    page.keyboard.press("g")
    page.keyboard.press("p")

    page.get_by_role("table", name="Operations", exact=True).wait_for()
    assert where(page) == "/performance"
    page.go_back()
    page.wait_for_selector(".panel-body")
    assert where(page).startswith("/search?table=customMetrics&q=baskets&item=")


def test_in_a_narrow_window_the_results_begin_right_below_the_filters(page):
    page.set_viewport_size({"width": 800, "height": 760})
    page.open("search?q=nobodywritesthis")
    page.get_by_text("Nothing matches").wait_for()

    ends = "[document.querySelector('.filters').getBoundingClientRect(), document.querySelector('.results').getBoundingClientRect()]"
    filters, results = page.evaluate(ends)
    assert filters["height"] < 120
    assert results["top"] - filters["bottom"] < 40


def test_pages_follow_as_one_scrolls(page):
    page.open("search")
    page.wait_for_selector("td")
    assert page.locator("tbody tr").count() == 100

    page.locator(".table-end").scroll_into_view_if_needed()

    page.locator("tbody tr:nth-child(101)").wait_for()


def test_nothing_found_says_how_to_search(page):
    page.open("search?q=nobodywritesthis")

    page.get_by_text("Nothing matches").wait_for()
    page.get_by_role("button", name="Clear all filters").click()

    page.wait_for_selector("td")
    assert where(page) == "/search"


def test_an_item_of_no_operation_opens_beside_the_list(page):
    page.open("search?table=customMetrics&q=baskets")
    page.locator(".row-link").first.click()

    page.wait_for_selector(".panel-body")
    assert "baskets" in panel(page)


def test_a_transaction_that_is_not_there_says_so(page):
    page.open("transaction/nobody")

    notice = page.get_by_role("alert")
    notice.wait_for()
    assert "nobody" in notice.inner_text()
    assert notice.get_by_role("button", name="Try again").is_visible()
    # The browser itself logs a request that was answered with an error.
    assert all("404" in trouble for trouble in page.troubles)
    page.troubles.clear()


def test_more_items_than_can_be_shown_are_told(page, shown):
    """The API gives the first 5,000 of each type; the page says so and where the others are."""

    def shorten(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"left_out": 1234})

    page.route("**/api/transactions/*", shorten)
    page.open(f"transaction/{FAILED}")

    notice = page.locator(".notice")
    notice.wait_for()
    assert "1,234 items of this transaction are not shown" in notice.inner_text()
    assert notice.get_by_role("link", name="search").get_attribute("href") == f"#/search?operation_Id={FAILED}"


class TestAnEmptyServer:
    @pytest.fixture
    def shown(self, server):
        return server

    def test_every_page_says_what_to_paste(self, page, shown):
        for where in ("", "search", "live"):
            page.open(where)
            page.get_by_text("Waiting for telemetry").wait_for()
            assert shown.connection_string in page.locator(".copyable").inner_text()

    def test_the_first_item_is_shown_by_itself(self, page, shown):
        page.open("transaction")
        page.get_by_text("Waiting for telemetry").wait_for()

        shop.send(shown, shop.listing(1, datetime.now(timezone.utc)))

        page.locator("td", has_text="GET /api/articles").wait_for()

    def test_new_requests_are_announced_and_shown_when_one_asks(self, page, shown):
        """A list that jumps while it is read would be a nuisance."""
        shop.send(shown, shop.listing(1, datetime.now(timezone.utc)))
        with page.expect_response("**/api/search?*limit=1"):
            page.open("transaction")
        expect(page.locator("tbody tr")).to_have_count(1)

        shop.send(shown, shop.listing(2, datetime.now(timezone.utc)))
        page.get_by_text("New requests have arrived").wait_for()
        assert page.locator("tbody tr").count() == 1
        page.keyboard.press("r")

        expect(page.locator("tbody tr")).to_have_count(2)

    def test_what_arrives_is_seen_and_counted(self, page, shown):
        page.open("live")
        page.get_by_text("Connected").wait_for()

        shop.send(shown, shop.order(1, datetime.now(timezone.utc), sold_out=True))

        page.locator("td", has_text="the order could not be placed").wait_for()
        tile = page.locator(".tile", has_text="Failed requests")
        tile.locator(".tile-number", has_text="2").wait_for()
        assert "bad" in tile.get_attribute("class")

    def test_what_arrives_waits_while_the_page_is_held(self, page, shown):
        page.open("live")
        page.get_by_text("Connected").wait_for()
        page.keyboard.press(" ")

        shop.send(shown, shop.listing(1, datetime.now(timezone.utc)))
        page.get_by_text("2 items waiting").wait_for()
        assert page.locator("td", has_text="GET /api/articles").count() == 0
        page.keyboard.press(" ")

        page.locator("td", has_text="GET /api/articles").wait_for()


def test_the_stream_ends_with_the_page(page):
    """Else each visit would leave a connection behind, and browsers have six of them."""
    page.open("transaction")
    page.evaluate(
        """() => {
            window.sources = [];
            window.EventSource = class extends EventSource { constructor(url) { super(url); sources.push(this); } };
        }"""
    )
    page.open("live")
    page.get_by_text("Connected").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_selector("td")

    assert page.evaluate("sources.map(source => source.readyState)") == [2]


def test_the_answer_is_shown_where_the_server_refuses(page):
    """What the API says was wrong is what the person reads."""
    body = {"ok": False, "error": "The search is broken. Say something else.", "status": 400}
    page.route("**/api/search?*", lambda route: route.fulfill(status=400, body=json.dumps(body)))
    page.open("search?q=x")

    page.get_by_text("The search is broken. Say something else.").wait_for()
    page.troubles.clear()


def test_a_server_that_has_gone_is_named(page):
    page.open("search")
    page.wait_for_selector("td")
    page.route("**/api/**", lambda route: route.abort())

    page.keyboard.press("r")

    page.get_by_text("Start it again with: azfunc-ext insights").first.wait_for()
    page.troubles.clear()


def test_a_call_can_be_zoomed_to(page):
    """z takes the chosen call for the whole width, and gives the whole time back."""
    page.open(f"transaction/{FAILED}?hide=trace")
    page.locator(".waterfall-row", has_text="check the stock").click()
    page.keyboard.press("z")

    page.get_by_role("button", name="Zoomed to check the stock").wait_for()
    lane = page.locator(".waterfall-row .lane").first.bounding_box()["width"]
    assert page.locator(".waterfall-row.selected .span").bounding_box()["width"] > 0.8 * lane
    page.keyboard.press("z")

    assert page.locator(".waterfall-row.selected .span").bounding_box()["width"] == pytest.approx(lane / 2, abs=2)


def test_a_role_narrows_the_list_of_transactions(page):
    """Only what it began: the API's list has one role for each operation."""
    page.open("transaction?role=shop")
    page.wait_for_selector("td")
    assert set(page.locator("tbody td:nth-child(3)").all_inner_texts()) == {"shop"}

    page.open("transaction?role=nobody")

    page.get_by_text("No transactions here").wait_for()
    page.get_by_role("link", name="Show all time and all roles").click()
    page.wait_for_selector("td")
