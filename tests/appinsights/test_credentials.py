"""Entra ID: tokens are fetched in the sending thread, kept as long as they last, and shown to nobody else."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from time import monotonic, time
from types import ModuleType

import pytest

from ext_appinsights import Channel, ConnectionString, ConnectionStringError, credentials
from ext_appinsights.credentials import ManagedIdentity, Tokens, credential_for
from ext_appinsights.failures import Failure
from ext_appinsights.transport import Transport
from tests.support.authority import Authority
from tests.support.ingestion import KEY, Answer, IngestionServer
from tests.support.proxy import Proxy

HTTPS = ConnectionString(KEY, "https://a.example")
HTTP = ConnectionString(KEY, "http://127.0.0.1:4319")
SCOPE = "https://monitor.azure.com//.default"
VARIABLE = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"


@dataclass
class Token:
    token: str
    expires_on: float


class Credential:
    """Gives `token-1`, `token-2` ... in turn."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.lifetime = lifetime
        self.scopes: list[str] = []
        self.threads: set[str] = set()
        self.failure: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Event()

    def get_token(self, *scopes, **_):
        self.scopes += scopes
        self.threads.add(threading.current_thread().name)
        self.asked.set()
        self.gate.wait(30.0)
        if self.failure is not None:
            raise self.failure
        return Token(f"token-{len(self.scopes)}", time() + self.lifetime)


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock, to be moved."""
    now = [1000.0]
    monkeypatch.setattr(credentials, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def authority(tmp_path, monkeypatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", made.path)
    return made


def warnings_of(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "ext_appinsights" and r.levelno == logging.WARNING]


# Tokens


@pytest.mark.parametrize(
    ("audience", "scope"),
    [
        (None, SCOPE),
        ("https://monitor.azure.us", "https://monitor.azure.us/.default"),
        ("https://monitor.azure.us/", "https://monitor.azure.us//.default"),
    ],
)
def test_the_scope_is_that_of_the_audience(audience: str | None, scope: str):
    """The default has two slashes, as Microsoft's exporter has it: the audience ends in one."""
    credential = Credential()

    assert Tokens(credential, audience).header() == "Bearer token-1"
    assert credential.scopes == [scope]


def test_a_token_is_used_until_five_minutes_before_its_end(clock):
    """Then there is a new one."""
    tokens = Tokens(Credential(lifetime=3600.0), None)
    assert [tokens.header(), tokens.header()] == ["Bearer token-1"] * 2

    clock[0] += 3600.0 - 300.0 - 2.0
    assert tokens.header() == "Bearer token-1"
    clock[0] += 2.0
    assert tokens.header() == "Bearer token-2"


def test_where_the_clock_is_wrong_each_token_is_used_for_a_while(clock):
    """All of them seem to have ended; whoever issues them is still not asked for every request."""
    tokens = Tokens(Credential(lifetime=-7200.0), None)
    assert [tokens.header(), tokens.header()] == ["Bearer token-1"] * 2

    clock[0] += 31.0
    assert tokens.header() == "Bearer token-2"


def test_a_token_that_still_lasts_is_used_while_there_is_no_other(clock):
    """To renew it early is a precaution, so to fail at that is no failure yet."""
    credential = Credential(lifetime=3600.0)
    tokens = Tokens(credential, None)
    tokens.header()
    credential.failure = OSError("no answer from 169.254.169.254")
    clock[0] += 3400.0
    assert tokens.header() == "Bearer token-1"

    clock[0] += 201.0
    with pytest.raises(Failure):
        tokens.header()


def test_a_token_that_was_not_taken_is_forgotten():
    """And not used again when there is no other."""
    credential = Credential()
    tokens = Tokens(credential, None)
    tokens.header()
    tokens.forget()
    credential.failure = OSError("away")

    with pytest.raises(Failure):
        tokens.header()


@pytest.mark.parametrize("text", ["", None, b"bytes", "two words", "line\r\nX-Injected:1", "ümlaut"])
def test_what_cannot_be_sent_is_no_token(text):
    """And is not repeated in the message."""

    class Odd:
        def get_token(self, *_scopes, **_):
            return Token(text, time() + 3600)

    with pytest.raises(Failure) as caught:
        Tokens(Odd(), None).header()
    assert str(caught.value) == (
        f"there is no Entra ID token for {SCOPE} (TypeError: get_token returned no text that can be sent); "
        "the items are kept and sent later. "
        "Check that the identity exists where this runs, and that the credential names the right one."
    )


def test_a_token_in_an_error_is_not_repeated():
    """Some credentials quote what they did not like."""
    credential = Credential()
    credential.failure = ValueError("not good:\n  eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl " + "x" * 500)

    with pytest.raises(Failure) as caught:
        Tokens(credential, None).header()
    assert "(ValueError: not good: <token> xxx" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_azure_identity_logs_does_not_become_telemetry(caplog):
    """In other threads, and for other purposes, it logs as ever."""
    caplog.set_level(logging.INFO)
    log = logging.getLogger("azure.identity._internal.decorators")

    class Talkative:
        def get_token(self, *_scopes, **_):
            log.warning("in this thread")
            other = threading.Thread(target=log.warning, args=("in another",))
            other.start()
            other.join(10.0)
            return Token("token", time() + 3600)

    assert Tokens(Talkative(), None).header() == "Bearer token"
    log.warning("later")
    assert [record.getMessage() for record in caplog.records] == ["in another", "later"]


# Which credential


def test_without_any_there_is_none():
    """Which is the usual case."""
    assert credential_for(HTTPS, None) is None


def test_what_is_given_comes_before_the_environment(monkeypatch):
    """Whatever that holds."""
    monkeypatch.setenv(VARIABLE, "rubbish")
    given = Credential()

    assert credential_for(HTTPS, given) is given


@pytest.mark.parametrize(
    ("text", "client_id"),
    [
        ("Authorization=AAD", None),
        ("Authorization=AAD;ClientId=abc=", "abc="),
        (" clientid = abc ; AUTHORIZATION = aad ; ", "abc"),
    ],
)
def test_the_environment_names_a_managed_identity(monkeypatch, text: str, client_id: str | None):
    """Of the system or of a user; it is read as liberally as a connection string."""
    made = []

    class Identity:
        def __init__(self, **options) -> None:
            made.append(options)

        def get_token(self, *_scopes, **_):
            return Token("token", time() + 3600)

    module = ModuleType("azure.identity")
    module.ManagedIdentityCredential = Identity
    monkeypatch.setitem(sys.modules, "azure.identity", module)
    monkeypatch.setenv(VARIABLE, text)
    credential = credential_for(HTTPS, None)
    assert made == []

    assert isinstance(credential, ManagedIdentity)
    assert [credential.get_token(SCOPE).token, credential.get_token(SCOPE).token] == ["token"] * 2
    assert made == [{"client_id": client_id}]


@pytest.mark.parametrize("text", ["AAD", "Authorization=ikey", "ClientId=abc", "Authorization=AAD;ClientId="])
def test_an_environment_that_cannot_be_understood_is_refused(monkeypatch, text: str):
    """At once, rather than to send without."""
    monkeypatch.setenv(VARIABLE, text)

    with pytest.raises(ConnectionStringError) as caught:
        Channel(HTTPS)
    assert str(caught.value) == (
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING must be Authorization=AAD for the system-assigned identity, "
        "or Authorization=AAD;ClientId=<client ID> for a user-assigned one."
    )


def test_without_azure_identity_the_cure_is_said(monkeypatch):
    """Where it is imported, which is in the sending thread; until then nobody pays for it."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    monkeypatch.setenv(VARIABLE, "Authorization=AAD")
    credential = credential_for(HTTPS, None)

    assert credential is not None
    with pytest.raises(Failure) as caught:
        Tokens(credential, None).header()
    assert str(caught.value) == (
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING asks for Entra ID, and the package azure-identity is not installed; "
        "the items are kept and sent later. Add azure-identity to requirements.txt, or unset it."
    )


@pytest.mark.parametrize(
    "make", [lambda: Channel(HTTP, credential=Credential()), lambda: Transport(HTTP, 1.0, Credential())]
)
def test_no_token_is_ever_sent_over_plain_http(make):
    """Also not to this machine: it would be a habit."""
    with pytest.raises(ConnectionStringError) as caught:
        make()
    assert str(caught.value) == (
        "The IngestionEndpoint is plain http, and with a credential a token would be sent over it for anyone to read. "
        "Use an https endpoint, or leave the credential out (an Application Insights on this machine asks for no token)."
    )


def test_the_environment_is_refused_over_plain_http_too(monkeypatch):
    """With what to unset."""
    monkeypatch.setenv(VARIABLE, "Authorization=AAD")

    with pytest.raises(ConnectionStringError) as caught:
        Channel(HTTP)
    assert str(caught.value) == (
        "The IngestionEndpoint is plain http, and with APPLICATIONINSIGHTS_AUTHENTICATION_STRING a token would be sent "
        "over it for anyone to read. Use an https endpoint, or unset APPLICATIONINSIGHTS_AUTHENTICATION_STRING "
        "(an Application Insights on this machine asks for no token)."
    )


class AsyncCredential:
    async def get_token(self, *scopes):
        return scopes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "token",
            "credential must be an object with a get_token method, such as azure.identity.DefaultAzureCredential(), "
            "not str.",
        ),
        (
            Credential,
            "credential must be an object with a get_token method, such as azure.identity.DefaultAzureCredential(), "
            "not Credential itself.",
        ),
        (
            AsyncCredential(),
            "credential must not be one for asyncio, as AsyncCredential is: "
            "take the class of the same name from azure.identity instead of azure.identity.aio.",
        ),
    ],
)
def test_what_is_no_credential_is_refused_at_once(given, message: str):
    """Not in the background, some seconds later."""
    with pytest.raises(TypeError) as caught:
        Channel(HTTPS, credential=given)
    assert str(caught.value) == message


# On the wire


def connect(server, **options) -> Channel:
    options = {"interval": 0.02, "backoff": (0.02, 0.05), "journal": False, **options}
    return Channel(server.connection_string, **options)


def authorizations(server) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


def test_every_request_carries_the_token(events, authority):
    """One for all, fetched in the sending thread."""
    credential = Credential()
    with IngestionServer(tls=authority.server()) as server:
        channel = connect(server, credential=credential)
        for name in "ab":
            channel.send(events(name))
            assert channel.flush(20.0)
        channel.close(5.0)

        assert authorizations(server) == ["Bearer token-1"] * 2
    assert credential.threads == {"ext_appinsights"}


def test_without_a_credential_there_is_no_such_header(events, authority):
    """The instrumentation key is what counts then."""
    with IngestionServer(tls=authority.server()) as server:
        channel = connect(server)
        channel.send(events("a"))
        assert channel.flush(20.0)
        channel.close(5.0)

        assert authorizations(server) == [None]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_replaced_and_the_items_are_kept(events, authority, caplog, status: int):
    """It is said once, with the role that is missing as a rule."""
    refusal = Answer(status)
    with IngestionServer(refusal, refusal, tls=authority.server()) as server:
        channel = connect(server, credential=Credential())
        channel.send(events("a"))
        assert channel.flush(20.0)
        channel.close(5.0)

        assert authorizations(server) == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]
        assert channel.stats()["accepted"] == 1
    (warning,) = warnings_of(caplog)
    assert warning.endswith(
        f": the service answered {status}: it does not accept this client: if the resource takes Entra ID only, pass a "
        "credential or set APPLICATIONINSIGHTS_AUTHENTICATION_STRING, and give that identity the role Monitoring "
        "Metrics Publisher on it; such items are kept."
    )
    assert "token-" not in caplog.text


def test_while_there_is_no_token_nothing_is_sent(events, authority, caplog):
    """The items are kept, it is said once, and once more when it is over."""
    caplog.set_level(logging.INFO, logger="ext_appinsights")
    credential = Credential()
    credential.failure = RuntimeError(
        "ManagedIdentityCredential authentication unavailable.\nThe identity is not there."
    )
    with IngestionServer(tls=authority.server()) as server:
        channel = connect(server, credential=credential)
        channel.send(events("a"))
        while len(credential.scopes) < 4:
            assert not channel.flush(0.05)
        assert (server.requests, channel.stats()["accepted"]) == ([], 0)

        credential.failure = None
        assert channel.flush(20.0)
        channel.close(5.0)
        assert len(server.requests) == 1
    warning, recovery = [r.getMessage() for r in caplog.records if r.name == "ext_appinsights"]
    assert warning == (
        f"Telemetry to localhost:{server.port}: there is no Entra ID token for {SCOPE} "
        "(RuntimeError: ManagedIdentityCredential authentication unavailable. The identity is not there.); "
        "the items are kept and sent later. "
        "Check that the identity exists where this runs, and that the credential names the right one."
    )
    assert recovery.startswith(f"Telemetry to localhost:{server.port} is accepted again; ")


def test_a_credential_that_hangs_holds_up_nobody(events, authority):
    """Only the sending thread waits for it; flush() and close() keep their time."""
    credential = Credential()
    credential.gate.clear()
    with IngestionServer(tls=authority.server()) as server:
        channel = connect(server, credential=credential)
        channel.send(events("a"))
        assert credential.asked.wait(20.0)

        started = monotonic()
        channel.send(events("b"))
        channel.commit()
        channel.kick()
        assert not channel.flush(0.3)
        assert monotonic() - started < 3.0
        credential.gate.set()

        assert channel.flush(20.0)
        assert len(server.items) == 2
        channel.close(5.0)


def test_the_time_of_the_credential_is_not_that_of_the_request(authority):
    """However long the token took, the request has its whole deadline."""
    credential = Credential()
    credential.gate.clear()
    threading.Timer(1.2, credential.gate.set).start()
    with IngestionServer(tls=authority.server()) as server:
        transport = Transport(ConnectionString(KEY, server.url), 1.0, credential)

        assert transport.post(b"").status == 200
        transport.close()


def test_a_token_is_not_taken_to_a_host_outside_of_the_allow_list(authority):
    """A redirect there is not followed at all."""
    with IngestionServer(tls=authority.server("localhost", "127.0.0.1")) as foreign:
        moved = Answer(308, headers={"Location": f"https://127.0.0.1:{foreign.port}/v2.1/track"})
        with IngestionServer(moved, tls=authority.server()) as server:
            transport = Transport(ConnectionString(KEY, server.url), 20.0, Credential())
            with pytest.raises(Failure, match=r"^it redirects to 127\.0\.0\.1, which is not allowed; "):
                transport.post(b"")
            transport.close()

            assert authorizations(server) == ["Bearer token-1"]
        assert foreign.requests == []


def test_a_redirect_to_plain_http_is_said_to_be_one(authority):
    """The same host is not enough."""
    with IngestionServer() as plain:
        moved = Answer(307, headers={"Location": f"http://localhost:{plain.port}/v2.1/track"})
        with IngestionServer(moved, tls=authority.server()) as server:
            transport = Transport(ConnectionString(KEY, server.url), 20.0, Credential())
            with pytest.raises(Failure, match=r"^it redirects to localhost without TLS, which is not allowed; "):
                transport.post(b"")
            transport.close()
        assert plain.requests == []


def test_an_allowed_redirect_takes_the_token_along(authority, monkeypatch):
    """From one host of Microsoft's to another; here both are played by a proxy's imagination."""
    old, new = "dc.services.visualstudio.com", "we.services.visualstudio.com"
    with IngestionServer(tls=authority.server(new)) as second:
        moved = Answer(308, headers={"Location": f"https://{new}:444/v2.1/track"})
        with IngestionServer(moved, tls=authority.server(old)) as first:
            with Proxy({old: first.port, new: second.port}) as proxy:
                monkeypatch.setenv("HTTPS_PROXY", proxy.url)
                transport = Transport(ConnectionString(KEY, f"https://{old}"), 20.0, Credential())
                assert [transport.post(b"").status, transport.post(b"").status] == [200, 200]
                transport.close()

                assert [asked.target for asked in proxy.asked] == [f"{old}:443", f"{new}:444"]
                assert all("authorization" not in asked.headers for asked in proxy.asked)
            assert len(first.requests) == 1
        assert authorizations(second) == ["Bearer token-1"] * 2


def test_the_credentials_of_azure_identity_fit():
    """The protocol is azure-core's."""
    azure_identity = pytest.importorskip("azure.identity")
    credential = azure_identity.ManagedIdentityCredential()

    assert credential_for(HTTPS, credential) is credential
