"""Redirects that lead nowhere or to somebody else, and a TLS peer that cannot prove who it is."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
import trustme

from tests.support.faulty import FaultyServer, Plan

KEPT = "the items are kept and sent later. Check IngestionEndpoint in the connection string, and proxies on the way."
ROUND = f"it redirects more than 5 times in a row; {KEPT}"


def moved(to: str) -> Plan:
    return Plan(307, headers={"Location": f"{to}/v2.1/track"})


def test_a_ring_of_two_servers(caller_to):
    """Each attempt ends after a few hops; once the ring is broken everything arrives, at one place, once."""
    with FaultyServer() as one, FaultyServer() as other:
        one.default, other.default = moved(other.url), moved(one.url)
        caller = caller_to(one)
        caller.send(20)
        one.wait_for_visits(6)
        assert caller.stats["requests"] * 6 >= len(one.visits) + len(other.visits)
        assert caller.stats["waiting"] == 20

        other.default = Plan()
        caller.send(20)
        caller.deliver()
        other.check(caller.sent)
        assert not one.stored
    caller.check()
    assert caller.said()[0] == ("WARNING", ROUND)
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


def test_a_redirect_to_itself(caller_to):
    with FaultyServer() as server:
        server.default = moved(server.url)
        caller = caller_to(server)
        caller.send(20)
        server.wait_for_visits(12)
        server.default = Plan()
        caller.deliver()
        server.check(caller.sent)
    caller.check()
    assert caller.said()[0] == ("WARNING", ROUND)
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


def test_a_redirect_to_a_foreign_host_hands_it_nothing(caller_to):
    """The other host is there and would take everything: another name is another host."""
    with FaultyServer() as server, FaultyServer() as foreign:
        server.default = moved(foreign.url.replace("127.0.0.1", "localhost"))
        caller = caller_to(server)
        caller.send(20)
        server.wait_for_visits(3)
        assert caller.stats["waiting"] == 20

        server.default = Plan()
        caller.deliver()
        server.check(caller.sent)
        assert foreign.connections == 0
    caller.check()
    assert caller.said()[0] == ("WARNING", f"it redirects to localhost, which is not allowed; {KEPT}")
    assert [level for level, _ in caller.said()] == ["WARNING", "INFO"]


@pytest.fixture
def authority(tmp_path, monkeypatch) -> trustme.CA:
    """The only authority that the process trusts."""
    own = trustme.CA()
    own.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return own


def context(authority: trustme.CA, name: str = "localhost", **options) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(made)
    return made


BAD = {
    "of an unknown authority": (lambda _: context(trustme.CA()), "unable to get local issuer certificate"),
    "for another name": (lambda own: context(own, "elsewhere.example"), "Hostname mismatch"),
    "out of date": (
        lambda own: context(own, not_after=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)),
        "certificate has expired",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_certificate(authority, caller_to, bad: str):
    """No item is shown to such a peer; with the right certificate everything arrives."""
    make, reason = BAD[bad]
    with FaultyServer() as server:
        server.tls = make(authority)
        caller = caller_to(server)
        caller.send(20)
        while caller.stats["requests"] < 3:
            assert not caller.flush(0.1)
        assert server.visits == []

        server.tls = context(authority)
        caller.deliver()
        server.check(caller.sent)
    caller.check()
    (level, text), (later, _) = caller.said()
    assert (level, later) == ("WARNING", "INFO")
    assert text.startswith(f"the certificate of the service is not trusted ({reason}")


def test_a_peer_that_does_not_speak_tls(authority, caller_to):
    """As behind a proxy that answers in plain text."""
    with FaultyServer() as server:
        caller = caller_to(server.connection_string.replace("http://127.0.0.1", "https://localhost"))
        caller.send(20)
        while caller.stats["requests"] < 3:
            assert not caller.flush(0.1)
        assert server.stored == {}

        server.tls = context(authority)
        caller.deliver()
        server.check(caller.sent)
    caller.check()
    (level, text), (later, _) = caller.said()
    assert (level, later) == ("WARNING", "INFO")
    assert text.startswith("TLS with the service failed (SSL")
