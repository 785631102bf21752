"""TLS is checked as the standard library does by default, and its failures say what to look at."""

from __future__ import annotations

import os
import socket
import threading
from time import monotonic

import pytest

from ext_appinsights import ConnectionString
from ext_appinsights.failures import Failure
from ext_appinsights.transport import Transport
from tests.support.authority import Authority
from tests.support.ingestion import KEY, IngestionServer

CURE = (
    "; the items are kept and sent later. Check the clock of this machine, and whether a proxy on the way puts its own "
    "certificate in place: if so, SSL_CERT_FILE must name a file that holds its CA"
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    return authority


@pytest.fixture
def transport_to():
    """A factory of transports to a URL."""
    made = []

    def make(url: str, timeout: float = 20.0) -> Transport:
        made.append(Transport(ConnectionString(KEY, url), timeout))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def failure_of(transport: Transport, body: bytes = b"{}") -> tuple[str, str]:
    with pytest.raises(Failure) as caught:
        transport.post(body)
    return caught.value.kind, caught.value.what


def test_a_server_whose_authority_is_in_ssl_cert_file_is_trusted(transport_to, trusted):
    """And its connection is kept open."""
    with IngestionServer(tls=trusted.server()) as server:
        transport = transport_to(server.url)

        assert [transport.post(b"").status, transport.post(b"").status] == [200, 200]
        assert server.connections == 1


def test_an_unknown_authority_is_not(transport_to, authority):
    """Without SSL_CERT_FILE those of the system count."""
    with IngestionServer(tls=authority.server()) as server:
        kind, what = failure_of(transport_to(server.url))

        assert kind == "tls"
        assert what == f"the certificate of the service is not trusted (unable to get local issuer certificate){CURE}."
        assert server.requests == []


def test_an_expired_certificate_is_not(transport_to, trusted):
    """It may as well be the clock of this machine that is wrong."""
    with IngestionServer(tls=trusted.server(expired=True)) as server:
        assert failure_of(transport_to(server.url)) == (
            "tls",
            f"the certificate of the service is not trusted (certificate has expired){CURE}.",
        )
        assert server.requests == []


def test_a_certificate_for_another_host_is_not(transport_to, trusted):
    """Whoever holds any certificate could pretend to be the service."""
    with IngestionServer(tls=trusted.server("elsewhere.example")) as server:
        assert failure_of(transport_to(server.url)) == (
            "tls",
            "the certificate of the service is not trusted "
            f"(Hostname mismatch, certificate is not valid for 'localhost'){CURE}.",
        )
        assert server.requests == []


def test_a_file_that_cannot_be_read_is_named(transport_to, authority, monkeypatch):
    """OpenSSL says nothing of it, and trusts nobody."""
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    with IngestionServer(tls=authority.server()) as server:
        _, what = failure_of(transport_to(server.url))

    assert what.endswith(f"{CURE} (now it names /no/such/file.pem, which cannot be read).")


def test_the_file_is_read_again_after_a_failure(transport_to, authority, monkeypatch, tmp_path):
    """So that a file that comes late, or was wrong, needs no restart."""
    late = tmp_path / "late.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(late))
    with IngestionServer(tls=authority.server()) as server:
        transport = transport_to(server.url)
        failure_of(transport)
        os.link(authority.path, late)

        assert transport.post(b"").status == 200


def test_a_server_without_tls_is_told_apart(transport_to):
    """Somebody wrote https:// where it is http://."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        kind, what = failure_of(transport_to(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join(10.0)

    assert kind == "tls"
    assert what.startswith("TLS with the service failed (SSL")
    assert what.endswith(
        "); the items are kept and sent later. "
        "Check that IngestionEndpoint in the connection string names a server that speaks TLS, and the network."
    )


def test_a_handshake_that_nobody_answers_meets_the_deadline(transport_to):
    """Connecting has worked by then."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = monotonic()

        kind, what = failure_of(transport_to(f"https://localhost:{mute.getsockname()[1]}", 0.3))

    assert monotonic() - started < 5.0
    assert (kind, what.partition(";")[0]) == ("unreachable", "the service did not answer within 0.3 s")


def test_a_body_that_nobody_reads_meets_the_deadline_too(transport_to, trusted):
    """Also when it trickles out, so that it would be through some day."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with trusted.server().wrap_socket(connection, server_side=True) as secured:
            while not done.wait(0.002):
                secured.recv(16384)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    started = monotonic()
    _, what = failure_of(transport_to(f"https://localhost:{listener.getsockname()[1]}", 1.0), b"x" * 60_000_000)
    assert monotonic() - started < 5.0
    assert what.startswith("the service did not answer within 1 s;")
    done.set()
    listener.close()
    thread.join(10.0)
