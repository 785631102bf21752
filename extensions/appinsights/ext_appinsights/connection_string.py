"""Where telemetry goes: the connection string of an Application Insights resource.

The form is that of Microsoft's "Connection strings in Application Insights" page, read liberally: keys in any case,
spaces around them, empty segments, and values that contain `=` are all fine. A message never repeats any value, so
the instrumentation key cannot reach a log through one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

DEFAULT_ENDPOINT = "https://dc.services.visualstudio.com"
VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
KEY_VARIABLE = "APPINSIGHTS_INSTRUMENTATIONKEY"

KEY_LIMIT = 40
"""Characters of an instrumentation key (Envelope.bond, iKey)."""


class ConnectionStringError(ValueError):
    """A connection string that cannot be used. Names the segment that is wrong, never its value."""


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """The instrumentation key and the base URL that items are posted to. Its repr hides the key."""

    instrumentation_key: str = field(repr=False)
    ingestion_endpoint: str = DEFAULT_ENDPOINT
    """Without a trailing slash; `http://` is allowed, for an Application Insights on this machine."""

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
            raise ConnectionStringError(f"{where} must be ikey, or be left out.")
        return cls(key, _endpoint(segments))

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
    for name in ("InstrumentationKey", "IngestionEndpoint", "EndpointSuffix", "Location", "Authorization")
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
    if not suffix:
        return DEFAULT_ENDPOINT
    location = segments.get("location", ("", ""))[1].strip(".")
    return _checked_url("https://" + (location and location + ".") + "dc." + suffix.strip("."), where)


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
