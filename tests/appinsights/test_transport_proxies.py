"""Proxies of the environment: who is sent through which, with what, and what is said when it goes wrong."""

from __future__ import annotations

import gzip
import socket
from base64 import b64encode
from time import monotonic

import pytest

from ext_appinsights import ConnectionString
from ext_appinsights.failures import Failure
from ext_appinsights.proxies import proxy_for
from ext_appinsights.transport import Transport
from tests.support.authority import Authority
from tests.support.ingestion import KEY, Answer, IngestionServer
from tests.support.proxy import Proxy

BODY = gzip.compress(b"{}")
NAME = "ingestion.example"
"""A host that only the proxy can find."""


@pytest.fixture(autouse=True)
def outside_of_cgi(monkeypatch):
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def transport_to(monkeypatch, authority):
    """A factory of transports to a URL, which trust the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    made = []

    def make(url: str = f"https://{NAME}", timeout: float = 20.0) -> Transport:
        made.append(Transport(ConnectionString(KEY, url), timeout))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def secure(authority):
    """The service, over TLS."""
    with IngestionServer(tls=authority.server(NAME)) as server:
        yield server


def failure_of(transport: Transport) -> tuple[str, str]:
    with pytest.raises(Failure) as caught:
        transport.post(BODY)
    return caught.value.kind, caught.value.what


def test_plain_http_is_handed_to_the_proxy(transport_to, monkeypatch):
    """As a whole URL; the host's address is the proxy's business."""
    with IngestionServer() as server, Proxy({NAME: server.port}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        assert transport_to(f"http://{NAME}").post(BODY).status == 200
        assert [(asked.method, asked.target) for asked in proxy.asked] == [("POST", f"http://{NAME}/v2.1/track")]
        assert server.requests[0].path == "/v2.1/track"


def test_https_goes_through_a_tunnel(transport_to, monkeypatch, secure):
    """One for many requests; the proxy sees the name and nothing else, and the certificate is that of the service."""
    with Proxy({NAME: secure.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = transport_to()

        assert [transport.post(BODY).status, transport.post(BODY).status] == [200, 200]
        (asked,) = proxy.asked
        assert (asked.method, asked.target) == ("CONNECT", f"{NAME}:443")
        assert set(asked.headers) <= {"host"}
        assert len(secure.requests) == 2


def test_a_proxy_may_be_spoken_to_over_tls(transport_to, monkeypatch, secure, authority):
    """TLS to the service within TLS to the proxy; and its certificate is looked at as well."""
    with Proxy({NAME: secure.port}, tls=authority.server()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = transport_to()
        assert [transport.post(BODY).status, transport.post(BODY).status] == [200, 200]
        assert len(proxy.asked) == 1

    with Proxy({NAME: secure.port}, tls=authority.server("elsewhere.example")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        kind, what = failure_of(transport_to())
        assert (kind, proxy.asked) == ("proxy", [])
        assert "certificate is not valid for 'localhost'" in what


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credentials_are_for_the_proxy_alone(transport_to, monkeypatch, secure, scheme: str):
    """Decoded, in the proxy's own header, and never on to the service."""
    with (
        IngestionServer() as plain,
        Proxy({NAME: secure.port if scheme == "https" else plain.port}, credentials="us er:p@ss:w/ö") as proxy,
    ):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://us%20er:p%40ss:w%2F%C3%B6@127.0.0.1:{proxy.port}")

        assert transport_to(f"{scheme}://{NAME}").post(BODY).status == 200
        (request,) = [*plain.requests, *secure.requests]
        assert "proxy-authorization" not in request.headers
        assert proxy.asked[0].headers["proxy-authorization"] == "Basic " + b64encode("us er:p@ss:w/ö".encode()).decode()


def test_a_proxy_that_wants_credentials_says_how_to_give_them(transport_to, monkeypatch, secure):
    """The message has the proxy's address, and nothing of what was tried."""
    with Proxy({NAME: secure.port}, credentials="user:right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:wrong@127.0.0.1:{proxy.port}")

        assert failure_of(transport_to()) == (
            "proxy",
            f"the proxy 127.0.0.1:{proxy.port} that HTTPS_PROXY names wants credentials, or others; "
            "the items are kept and sent later. Put them into HTTPS_PROXY: "
            "http://user:password@host:port, special characters percent-encoded.",
        )


def test_a_proxy_that_refuses_the_tunnel_is_named(transport_to, monkeypatch):
    """With its reason."""
    with Proxy(answer=b"HTTP/1.1 403 Not on the list\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://name:secret@127.0.0.1:{proxy.port}")

        assert failure_of(transport_to()) == (
            "proxy",
            f"the proxy 127.0.0.1:{proxy.port} that ALL_PROXY names does not let the request through "
            "(OSError: Tunnel connection failed: 403 Not on the list); the items are kept and sent later. "
            "Check ALL_PROXY, or name the service's host in NO_PROXY to go without.",
        )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_away_is_named(transport_to, monkeypatch, scheme: str):
    """It is not the service that is down."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    monkeypatch.setenv(f"{scheme}_proxy", f"127.0.0.1:{port}")

    kind, what = failure_of(transport_to(f"{scheme}://{NAME}"))
    assert kind == "proxy"
    assert what.startswith(
        f"the proxy 127.0.0.1:{port} that {scheme.upper()}_PROXY names does not let the request through (Connection"
    )


@pytest.mark.parametrize(
    "slowness",
    [{"mute": True}, {"answer": b"HTTP/1.1 200 " + b"x" * 1000, "trickle": 0.05}],
    ids=["never answers", "trickles"],
)
def test_the_deadline_holds_while_a_tunnel_is_asked_for(transport_to, monkeypatch, slowness: dict):
    """Also when each byte of the proxy's answer comes in time."""
    with Proxy(**slowness) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        started = monotonic()
        kind, what = failure_of(transport_to(timeout=0.5))

        assert monotonic() - started < 5.0
        assert kind == "proxy"
        assert what.startswith(
            f"the proxy 127.0.0.1:{proxy.port} that HTTPS_PROXY names did not answer within 0.5 s; the items are kept"
        )


def test_the_deadline_holds_behind_a_proxy(transport_to, monkeypatch, authority):
    """In the handshake with the service, and while it thinks; then it is the service that is to blame."""
    with socket.create_server(("127.0.0.1", 0)) as mute, Proxy({NAME: mute.getsockname()[1]}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        started = monotonic()
        assert failure_of(transport_to(timeout=1.0)) == (
            "unreachable",
            "the service did not answer within 1 s; the items are kept and sent later. Check IngestionEndpoint in "
            f"the connection string, and the proxy 127.0.0.1:{proxy.port} that HTTPS_PROXY names.",
        )
        assert monotonic() - started < 5.0

    for scheme, proxied in (("http", None), ("https", authority.server())):
        slow = Answer(trickle=0.05)
        with (
            IngestionServer(default=slow, tls=authority.server(NAME)) as server,
            Proxy({NAME: server.port}, tls=proxied) as proxy,
        ):
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            started = monotonic()
            kind, what = failure_of(transport_to(timeout=1.0))
            assert monotonic() - started < 6.0, scheme
            assert (kind, what.partition(";")[0]) == ("unreachable", "the service did not answer within 1 s")


def test_a_proxy_that_went_away_is_named_too(transport_to, monkeypatch, secure):
    """It has let requests through before."""
    with Proxy({NAME: secure.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = transport_to()
        assert transport.post(BODY).status == 200
    failure_of(transport)

    kind, what = failure_of(transport)
    assert kind == "proxy"
    assert "Refused" in what


def test_the_settings_are_read_again_after_a_failure(transport_to, monkeypatch):
    """Not for each request."""
    with IngestionServer() as server, Proxy({NAME: server.port}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
        transport = transport_to(f"http://{NAME}")
        assert failure_of(transport)[0] == "proxy"
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        assert transport.post(BODY).status == 200
        monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
        assert transport.post(BODY).status == 200


def test_a_proxy_that_breaks_up_tls_is_found_out(transport_to, monkeypatch, authority, tmp_path):
    """Its own certificate is trusted only if the machine was told to."""
    other = Authority(tmp_path, "other")
    with IngestionServer(tls=other.server(NAME)) as pretender, Proxy({NAME: pretender.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        kind, what = failure_of(transport_to())
        assert kind == "tls"
        assert "whether a proxy on the way puts its own certificate in place" in what
        assert pretender.requests == []

        monkeypatch.setenv("SSL_CERT_FILE", other.path)
        assert Transport(ConnectionString(KEY, f"https://{NAME}"), 20.0).post(BODY).status == 200


@pytest.mark.parametrize(
    ("settings", "endpoint", "url"),
    [
        ({}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.b", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.b", None),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.b", None),
        ({"HTTP_PROXY": "p:1"}, "http://a.b", "http://p:1"),
        ({"HTTP_PROXY": "http://p"}, "http://a.b", "http://p:80"),
        ({"HTTP_PROXY": "https://p/"}, "http://a.b", "https://p:443"),
        ({"HTTP_PROXY": "http://[::1]:8080"}, "http://a.b", "http://[::1]:8080"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://LARGE:1"}, "https://a.b", "http://small:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://a.b", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "https://a.b", "http://q:1"),
        ({"HTTPS_PROXY": ""}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, a.b"}, "https://a.b:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b:8443"}, "https://a.b:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b:8443"}, "https://a.b", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b"}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".b"}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b"}, "https://a.bb", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b"}, "https://user:x@a.b/path", None),
        ({"HTTP_PROXY": "http://p:1", "no_proxy": "127.0.0.1"}, "http://127.0.0.1:4319", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:4319", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://a.b", None),
    ],
)
def test_the_environment_is_read_as_urllib_does(monkeypatch, settings: dict, endpoint: str, url: str | None):
    """By the scheme of the endpoint, small letters first; ALL_PROXY for what has none of its own."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    proxy = proxy_for(endpoint)

    assert (proxy.url if proxy else None) == url


@pytest.mark.parametrize(
    "setting", ["socks5://user:secret@p:1080", "http://", "http://p:port", "http://p:99999", "http://[::1", "a b"]
)
def test_a_setting_that_is_no_http_proxy_is_said_without_its_value(monkeypatch, setting: str):
    """It may hold a password."""
    monkeypatch.setenv("HTTPS_PROXY", setting)

    with pytest.raises(Failure) as caught:
        proxy_for("https://a.b")
    assert str(caught.value) == (
        "HTTPS_PROXY is not the URL of an HTTP proxy, such as http://proxy.example.com:3128; the items are kept and "
        "sent later. Correct it and restart, or name the service's host in NO_PROXY."
    )


def test_a_proxy_shows_no_credentials(monkeypatch):
    """Neither in a log nor in a traceback."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@p:3128")
    proxy = proxy_for("https://a.b")

    assert proxy is not None
    assert repr(proxy) == "Proxy(url='http://p:3128', variable='HTTPS_PROXY')"


def test_proxies_that_are_given_count_in_place_of_the_environments(monkeypatch):
    """Also where they have none for the scheme: then there is none."""
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example:1")
    given = {"https": "http://user:word@given.example:3128"}

    found = proxy_for("https://service.example", given)

    assert found is not None
    assert (found.url, found.authorization) == (
        "http://given.example:3128",
        f"Basic {b64encode(b'user:word').decode()}",
    )
    assert proxy_for("http://service.example", given) is None
    assert proxy_for("https://service.example", {}) is None


def test_items_go_through_the_proxy_that_a_channel_was_given(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Proxy() as proxy, IngestionServer() as server:
        url = server.url.replace("127.0.0.1", "localhost")
        transport = Transport(ConnectionString(KEY, url), 20.0, proxies={"http": proxy.url})

        assert transport.post(BODY).status == 200
        transport.close()

    assert len(proxy.asked) == 1


def test_a_given_proxy_that_is_none_is_named_as_the_option():
    with pytest.raises(Failure) as caught:
        proxy_for("https://service.example", {"https": "socks5://proxy.example"})

    assert caught.value.what == (
        "The option proxies['https'] is not the URL of an HTTP proxy, such as http://proxy.example.com:3128; "
        "the items are kept and sent later. Correct it and restart, or name the service's host in NO_PROXY."
    )
