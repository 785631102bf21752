"""Telemetry is written by others: whatever it says is shown, and does nothing. (`page` fails on dialogs, errors, violations.)"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import ext_devkit.insights
from tests.support.shop import HOSTILE

UI = Path(ext_devkit.insights.__file__).with_name("ui")
OPERATION = f"{0xE71:032x}"

MADE_OF_TEXT = """() => [...document.querySelectorAll("*")].filter(element =>
    ["IMG", "IFRAME", "OBJECT", "EMBED", "B", "STYLE", "BASE", "META"].includes(element.tagName) && element.closest("body")
    || (element.tagName === "SCRIPT" && element.getAttribute("src") !== "/ui/main.js")
    || [...element.attributes].some(({name, value}) => name.startsWith("on") || name === "srcdoc"
        || /^\\s*(?:javascript|data|vbscript):/i.test(value) && name !== "title")
).map(element => element.outerHTML.slice(0, 200))"""
"""Elements that no page of ours builds."""


def assert_only_text(page):
    assert page.evaluate(MADE_OF_TEXT) == []


def test_a_script_in_a_name_a_property_and_an_exception_does_nothing(page):
    page.open(f"transaction/{OPERATION}")
    page.wait_for_selector(".waterfall-row")

    for at in range(6):
        page.locator(".waterfall-row").nth(at).click()
        page.locator(".waterfall-row.selected").nth(0).wait_for()
        assert HOSTILE in page.locator(".panel").inner_text()
        assert_only_text(page)
    assert page.locator(".transaction-head h2").inner_text() == HOSTILE


PAGES = ("transaction", "search?q=alert", "live", "performance", "failures", "metrics", "map", "query")
URLS = (
    "search?q=%3Cscript%3Ealert(1)%3C/script%3E", "search?name=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "search?role=%3Cimg%20src%3Dx%3E", "search?table=__proto__", "search?item=javascript:alert(1)", "%3Cscript%3E", "__proto__",
    "constructor", "search/%E0%A4%A", "search?last=%3Cb%3E&from=x&to=y&success=maybe&severity=9", "transaction/%3Cimg%20src=x%3E",
    f"transaction/{OPERATION}?item=__proto__:1&hide=__proto__&hide=constructor", "performance?name=%3Cb%3E&kind=__proto__",
    "metrics?name=%3Cimg%20src%3Dx%3E&split=__proto__", "query?sql=%3Cscript%3E",
)  # fmt: skip


def test_no_page_makes_elements_of_telemetry(page):
    """One after the other in one document, as a person goes through them: it takes a third of the time."""
    for where in PAGES:
        page.open(where)
        expect(page.locator("nav [aria-current]")).to_have_attribute("href", re.compile(where.partition("?")[0]))
        page.locator(f"main :text({HOSTILE[:20]!r}), main svg").first.wait_for() if where != "query" else None

        assert page.evaluate(MADE_OF_TEXT) == [], where


def test_no_url_makes_elements(page):
    """Links are sent by others as well."""
    page.open("transaction")
    for where in URLS:
        page.open(where)
        page.locator(".page > *, .page p").first.wait_for()
        assert_only_text(page)
    page.locator(".loading").wait_for(state="detached")
    assert_only_text(page)
    # The browser itself logs requests that were refused; that nothing else is said is what counts.
    page.troubles[:] = [one for one in page.troubles if not re.search(r"status of 40[04]", one)]


def test_characters_that_steer_text_are_made_visible(page):
    page.open(f"transaction/{OPERATION}")
    page.locator(".waterfall-row").first.click()

    reversed_name = page.locator(".facts dd", has_text="gnp.exe")
    assert reversed_name.inner_text() == r"\u202egnp.exe"
    assert reversed_name.locator(".unsafe").inner_text() == r"\u202e"
    page.locator(".waterfall-row", has_text="bell").click()
    page.locator(".panel", has_text=r"bell\x07 \u200b").wait_for()


def test_only_urls_of_the_web_become_links(page):
    page.open(f"transaction/{OPERATION}")
    page.locator(".waterfall-row").first.click()

    links = page.locator(".panel a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links == ["https://example.com/?q=<b>"]


def test_a_huge_value_is_cut_until_one_asks_for_it(page):
    page.open(f"transaction/{OPERATION}")
    page.locator(".waterfall-row").first.click()

    value = page.locator(".facts dd", has_text="AAAA")
    assert len(value.inner_text()) < 2100
    value.get_by_role("button", name="Show all of it (7.8 KB)").click()
    assert value.inner_text().strip() == "A" * 8000


def test_the_builder_refuses_what_could_run(page):
    """Attributes of other names, other links and text in styles throw, so a mistake of ours is seen at once."""
    page.open("transaction")

    refused = page.evaluate(
        """async () => {
            const {el, svg, setNumber} = await import("/ui/dom.js");
            const tries = {
                handler: () => el("div", {onclick: "alert(1)"}),
                style: () => el("div", {style: "color: red"}),
                srcdoc: () => el("iframe", {srcdoc: "x"}),
                script: () => el("a", {href: "javascript:alert(1)"}),
                disguised: () => el("a", {href: " java\\tscript:alert(1)"}),
                data: () => el("a", {href: "data:text/html,x"}),
                elsewhere: () => el("a", {href: "//example.com"}),
                use: () => svg("use", {href: "https://example.com/x.svg"}),
                css: () => el("div", {css: {"--x": "url(x)"}}),
                property: () => el("div", {css: {color: 1}}),
                infinite: () => setNumber(el("div"), "--x", Infinity),
            };
            return Object.keys(tries).filter(name => {
                try { tries[name](); return false; } catch (error) { return error instanceof TypeError; }
            });
        }"""
    )

    assert refused == [
        "handler", "style", "srcdoc", "script", "disguised", "data", "elsewhere", "use", "css", "property", "infinite",
    ]  # fmt: skip


SOURCES = sorted(path for path in UI.rglob("*") if path.suffix in {".js", ".html", ".css", ".svg"})
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|DOMParser|parseFromString"
    r"|setHTML|\beval\(|new Function|\.srcdoc|\.cssText|setTimeout\(\s*[\"'`]|javascript:"
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_turns_text_into_markup_or_code(path):
    """Text is only ever set as text; and nothing is loaded from elsewhere, as the UI works offline."""
    text = path.read_text("utf-8")

    assert MARKUP.findall(text) == []
    links = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}
    assert links == set(), "The UI comes from this machine alone."
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    if path.suffix == ".js" and path.name != "dom.js":
        assert not re.search(r"createElement(?!\(\"a\"\))|createTextNode|\.style\b(?!\.setProperty\(\"--)", text), (
            "Use el and svg."
        )
