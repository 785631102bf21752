"""What surrounds the pages: navigation, keys, time range, theme; names for those who listen, contrast for those who look."""

import re

import pytest
from playwright.sync_api import expect

PAGES = {
    "l": "Live",
    "s": "Search",
    "t": "Transactions",
    "p": "Performance",
    "f": "Failures",
    "m": "Metrics",
    "a": "Map",
    "q": "Query",
}
FAILED = f"{0xF411:032x}"

LOOKED_AT = {
    "transaction": "td",
    f"transaction/{FAILED}": ".waterfall-row",
    "search?item=exceptions:1": ".block",
    "search?q=tea": "td",
    "search?q=nobodywritesthis": ".empty",
    "live": "td",
}
"""Pages, and what is there once they are complete."""

LOW_CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = color => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const background = element => {
        for (let one = element; one; one = one.parentElement) {
            const color = rgba(getComputedStyle(one).backgroundColor);
            if (color[3] === 255) return color;
        }
        return [255, 255, 255, 255];
    };
    const low = [];
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest("svg, .sr, .skip, :disabled, noscript, dialog:not([open])")) continue;
        const [one, other] = [luminance(rgba(getComputedStyle(element).color)), luminance(background(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.className} ${element.textContent.slice(0, 30)}`);
    }
    return [...new Set(low)];
}"""

NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, [role=treegrid], table, dialog, nav, aside:not([hidden])")]
    .filter(element => !element.closest("dialog:not([open])") || element.tagName === "DIALOG")
    .filter(element => !(element.getAttribute("aria-label") || element.innerText?.trim() || element.title
        || element.closest("label")?.innerText.trim()))
    .map(element => element.outerHTML.slice(0, 120))"""


def test_every_text_can_be_read_and_everything_has_a_name(page):
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3) in both themes; names (4.1.2); no scrolling sideways (1.4.10)."""
    wide = "[...document.querySelectorAll('html, main')].filter(one => one.scrollWidth > one.clientWidth).length"
    for where, complete in LOOKED_AT.items():
        page.open(where)
        page.locator(f"main {complete}, .panel {complete}").first.wait_for()

        assert page.evaluate(NAMELESS) == [], where
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert page.evaluate(LOW_CONTRAST) == [], (where, theme)
        for width in (420, 800, 1300):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(wide) == 0, (where, width)


def test_g_and_a_letter_go_to_each_page(page):
    page.open("transaction")
    page.wait_for_selector("td")
    for key, title in PAGES.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator("nav [aria-current=page]")).to_have_text(title)
        expect(page.locator(".bar h1")).to_have_text(title)
        assert page.title() == f"{title} · Local Application Insights"


def test_keys_are_letters_while_one_types(page):
    page.open("transaction")
    page.wait_for_selector("td")

    page.keyboard.press("/")
    page.keyboard.type("gs?r")

    assert page.get_by_role("searchbox").input_value() == "gs?r"
    assert page.locator("dialog[open]").count() == 0


def test_a_question_mark_shows_the_keys(page):
    page.open("transaction")
    page.keyboard.press("?")

    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_rows_of_tables_are_walked_and_opened(page):
    page.open("transaction")
    page.wait_for_selector("td")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    first = page.locator("[data-row]").first
    expect(first).to_be_focused()

    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"transaction/\w"))


def test_the_time_range_and_role_stay_when_pages_change(page):
    page.open("search")
    page.get_by_label("Time range").first.select_option("1h")
    page.get_by_label("Role").select_option("stock")
    page.wait_for_url(re.compile("role=stock"))

    page.get_by_role("link", name="Performance").click()

    page.wait_for_url(re.compile(r"#/performance\?last=1h&role=stock$"))


def test_a_range_from_to_is_given_in_local_time(page):
    page.open("search")
    page.get_by_label("Time range").first.select_option("custom")
    dialog = page.get_by_role("dialog", name="Time range")
    dialog.get_by_label("From").fill("2026-01-02T03:04:05")
    dialog.get_by_label("To").fill("2026-01-01T00:00:00")
    dialog.get_by_role("button", name="Show").click()
    assert "has to be before" in dialog.get_by_role("alert").inner_text()
    dialog.get_by_label("To").fill("2026-01-03T00:00:00")
    dialog.get_by_role("button", name="Show").click()

    page.wait_for_url(re.compile(r"from=2026-01-02T03%3A04%3A05.000Z&to=2026-01-03T00%3A00%3A00.000Z"))
    page.get_by_text("Nothing matches").wait_for()


def test_the_theme_is_kept(page):
    page.open("transaction")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    dark = page.evaluate(background)
    page.reload()

    page.get_by_role("button", name="Theme: dark").wait_for()
    assert page.evaluate(background) == dark != light


def test_the_browsers_back_button_goes_back(page):
    page.open("transaction")
    page.locator("td a").first.click()
    page.wait_for_selector(".waterfall-row")
    page.go_back()

    page.wait_for_selector("td")
    assert page.url.endswith("#/transaction")


FORMATS = {
    "duration": {0: "0 ms", 0.00005: "50 ns", 0.0042: "0.004 ms", 0.42: "0.42 ms", 0.9996: "1.0 ms", 4.23: "4.2 ms", 9.96: "10 ms",
                 125.4: "125 ms", 999.7: "1.00 s", 1500: "1.50 s", 12345: "12.3 s", 59996: "1 min 00 s", 125000: "2 min 05 s",
                 3599999: "1 h 00 min", 3720000: "1 h 02 min", 273600000: "3 d 4 h", -5: "-5.0 ms"},
    "compact": {0: "0", 0.25: "0.25", 7: "7", 999: "999", 1234: "1.2k", 999950: "1M", 34567: "34.6k", 5600000: "5.6M"},
    "count": {12345: "12,345", 0: "0"},
    "bytes": {512: "512 B", 2048: "2.0 KB", 3565158: "3.4 MB"},
}  # fmt: skip


def test_numbers_are_written_for_people(page):
    page.open("transaction")

    for name, expected in FORMATS.items():
        written = page.evaluate(
            f"async all => {{ const {{{name}}} = await import('/ui/format.js'); return all.map({name}); }}",
            list(expected),
        )
        assert dict(zip(expected, written, strict=True)) == expected
    pairs = [[0, 10], [1, 100_000], [1, 3], [1, 50], [999_999, 1_000_000], [10, 10], [0, 0]]
    shares = (
        "async all => { const {percent} = await import('/ui/format.js'); return all.map(pair => percent(...pair)); }"
    )
    assert page.evaluate(shares, pairs) == ["0 %", "< 0.1 %", "33 %", "2.0 %", "> 99.9 %", "100 %", ""]


def test_timestamps_keep_their_microseconds(page):
    page.open("transaction")

    written = page.evaluate(
        "async () => { const {instant} = await import('/ui/format.js');"
        " return instant('2026-01-02T03:04:05.678901Z') - instant('2026-01-02T03:04:05.678Z'); }"
    )

    assert written == pytest.approx(0.901, abs=0.001)
