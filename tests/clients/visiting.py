"""Visits a page of a site of its own, whose browser SDK sends to a server, and notes what the browser asks for."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import sync_playwright

from tests.support.browser import ARGUMENTS
from tests.support.clients import NODE

SDK = "node_modules/@microsoft/applicationinsights-web/dist/es5/applicationinsights-web.min.js"


class Visit(NamedTuple):
    """What was seen from outside: addresses, headers that the site was asked with for its stock, preflights, beacons."""

    asked: list[str]
    stock: list[dict[str, str]]
    preflights: list[str]
    beacons: list[str]
    troubles: list[str]


NOTE_BEACONS = """
const send = navigator.sendBeacon;
navigator.sendBeacon = function (url, data) {
  const taken = send.call(navigator, url, data);
  if (taken) localStorage.setItem(`beacon ${localStorage.length}`, url);
  return taken;
};
"""


class Site(ThreadingHTTPServer):
    """The page, the SDK, and /stock, which keeps the headers of whoever asks."""

    daemon_threads = True

    def __init__(self, packages):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/": NODE / "page.html", "/applicationinsights-web.min.js": packages / SDK}
        self.stock = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/stock":
            self.server.stock.append({name.lower(): value for name, value in self.headers.items()})
        file = self.server.files.get(path)
        content = b"3" if file is None else file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if path.endswith(".js") else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_ignored):
        pass


def visit(path, packages, server):
    """Open the page, let it do all that it does, and leave it."""
    site = Site(packages)
    threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{site.server_port}/?send={quote(server.connection_string)}"
    seen = Visit([], site.stock, [], [], [])
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
            page = browser.new_page()
            page.add_init_script(NOTE_BEACONS)
            watch(page, seen)
            page.goto(address)
            page.evaluate("fetch('/stock?item=7').then((answer) => answer.text())")
            # Its own errors are collected too.
            page.evaluate("new Promise((done) => setTimeout(() => { setTimeout(done); throw new TypeError('odd') }))")
            page.wait_for_function("kinds.includes('PageviewPerformanceData')")
            page.evaluate("insights.flush()")
            server.wait_for("exceptions", 2)
            server.wait_for("dependencies")
            server.wait_for("pageViews")
            leave(page, "left")
            server.wait_for("customEvents", 2)
            page.goto(f"{address}&beacon")
            leave(page, "left by beacon")
            seen.beacons.extend(page.evaluate("Object.values(localStorage)"))
            server.wait_for("customEvents", 3)
            browser.close()
    finally:
        site.shutdown()
        site.server_close()
    return seen


def leave(page, event):
    """Track an event that nothing sends before the page is left."""
    page.evaluate("(name) => insights.trackEvent({ name })", event)
    page.goto(page.url.partition("/?")[0] + "/left")


def watch(page, seen):
    page.on("request", lambda one: seen.asked.append(one.url))
    page.on("console", lambda said: seen.troubles.append(f"{said.type}: {said.text}"))
    network = page.context.new_cdp_session(page)
    network.on(
        "Network.requestWillBeSent",
        lambda event: event["request"]["method"] == "OPTIONS" and seen.preflights.append(event["request"]["url"]),
    )
    network.send("Network.enable")
