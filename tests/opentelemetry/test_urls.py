"""What URLs and targets tell, and what they must not tell."""

from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind

from ext_appinsights.redaction import DEFAULT
from ext_opentelemetry.mapping import Mapper

CLIENT = SpanKind.CLIENT


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.azurewebsites.net/api/stock?code=c2VjcmV0==", "https://shop.azurewebsites.net/api/stock?code=REDACTED"),
        ("https://a.example/x?y=1&CODE=secret&z=2#top", "https://a.example/x?y=1&CODE=REDACTED&z=2#top"),
        ("https://a.blob.core.windows.net/c/b?sv=1&sig=secret", "https://a.blob.core.windows.net/c/b?sv=1&sig=REDACTED"),
        ("https://me:secret@a.example:81/x@y", "https://a.example:81/x@y"),
        ("https://me:sec@ret@a.example/", "https://a.example/"),
        ("https://a.example/x?postcode=1&encode=2&to=me@b.example", "https://a.example/x?postcode=1&encode=2&to=me@b.example"),
        ("https://a.example?to=me@b.example", "https://a.example?to=me@b.example"),
        ("no url at all", "no url at all"),
    ],
)  # fmt: skip
def test_a_url_gives_nobody_access(url: str, shown: str):
    """Function keys, shared access signatures and passwords stay in the process; all else is left as it is."""
    assert DEFAULT.text(url) == shown


@pytest.mark.parametrize(
    ("kind", "attributes", "field"),
    [
        (CLIENT, {"http.method": "GET", "http.url": "http://u:secret@a.example/x?code=secret", "http.status_code": 200}, "data"),
        (CLIENT, {"http.request.method": "GET", "url.full": "http://a.example/x?sig=secret"}, "data"),
        (SpanKind.SERVER, {"http.request.method": "GET", "url.scheme": "http", "server.address": "a", "url.path": "/x", "url.query": "code=secret"}, "url"),
        (SpanKind.SERVER, {"http.method": "GET", "http.scheme": "http", "http.host": "a", "http.target": "/x?code=secret"}, "url"),
    ],
)  # fmt: skip
def test_no_item_holds_a_secret_of_its_url(make_span, kind, attributes: dict, field: str):
    """Whichever conventions it came in."""
    (item,) = Mapper().envelopes(make_span("GET", kind, attributes), None)

    assert field in item["data"]["baseData"]
    assert "secret" not in str(item)
