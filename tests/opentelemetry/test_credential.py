"""Signing in with Entra ID, as a setting of the extension."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from ext_sdk import SettingsError, flush
from tests.support.authority import Authority
from tests.support.ingestion import IngestionServer
from tests.support.lifecycle import invoke


class Credential:
    """Gives one token."""

    def get_token(self, *scopes: str, **_: object) -> SimpleNamespace:
        assert scopes == ("https://monitor.azure.com//.default",)
        return SimpleNamespace(token="token", expires_on=int(time.time()) + 3600)


def test_spans_are_sent_with_a_token(fresh, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    with IngestionServer(tls=authority.server()) as server:
        fresh.configure(connection_string=server.connection_string, credential=Credential())
        invoke(lambda: None, name="Job")

        assert flush(20.0)
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer token"]


def test_over_plain_http_nothing_is_sent_and_the_cure_is_said(fresh, caplog):
    fresh.configure(
        connection_string="InstrumentationKey=k;IngestionEndpoint=http://127.0.0.1:9", credential=Credential()
    )
    invoke(lambda: None, name="Job")

    assert [record.getMessage() for record in caplog.records if record.name == "ext_opentelemetry"] == [
        "Spans are not exported: The IngestionEndpoint is plain http, and with a credential a token would be sent over it "
        "for anyone to read. Use an https endpoint, or leave the credential out (an Application Insights on this machine "
        "asks for no token)."
    ]


def test_what_gives_no_tokens_is_refused(fresh):
    with pytest.raises(SettingsError) as caught:
        fresh.configure(credential="me")

    assert str(caught.value) == (
        "OpenTelemetryExtension: setting 'credential' is *** (2 characters). Allowed: TokenCredential or None."
    )


def test_the_settings_hide_it(fresh):
    fresh.configure(credential=Credential())

    assert "credential" not in repr(fresh.settings())
