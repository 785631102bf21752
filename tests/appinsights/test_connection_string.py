"""Connection strings are read liberally, and no message ever shows the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_appinsights import ConnectionString, ConnectionStringError

KEY = "0BADF00D-2222-3333-4444-555555555555"
VALUES = st.text(st.characters(exclude_characters=";", exclude_categories=("C", "Z")), min_size=1, max_size=40)


def refused(text) -> str:
    with pytest.raises(ConnectionStringError) as caught:
        ConnectionString.parse(text)
    assert KEY not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"InstrumentationKey={KEY};IngestionEndpoint=https://we-5.in.applicationinsights.azure.com/;Colour=x;",
        f"  instrumentationkey = {KEY} ;; INGESTIONENDPOINT = https://we-5.in.applicationinsights.azure.com",
        f"Anything=a=b;Authorization=ikey;IngestionEndpoint=https://we-5.in.applicationinsights.azure.com/;InstrumentationKey={KEY}",
    ],
)
def test_the_form_is_read_liberally(text: str):
    """Case, order, spaces, empty segments, a trailing `;`, unknown keys and `=` in values do not matter."""
    parsed = ConnectionString.parse(text)

    assert parsed == ConnectionString(KEY, "https://we-5.in.applicationinsights.azure.com")


@pytest.mark.parametrize(
    ("rest", "endpoint"),
    [
        ("", "https://dc.services.visualstudio.com"),
        (";EndpointSuffix=ai.contoso.com", "https://dc.ai.contoso.com"),
        (";EndpointSuffix=ai.contoso.com;Location=westus2", "https://westus2.dc.ai.contoso.com"),
        (";IngestionEndpoint=http://127.0.0.1:4319/;EndpointSuffix=x.y", "http://127.0.0.1:4319"),
        (";IngestionEndpoint=https://proxy.contoso.com/telemetry/", "https://proxy.contoso.com/telemetry"),
    ],
)
def test_the_endpoint_is_given_or_built_or_the_global_one(rest: str, endpoint: str):
    """An explicit endpoint wins over a suffix, a suffix over the default; plain http is for this machine."""
    assert ConnectionString.parse(f"InstrumentationKey={KEY}{rest}").ingestion_endpoint == endpoint


@pytest.mark.parametrize(
    ("rest", "endpoint"),
    [
        ("", "https://rt.services.visualstudio.com"),
        (";LiveEndpoint=https://we.livediagnostics.monitor.azure.com/", "https://we.livediagnostics.monitor.azure.com"),
        (";EndpointSuffix=ai.contoso.com;Location=westus2", "https://westus2.live.ai.contoso.com"),
        (";liveendpoint=https://a.b;EndpointSuffix=ai.contoso.com", "https://a.b"),
        (";LiveEndpoint=not a URL", "not a URL"),
    ],
)
def test_the_endpoint_of_live_metrics_is_known_as_well(rest: str, endpoint: str):
    """Nothing is sent there, so nothing about it makes a connection string unusable."""
    assert ConnectionString.parse(f"InstrumentationKey={KEY}{rest}").live_endpoint == endpoint


def test_audience_and_application_are_understood():
    """In any case, and absent when empty."""
    parsed = ConnectionString.parse(f"InstrumentationKey={KEY};aadaudience=api://x=y;APPLICATIONID=app;")
    assert (parsed.aad_audience, parsed.application_id) == ("api://x=y", "app")

    parsed = ConnectionString.parse(f"InstrumentationKey={KEY};AADAudience=;ApplicationId=")
    assert (parsed.aad_audience, parsed.application_id) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            KEY,
            "Segment 1 of the connection string is not of the form Key=Value "
            "(for example InstrumentationKey=...;IngestionEndpoint=https://...).",
        ),
        (
            "IngestionEndpoint=https://a.b",
            "The connection string has no InstrumentationKey segment. "
            "Copy it whole from the Overview page of the Application Insights resource.",
        ),
        (
            "",
            "The connection string has no InstrumentationKey segment. "
            "Copy it whole from the Overview page of the Application Insights resource.",
        ),
        ("InstrumentationKey= ;", "Segment 1 of the connection string (InstrumentationKey) is empty."),
        (
            f"A=1;InstrumentationKey={KEY}12345",
            "Segment 2 of the connection string (InstrumentationKey) has 41 characters, at most 40 are allowed.",
        ),
        (
            f"InstrumentationKey={KEY};Authorization=aad",
            "Segment 2 of the connection string (Authorization) must be ikey, or be left out. "
            "For Entra ID pass a credential, or set APPLICATIONINSIGHTS_AUTHENTICATION_STRING.",
        ),
        (
            f"InstrumentationKey={KEY};AADAudience=https://monitor.azure.com/ {KEY}",
            "Segment 2 of the connection string (AADAudience) must be a URL like https://monitor.azure.com/, "
            "without spaces.",
        ),
        (
            f"InstrumentationKey={KEY};IngestionEndpoint=ftp://{KEY}",
            "Segment 2 of the connection string (IngestionEndpoint) does not make a URL like "
            "https://westeurope-5.in.applicationinsights.azure.com/.",
        ),
        (
            f"InstrumentationKey={KEY};EndpointSuffix=a b",
            "Segment 2 of the connection string (EndpointSuffix) does not make a URL like "
            "https://westeurope-5.in.applicationinsights.azure.com/.",
        ),
        (12, "The connection string must be text, not int."),
    ],
)
def test_a_message_names_the_segment_and_never_the_key(text, message: str):
    """Who copied half a string sees which half is wrong."""
    assert refused(text) == message


@pytest.mark.parametrize(
    "url", ["https://", "https://a:port", "https://a:0", "https://[::1", "https://a?b", "//a.b", "https://a/\u200bx"]
)
def test_an_endpoint_that_is_no_base_url_is_refused(url: str):
    """What would fail in the background later is said at once."""
    assert "(IngestionEndpoint)" in refused(f"InstrumentationKey={KEY};IngestionEndpoint={url}")


def test_the_repr_hides_the_key():
    """A connection string in a log or a traceback gives nothing away."""
    target = ConnectionString(KEY, live_endpoint="https://live", aad_audience="audience", application_id="application")
    assert repr(target) == "ConnectionString(ingestion_endpoint='https://dc.services.visualstudio.com')"


def test_a_key_given_alone_is_checked_too():
    """The class cannot hold what the service refuses."""
    with pytest.raises(ConnectionStringError, match=r"^The instrumentation key is empty\.$"):
        ConnectionString("")


def test_the_environment_is_read_in_microsofts_order(monkeypatch: pytest.MonkeyPatch):
    """The connection string wins over the bare key of old; blank settings count as absent."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", f"InstrumentationKey={KEY}")
    monkeypatch.setenv("APPINSIGHTS_INSTRUMENTATIONKEY", "other")
    assert ConnectionString.from_environment() == ConnectionString(KEY)

    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", " ")
    assert ConnectionString.from_environment() == ConnectionString("other")

    monkeypatch.delenv("APPINSIGHTS_INSTRUMENTATIONKEY")
    assert ConnectionString.from_environment() is None


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch):
    """The message starts with the variable that holds the wrong text."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=")
    with pytest.raises(ConnectionStringError) as caught:
        ConnectionString.from_environment()
    assert str(caught.value) == (
        "APPLICATIONINSIGHTS_CONNECTION_STRING: Segment 1 of the connection string (InstrumentationKey) is empty."
    )


@given(st.text(max_size=200))
def test_any_text_is_either_read_or_refused_with_a_reason(text: str):
    """Nothing but a ConnectionStringError ever comes out."""
    try:
        parsed = ConnectionString.parse(text)
    except ConnectionStringError as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert parsed.instrumentation_key


@given(segments=st.lists(st.tuples(VALUES, VALUES), max_size=4), endpoint=VALUES, junk=VALUES)
def test_no_message_ever_shows_the_key(segments, endpoint: str, junk: str):
    """Whatever else is wrong with the string, and also when the key was pasted into the wrong place."""
    pairs = [*segments, ("InstrumentationKey", KEY), ("IngestionEndpoint", endpoint + KEY)]
    for text in (";".join(f"{key}={value}" for key, value in pairs), f"InstrumentationKey={KEY};{junk}", KEY + junk):
        try:
            ConnectionString.parse(text)
        except ConnectionStringError as error:
            assert KEY not in str(error)  # noqa: PT017


@given(key=VALUES, host=st.from_regex(r"[a-z]{1,20}(\.[a-z]{1,10}){1,3}", fullmatch=True), port=st.integers(1, 65535))
def test_what_is_written_comes_back(key: str, host: str, port: int):
    """Every key of up to 40 characters and every http(s) base URL survives."""
    parsed = ConnectionString.parse(f"InstrumentationKey={key};IngestionEndpoint=https://{host}:{port}/;")

    assert parsed == ConnectionString(key, f"https://{host}:{port}")
