"""Other web sites are kept out: what their pages may send, and that they read nothing."""

from __future__ import annotations

import contextlib
import http.client

import pytest

from ext_devkit.insights.server import InsightsServer

OWN = "http://127.0.0.1:PORT"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, sdk-context"}


@pytest.fixture(scope="module")
def server():
    with InsightsServer(allow_origins=["https://shop.example"]) as server:
        yield server


def ask(server, method, path, headers, body=None):
    """Return the status, the headers and the body."""
    sent = {name: value.replace("PORT", str(server.port)) for name, value in headers.items()}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


@pytest.mark.parametrize("path", ["/", "/api/about", "/ui/main.js", "/v2/track", "//v2.1/track", "/v1/traces"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1:1", "127.0.0.1", "localhost.:PORT", ""]
)
def test_another_name_is_refused_everywhere(server, path, host):
    """A site that gives its own name the address 127.0.0.1 would else be same-origin with this server."""
    status, _, body = ask(server, "GET", path, {"Host": host})

    assert status == 403
    assert "This server answers as 127.0.0.1:" in body


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT"])
def test_its_own_names_are_taken(server, host):
    assert ask(server, "GET", "/api/about", {"Host": host})[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1:1", OWN + ".evil.example"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/search"), ("POST", "/api/query"), ("GET", "/"), ("GET", "/api/live")]
)
def test_pages_of_others_read_nothing(server, method, path, origin):
    status, headers, body = ask(server, method, path, {"Origin": origin})

    assert status == 403
    assert "may not read what is stored here" in body
    assert "Access-Control-Allow-Origin" not in headers


def test_its_own_pages_read(server):
    status, headers, _ = ask(server, "GET", "/api/about", {"Origin": OWN, "Sec-Fetch-Site": "same-origin"})

    assert status == 200
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_embeds_nothing(server, site):
    """As an image or a script, which have no Origin."""
    status, _, body = ask(server, "GET", "/api/about", {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})

    assert (status, "may not read" in body) == (403, True)


def test_a_link_leads_to_the_pages_but_not_to_the_data(server):
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert ask(server, "GET", "/", followed)[0] == 200
    assert ask(server, "GET", "/api/about", followed)[0] == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "http://[::1]:5173",
        "https://shop.example",
        "HTTPS://Shop.Example",
    ],
)
@pytest.mark.parametrize("path", ["/v2/track", "//v2.1/track", "/v1/traces"])
def test_pages_of_this_machine_and_of_named_sites_may_send(server, path, origin):
    asked, allowed, _ = ask(server, "OPTIONS", path, {"Origin": origin} | PREFLIGHT)
    _, answered, _ = ask(server, "POST", path, {"Origin": origin}, b"[]")

    assert asked == 204
    assert allowed["Access-Control-Allow-Headers"] == "content-type, sdk-context"
    assert allowed["Access-Control-Allow-Origin"] == answered["Access-Control-Allow-Origin"] == origin
    assert answered["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://evil@localhost", "file://"]
)
def test_pages_of_others_may_not_send_and_are_told_how_to(server, origin):
    asked, headers, _ = ask(server, "OPTIONS", "/v2/track", {"Origin": origin} | PREFLIGHT)
    sent, _, body = ask(server, "POST", "/v2/track", {"Origin": origin}, b"[]")

    assert (asked, sent) == (403, 403)
    assert "Access-Control-Allow-Origin" not in headers
    assert f"azfunc-ext insights --allow-origin {origin}" in body


def test_any_site_may_send_if_that_is_wanted():
    with InsightsServer(allow_origins=["*"]) as server:
        assert ask(server, "OPTIONS", "/v2/track", {"Origin": "null"} | PREFLIGHT)[0] == 204


def test_what_a_browser_shows_is_held_to_its_own_scripts(server):
    for path in ("/", "/ui/main.js", "/api/about", "/nowhere"):
        _, headers, _ = ask(server, "GET", path, {})
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_itself_brings_no_script_or_style_of_its_own(server):
    """The policy would forbid it."""
    _, _, page = ask(server, "GET", "/", {})

    assert "<script>" not in page
    assert "style=" not in page
    assert " on" not in page.partition("<body>")[2]


@pytest.mark.parametrize("path", ["/ui/../server.py", "/ui/..%2fserver.py", "/ui/%2e%2e/server.py", "/ui//etc/passwd"])
def test_no_other_file_is_served(server, path):
    assert ask(server, "GET", path, {})[0] in (403, 404)
