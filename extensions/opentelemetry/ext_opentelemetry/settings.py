"""What `OpenTelemetryExtension.configure` takes, checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from opentelemetry.sdk.trace.export import SpanExporter  # noqa: TC002 - read at run time, as a hint

from ext_appinsights import ConnectionString, ConnectionStringError, TokenCredential
from ext_appinsights.redaction import Redactor  # noqa: TC001 - read at run time, as a hint
from ext_opentelemetry import otlp

VARIABLES = ("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPINSIGHTS_INSTRUMENTATIONKEY")
"""The app settings that can name the resource; the host reads the same."""


@dataclass(frozen=True)
class Settings:
    """Each can be an app setting too, as EXT_OPENTELEMETRY_<NAME>; what is passed to `configure` wins."""

    exporter: Literal["auto", "appinsights", "otlp", "console", "none"] | SpanExporter = "auto"
    """Where telemetry goes. "auto": to Application Insights if there is a connection string, else by OTLP/HTTP if there
    is OTEL_EXPORTER_OTLP_ENDPOINT, else nowhere, said once."""

    connection_string: str | None = field(default=None, repr=False)
    """Of the Application Insights resource; None reads APPLICATIONINSIGHTS_CONNECTION_STRING."""

    credential: TokenCredential | None = field(default=None, repr=False)
    """For Entra ID, an object of azure-identity; None reads APPLICATIONINSIGHTS_AUTHENTICATION_STRING."""

    sampling_ratio: float = 1.0
    """The part of all invocations that is recorded, 0 to 1; decided once for each, with everything inside it."""

    invocation_span: Literal["auto", "server", "internal", "none"] = "auto"
    """What an invocation's own span is. "server": a request. "internal": a part of the request that the host reports.
    "auto": "internal" under a host that reports it, else "server". "none": no span."""

    instrument: tuple[str, ...] = ("requests",)
    """The libraries whose calls are traced, by the names of OpenTelemetry's instrumentations for them."""

    resource_attributes: dict[str, Any] | None = None
    """More attributes of the resource, such as {"service.version": "1.2"}; only for our own tracer provider."""

    flush: Literal["auto", "invocation", "background"] = "auto"
    """When telemetry is delivered. "auto": at the end of an invocation when these are rare, else by timer.
    "invocation": at the end of each. "background": by timer."""

    flush_budget: float = 0.1
    """Seconds for which the end of an invocation waits for delivery, at most."""

    redact: bool | Redactor = True
    """Whether credentials are replaced before they go to Application Insights; a `Redactor` knows more of them."""

    journal: bool | str = True
    """Whether items are kept on disk until they are delivered, and in which folder; True is the temporary one."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.sampling_ratio <= 1.0:
            raise ValueError(f"setting 'sampling_ratio' is {self.sampling_ratio!r}. Allowed: a number from 0 to 1.")
        if not 0.0 <= self.flush_budget < inf:
            raise ValueError(f"setting 'flush_budget' is {self.flush_budget!r}. Allowed: seconds, 0 or more.")
        if self.journal == "":
            raise ValueError("setting 'journal' is ''. Allowed: true, false or the path of a folder.")
        for name in self.instrument:
            if not name.replace("-", "_").isidentifier():
                raise ValueError(f"setting 'instrument' has {name!r}. Allowed: names such as 'requests' or 'httpx'.")
        if self.exporter == "otlp" and not otlp.is_installed():
            raise ValueError(f"setting 'exporter' is 'otlp', but {otlp.MISSING}")
        if self.connection_string is not None:
            try:
                ConnectionString.parse(self.connection_string)
            except ConnectionStringError as error:
                raise ValueError(f"setting 'connection_string': {error}") from None
        elif self.exporter == "appinsights" and not any(map(os.environ.get, VARIABLES)):
            raise ValueError(
                "setting 'exporter' is 'appinsights', but there is no connection string. "
                "Set APPLICATIONINSIGHTS_CONNECTION_STRING, or pass connection_string=..."
            )
