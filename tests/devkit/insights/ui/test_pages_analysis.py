"""What a person does on the pages performance, failures, metrics, map and query."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.support import shop

ORDER = "POST /api/orders/{article}"


def where(page):
    """Return the part of the URL behind the #."""
    return page.url.partition("#")[2]


def rows(page, label):
    """Return the texts of a table's rows."""
    table = page.get_by_role("table", name=label, exact=True)
    table.locator("tbody tr").first.wait_for()
    return [[cell.strip() for cell in row.split("\t")] for row in table.locator("tbody tr").all_inner_texts()]


def read_out(page, chart=0):
    """Return what a chart says of the step that is chosen."""
    return page.locator(".chart .readout").nth(chart).inner_text()


def test_the_slowest_operation_is_found_and_a_sample_of_it_opened(page):
    page.open("performance")
    page.get_by_role("table", name="Operations", exact=True).get_by_role("link", name=ORDER).click()
    page.locator(".chip.chosen", has_text=ORDER).wait_for()

    assert "name=POST" in where(page)
    assert {row[1] for row in rows(page, "The slowest")} == {ORDER}

    page.get_by_role("table", name="The slowest").get_by_role("link").first.click()
    page.wait_for_selector(".waterfall-row.selected")
    assert ORDER in page.locator(".waterfall-row.selected").inner_text()


def test_dependencies_have_the_same_page(page):
    page.open("performance")
    page.get_by_role("button", name="Dependencies", exact=True).click()
    expect(page.get_by_role("button", name="Dependencies", exact=True)).to_have_attribute("aria-pressed", "true")

    assert "kind=dependencies" in where(page)
    assert any("stock" in row[0] for row in rows(page, "Operations"))


def test_numbers_of_a_table_stay_on_one_line(page):
    operation = {"name": "POST /api/orders/{article}", "count": 123456, "failed": 123456, "sum": 9e9}
    operation |= dict.fromkeys(("mean", "p50", "p95", "p99", "max"), 123456.0)
    page.route("**/api/performance?**", lambda route: with_operations(route, [operation]))
    page.open("performance")

    assert "100 %" in rows(page, "Operations")[0]
    heights = (
        page.get_by_role("table", name="Operations", exact=True)
        .locator("tbody tr")
        .evaluate_all("all => all.map(one => one.offsetHeight)")
    )
    assert max(heights) < 36


def with_operations(route, operations):
    """Answer as the server does, but with other operations."""
    route.fulfill(json=route.fetch().json() | {"operations": operations})


def test_operations_are_sorted_by_what_is_clicked(page):
    page.open("performance")
    rows(page, "Operations")
    page.get_by_role("table", name="Operations", exact=True).get_by_role("button", name="Count").click()
    counts = [int(row[1].replace(",", "")) for row in rows(page, "Operations")]

    assert counts == sorted(counts, reverse=True)


def test_a_chart_is_read_with_the_keyboard(page):
    page.open("performance")
    chart = page.locator(".chart .drawing").first
    chart.focus()
    page.keyboard.press("Home")
    first = read_out(page)
    page.keyboard.press("ArrowRight")
    second = read_out(page)

    assert re.search(r"Succeeded\s*\d", first)
    assert first != second
    page.keyboard.press("Tab")
    assert "UTC" not in read_out(page)


def test_a_time_range_is_chosen_with_the_keyboard(page):
    page.open("performance")
    page.locator(".chart .drawing").first.focus()
    for key in ("Home", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("from="))

    assert re.search(r"from=\d{4}-.*&to=\d{4}-", where(page))


def test_a_time_range_is_drawn_with_the_mouse(page):
    page.open("failures")
    page.locator(".chart .drawing").first.wait_for()
    box = page.locator(".chart .drawing").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=3)
    page.mouse.up()

    page.wait_for_url(re.compile("from="))


def test_durations_are_read_bar_by_bar(page):
    page.open("performance")
    page.locator(".chart .drawing").nth(1).focus()
    page.keyboard.press("Home")

    assert re.search(r"ms:\s\d+ requests?", read_out(page, 1))


def test_a_failed_operation_leads_to_its_failed_requests(page):
    page.open("failures")
    page.get_by_role("table", name="Operations with failures").get_by_role("link", name=ORDER).click()
    page.get_by_role("table", name="Items found, newest first").wait_for()

    assert "success=false" in where(page)
    assert all(ORDER in row[2] for row in rows(page, "Items found, newest first"))


def test_an_exception_leads_to_all_of_its_kind(page):
    page.open("failures?by=exception")
    page.get_by_role("table", name="Exceptions").get_by_role("link", name=re.compile("SoldOutError")).first.click()
    page.get_by_role("table", name="Items found, newest first").wait_for()

    assert "problemId=" in where(page)
    assert all("SoldOutError" in row[2] for row in rows(page, "Items found, newest first"))


def test_each_list_of_failures_is_a_place_of_its_own(page):
    page.open("failures")
    for button, label in [
        ("Exceptions", "Exceptions"),
        ("Results", "Results of failed requests"),
        ("Dependencies", "Dependencies with failures"),
    ]:
        page.get_by_role("button", name=button, exact=True).click()
        assert rows(page, label)


def test_a_metric_is_chosen_aggregated_and_split(page):
    page.open("metrics")
    rows(page, "Metrics")
    page.get_by_role("table", name="Metrics", exact=True).get_by_role("link", name="baskets").click()
    expect(page.locator(".card h2").first).to_have_text("baskets")
    page.get_by_role("button", name="Sum", exact=True).click()
    page.wait_for_url(re.compile("aggregation=sum"))

    page.locator(".chart .line, .chart .dot").first.wait_for(state="attached")


def test_a_role_of_the_map_tells_whom_it_calls(page):
    page.open("map")
    page.locator(".map-node", has_text="shop").first.click()
    page.locator(".panel h2", has_text="shop").wait_for()

    assert "node=app%3Ashop" in where(page)
    assert "stock" in page.locator(".panel").inner_text()
    page.locator(".panel").get_by_role("link", name="Performance").click()
    page.wait_for_url(re.compile("performance"))
    assert "role=shop" in where(page)


def test_the_map_is_moved_and_made_larger_with_the_keyboard(page):
    page.open("map")
    page.locator(".map-node").first.wait_for()
    page.locator(".map-drawing").focus()
    content = page.locator(".map-drawing > g")
    before = content.get_attribute("transform")
    page.keyboard.press("+")
    larger = content.get_attribute("transform")
    page.keyboard.press("ArrowLeft")
    moved = content.get_attribute("transform")
    page.keyboard.press("0")

    assert len({before, larger, moved}) == 3
    assert content.get_attribute("transform") == before


def test_the_map_of_a_hundred_roles_has_room_for_all(page):
    nodes = [
        {
            "id": f"app:{n}",
            "name": f"role {n}",
            "kind": "app",
            "count": n,
            "failed": 0,
            "mean": 1.0,
            "p95": 2.0,
            "per_minute": 1.0,
        }
        for n in range(100)
    ]
    seen = {"count": 1, "per_minute": 1.0, "failed": 0, "mean": 1.0, "p95": 1.0}
    # Chains, one that calls itself, two in a circle.
    edges = [{"source": f"app:{n}", "target": f"app:{(n * 3 + 1) % 100}"} | seen for n in range(100)]
    edges += [{"source": "app:5", "target": "app:5"} | seen, {"source": "app:1", "target": "app:0"} | seen]
    page.route("**/api/map**", lambda route: route.fulfill(json={"nodes": nodes, "edges": edges}))
    page.open("map")
    page.locator(".map-node").nth(99).wait_for()
    boxes = page.locator(".map-node .box").evaluate_all(
        "all => all.map(one => { const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"
    )

    overlapping = [
        (one, other) for at, one in enumerate(boxes) for other in boxes[at + 1 :]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]  # fmt: skip
    assert overlapping == []


def test_a_query_is_run_shown_and_kept(page):
    page.open("query")
    page.get_by_label("SQL").fill("select name, count(*) as n from requests group by name order by n desc")
    page.keyboard.press("Control+Enter")
    found = rows(page, "What was selected")

    assert [len(row) for row in found] == [2] * len(found)
    assert "sql=select" in where(page)
    page.open("search")
    page.open("query")
    page.get_by_label("History").select_option(index=1)
    assert page.get_by_label("SQL").input_value().startswith("select name, count(*)")


def test_a_query_in_a_link_is_shown_and_not_run(page):
    asked = []
    page.on("request", lambda one: asked.append(one.url) if one.method == "POST" else None)
    page.open("query?sql=select%20name%20from%20requests")
    page.get_by_role("button", name="Run").wait_for()

    assert page.get_by_label("SQL").input_value() == "select name from requests"
    assert asked == []


def test_a_query_over_time_has_a_chart(page):
    page.open("query")
    page.get_by_label("SQL").fill(
        "select substr(timestamp, 1, 15) || '0:00Z' as t, count(*) as requests from requests group by t order by t"
    )
    page.get_by_role("button", name="Run").click()

    expect(page.locator(".query-result .chart")).to_have_count(1)


def test_a_mistake_in_a_query_is_explained(page):
    with page.expect_response("**/api/query") as answer:
        page.open("query")
        page.get_by_label("SQL").fill("selct 1")
        page.get_by_role("button", name="Run").click()
    page.get_by_text('Near "selct": syntax error.').wait_for()

    assert answer.value.status == 400
    page.troubles[:] = [one for one in page.troubles if "400 (Bad Request)" not in one]


def test_a_name_of_a_column_is_put_into_the_query(page):
    page.open("query")
    page.get_by_label("SQL").fill("select ")
    page.locator("summary", has_text="requests").click()
    page.get_by_role("button", name="duration", exact=True).click()

    assert page.get_by_label("SQL").input_value() == "select duration"


def test_what_was_selected_is_saved_so_that_no_spreadsheet_runs_it(page):
    page.open("query")
    page.get_by_label("SQL").fill("select '=1+1' as sum, 'say \"hi\"' as text, 1.5 as number, null as missing")
    page.get_by_role("button", name="Run").click()
    saved = {}
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        saved[kind] = download.value.path().read_text()

    assert saved["CSV"].splitlines() == ['"sum","text","number","missing"', '"\'=1+1","say ""hi""","1.5",""']
    assert json.loads(saved["JSON"]) == [{"sum": "=1+1", "text": 'say "hi"', "number": 1.5, "missing": None}]


def test_what_is_selected_does_nothing(page):
    page.open("query")
    page.get_by_label("SQL").fill(f"select '{shop.HOSTILE}' as \"{shop.HOSTILE}\"")
    page.get_by_role("button", name="Run").click()

    assert rows(page, "What was selected") == [[shop.HOSTILE]]
    assert page.locator("main script, main img").count() == 0
