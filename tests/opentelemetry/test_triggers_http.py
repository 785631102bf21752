"""What the span of an invocation says of an HTTP request."""

from __future__ import annotations

import json
from http import HTTPStatus
from types import SimpleNamespace
from urllib.parse import urlsplit

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_opentelemetry.triggers.web import _address
from ext_sdk.function import Trigger
from tests.support.invocations import ITEMS, request
from tests.support.lifecycle import invoke


@pytest.fixture
def attributes_of(finished):
    """Send a request; return the attributes of its span."""

    def send(method="GET", url="http://h/api/x", **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        invoke(lambda req: "x", trigger=ITEMS, req=func.HttpRequest(method, url=url, headers=names, body=b""))
        return finished()[-1].attributes

    return send


@pytest.mark.parametrize(
    ("binding", "host_json", "name"),
    [
        ({"type": "httpTrigger"}, None, "GET /api/HttpTrigger"),
        ({"route": "/a/{b:int}/"}, None, "GET /api/a/{b:int}"),
        ({"route": ""}, None, "GET /api"),
        ({"route": "a"}, {"extensions": {"http": {"routePrefix": ""}}}, "GET /a"),
        ({"route": "a"}, {"extensions": {"http": {"routePrefix": "v1/x"}}}, "GET /v1/x/a"),
        ({"route": "a"}, {"version": "2.0"}, "GET /api/a"),
        ({"route": "a"}, [], "GET /api/a"),
        ({}, None, "HttpTrigger"),
    ],
)
def test_the_route_is_the_one_that_callers_use(finished, tmp_path, binding: dict, host_json, name: str):
    """With host.json's prefix; without a route of its own a function has its name; unknown, it is the function's name."""
    if host_json is not None:
        (tmp_path / "host.json").write_text(json.dumps(host_json))
    invoke(lambda req: "x", trigger=Trigger("req", "httpTrigger", binding), req=request())

    (span,) = finished()
    assert span.name == name


@pytest.mark.parametrize(("prefix", "name"), [("v9", "GET /v9/a"), ("", "GET /a")])
def test_an_app_setting_overrides_the_prefix_of_host_json(finished, monkeypatch, tmp_path, prefix: str, name: str):
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": "v1"}}}')
    monkeypatch.setenv("AzureFunctionsJobHost__extensions__http__routePrefix", prefix)
    invoke(lambda req: "x", trigger=Trigger("req", "httpTrigger", {"route": "a"}), req=request())

    (span,) = finished()
    assert span.name == name


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51034", "203.0.113.7"),
        ("203.0.113.7, 198.51.100.1:443", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:51034, 10.0.0.1", "2001:db8::7"),
        ("unknown", None),
        ("<script>", None),
        ("1" * 1000, None),
        ("", None),
    ],
)
def test_the_client_is_the_first_that_proxies_name(attributes_of, forwarded: str, client: str | None):
    """Azure's front ends add the port; what is no address is left out."""
    assert attributes_of(X_Forwarded_For=forwarded).get("client.address") == client


def test_a_method_that_no_standard_knows_is_no_name(finished):
    """Else anybody could make as many operation names as they like."""
    invoke(lambda req: "x", trigger=ITEMS, req=request("BREW"))

    (span,) = finished()
    assert span.name == "HTTP /api/items/{id}"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


@pytest.mark.parametrize(("sent", "known"), [("get", "GET"), ("Brew", "_OTHER")])
def test_a_method_keeps_its_case_beside_the_known_one(finished, sent: str, known: str):
    """As the conventions have it. (azure-functions writes all methods in capitals, Starlette none.)"""
    invoke(lambda req: "x", trigger=ITEMS, req=SimpleNamespace(method=sent, url="http://h/x", headers={}))

    (span,) = finished()
    assert span.attributes["http.request.method"] == known
    assert span.attributes["http.request.method_original"] == sent


@pytest.mark.parametrize(("sent", "known"), [("BREW", "BREW"), ("brew", "BREW"), ("GET", "GET"), ("POST", "_OTHER")])
def test_the_app_setting_takes_the_place_of_the_known_methods(finished, monkeypatch, sent: str, known: str):
    """All of them, as the conventions have it."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, BREW,")
    trigger = Trigger("req", "httpTrigger", {"route": "a"})  # it is looked at once for each function
    invoke(lambda req: "x", trigger=trigger, req=SimpleNamespace(method=sent, url="http://h/x", headers={}))

    (span,) = finished()
    assert span.attributes["http.request.method"] == known
    assert span.attributes.get("http.request.method_original") == (None if sent == known else sent)


def test_the_query_and_the_credentials_of_an_url_are_not_recorded(attributes_of):
    """They may hold a key."""
    attributes = attributes_of(url="https://me:secret@Shop.example:8443/api/x?code=secret#secret")

    assert "secret" not in str(dict(attributes))
    assert (attributes["url.scheme"], attributes["server.address"], attributes["server.port"]) == (
        "https",
        "shop.example",
        8443,
    )


URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS"]),
    st.sampled_from(["localhost", "shop.example", "SHOP.example", "127.0.0.1", "[::1]", "u:p@h"]),
    st.sampled_from(["", ":", ":80", ":7071"]),
    st.from_regex(r"(/[A-Za-z0-9%.:@ -]*)*", fullmatch=True),
    st.sampled_from(["", "?a=b", "?u=http://x/y", "#f", "?a#b"]),
)


@given(URLS)
def test_urls_are_read_as_the_standard_library_reads_them(url: str):
    """Only quicker."""
    attributes: dict = {}
    _address(url, attributes)

    parts = urlsplit(url)
    expected = {"url.path": parts.path or "/", "url.scheme": parts.scheme, "server.address": parts.hostname}
    assert attributes == expected | ({"server.port": parts.port} if parts.port is not None else {})


@given(st.text())
def test_no_text_is_too_strange_for_an_url(url: str):
    """It never raises, and there is always a path."""
    attributes: dict = {}
    _address(url, attributes)

    assert attributes["url.path"]


def test_a_status_of_the_standard_library_is_a_number(finished):
    """Starlette's responses keep it as it is; in Python 3.10 it prints its name."""
    response = SimpleNamespace(status_code=HTTPStatus.BAD_GATEWAY)
    invoke(lambda req: response, trigger=ITEMS, req=request())

    attributes = finished()[-1].attributes
    assert (type(attributes["http.response.status_code"]), attributes["error.type"]) == (int, "502")
