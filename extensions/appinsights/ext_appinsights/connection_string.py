"""Where telemetry goes: the connection string of an Application Insights resource.

The form is that of Microsoft's "Connection strings in Application Insights" page, read liberally: keys in any case,
spaces around them, empty segments, and values that contain `=` are all fine. A message never repeats any value, so
the instrumentation key cannot reach a log through one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

DEFAULT_ENDPOINT = "https://dc.services.visualstudio.com"
DEFAULT_LIVE_ENDPOINT = "https://rt.services.visualstudio.com"
VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
KEY_VARIABLE = "APPINSIGHTS_INSTRUMENTATIONKEY"

KEY_LIMIT = 40
"""Characters of an instrumentation key (Envelope.bond, iKey)."""


class ConnectionStringError(ValueError):
    """A connection string that cannot be used. Names the segment that is wrong, never its value."""


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """The resource that items are for, and the base URL that they are posted to. Its repr hides all but the URL."""

    instrumentation_key: str = field(repr=False)
    ingestion_endpoint: str = DEFAULT_ENDPOINT
    """Without a trailing slash; `http://` is allowed, for an Application Insights on this machine."""
    live_endpoint: str = field(default=DEFAULT_LIVE_ENDPOINT, repr=False)
    """Base URL of live metrics, without a trailing slash and unchecked: nothing is sent to it."""
    aad_audience: str | None = field(default=None, repr=False)
    """For whom Entra ID tokens are asked; None is `https://monitor.azure.com/`."""
    application_id: str | None = field(default=None, repr=False)
    """Application ID of the resource, as its API wants it; nothing depends on it here."""

    def __post_init__(self) -> None:
        _check_key(self.instrumentation_key, "The instrumentation key")

    @classmethod
    def parse(cls, text: str) -> ConnectionString:
        """Read `InstrumentationKey=...;IngestionEndpoint=...`.

        Raises:
            ConnectionStringError: naming the segment that is wrong, by number and key.

        """
        if not isinstance(text, str):
            raise ConnectionStringError(f"The connection string must be text, not {type(text).__name__}.")
        segments = _segments(text)
        where, key = segments.get("instrumentationkey", ("", ""))
        if not where:
            raise ConnectionStringError(
                "The connection string has no InstrumentationKey segment. "
                "Copy it whole from the Overview page of the Application Insights resource."
            )
        _check_key(key, where)
        where, scheme = segments.get("authorization", ("", "ikey"))
        if scheme.lower() != "ikey":
            raise ConnectionStringError(
                f"{where} must be ikey, or be left out. "
                "For Entra ID pass a credential, or set APPLICATIONINSIGHTS_AUTHENTICATION_STRING."
            )
        return cls(
            key,
            _endpoint(segments),
            _live_endpoint(segments),
            _audience(*segments.get("aadaudience", ("", ""))),
            segments.get("applicationid", ("", ""))[1] or None,
        )

    @classmethod
    def from_environment(cls) -> ConnectionString | None:
        """Read APPLICATIONINSIGHTS_CONNECTION_STRING, else APPINSIGHTS_INSTRUMENTATIONKEY; None if both are unset.

        Raises:
            ConnectionStringError: naming the variable and the segment that is wrong.

        """
        text = os.environ.get(VARIABLE, "").strip()
        if text:
            try:
                return cls.parse(text)
            except ConnectionStringError as error:
                raise ConnectionStringError(f"{VARIABLE}: {error}") from None
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
        _check_key(key, KEY_VARIABLE)
        return cls(key)


def _segments(text: str) -> dict[str, tuple[str, str]]:
    """Return lower-case key -> (how a message calls the segment, value); of two with one key the last counts."""
    found: dict[str, tuple[str, str]] = {}
    for number, segment in enumerate(text.split(";"), start=1):
        if not segment.strip():
            continue
        key, equals, value = segment.partition("=")
        if not equals or not key.strip():
            raise ConnectionStringError(
                f"Segment {number} of the connection string is not of the form Key=Value "
                "(for example InstrumentationKey=...;IngestionEndpoint=https://...)."
            )
        known = _KNOWN.get(key.strip().lower())
        if known is not None:
            found[known.lower()] = (f"Segment {number} of the connection string ({known})", value.strip())
    return found


_KNOWN = {
    name.lower(): name
    for name in (
        "InstrumentationKey",
        "IngestionEndpoint",
        "LiveEndpoint",
        "EndpointSuffix",
        "Location",
        "Authorization",
        "AADAudience",
        "ApplicationId",
    )
}


def _check_key(key: str, where: str) -> None:
    if not key:
        raise ConnectionStringError(f"{where} is empty.")
    if len(key) > KEY_LIMIT:
        raise ConnectionStringError(f"{where} has {len(key)} characters, at most {KEY_LIMIT} are allowed.")


def _endpoint(segments: dict[str, tuple[str, str]]) -> str:
    where, url = segments.get("ingestionendpoint", ("", ""))
    if url:
        return _checked_url(url, where)
    where, suffix = segments.get("endpointsuffix", ("", ""))
    return _checked_url(_of_the_suffix(segments, "dc"), where) if suffix else DEFAULT_ENDPOINT


def _live_endpoint(segments: dict[str, tuple[str, str]]) -> str:
    url = segments.get("liveendpoint", ("", ""))[1].rstrip("/")
    if not url and segments.get("endpointsuffix", ("", ""))[1]:
        url = _of_the_suffix(segments, "live")
    return url or DEFAULT_LIVE_ENDPOINT


def _of_the_suffix(segments: dict[str, tuple[str, str]], service: str) -> str:
    location = segments.get("location", ("", ""))[1].strip(".")
    return f"https://{location and location + '.'}{service}.{segments['endpointsuffix'][1].strip('.')}"


def _audience(where: str, audience: str) -> str | None:
    if not audience.isprintable() or " " in audience:
        raise ConnectionStringError(f"{where} must be a URL like https://monitor.azure.com/, without spaces.")
    return audience or None


def _checked_url(url: str, where: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        right = right and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        right = False
    if not right:
        raise ConnectionStringError(
            f"{where} does not make a URL like https://westeurope-5.in.applicationinsights.azure.com/."
        )
    return url.rstrip("/")
