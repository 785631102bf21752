"""What `OpenCensusExtension.configure` takes: the options of OpenCensus's AzureExporter, and a few of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal, Protocol, runtime_checkable

from ext_appinsights import ConnectionString, ConnectionStringError, TokenCredential
from ext_appinsights.redaction import Redactor  # noqa: TC001 - read at run time, as a hint


@runtime_checkable
class Exporter(Protocol):
    """An exporter of OpenCensus: `opencensus.trace.base_exporter.Exporter`, AzureExporter, or your own."""

    def export(self, span_datas: list[Any]) -> Any:
        """Take ended spans over."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """A sampler of OpenCensus: those of `opencensus.trace.samplers`, or your own."""

    def should_sample(self, span_context: Any) -> bool:
        """Whether to record what happens in this context."""
        ...


@dataclass(frozen=True)
class Settings:
    """Each can be an app setting too, as EXT_OPENCENSUS_<NAME>; what is passed to `configure` wins."""

    connection_string: str | None = field(default=None, repr=False)
    """Of the Application Insights resource; None reads APPLICATIONINSIGHTS_CONNECTION_STRING."""

    instrumentation_key: str | None = field(default=None, repr=False)
    """Counts where no connection string is passed; None reads APPINSIGHTS_INSTRUMENTATIONKEY."""

    credential: TokenCredential | None = field(default=None, repr=False)
    """For Entra ID, an object of azure-identity; None reads APPLICATIONINSIGHTS_AUTHENTICATION_STRING."""

    exporter: Exporter | None = None
    """Any exporter of OpenCensus, in place of Application Insights and all options about it."""

    sampler: Sampler | None = None
    """Any sampler of OpenCensus; None records everything."""

    underneath: Literal["opencensus", "opentelemetry"] = "opencensus"
    """What makes spans. "opentelemetry": OpenTelemetry does, by its shim, and OpenTelemetryExtension exports them."""

    invocation_span: bool = False
    """Whether each invocation has a span of its own around those that the function makes."""

    redact: bool | Redactor = True
    """Whether credentials in URLs, attributes and messages are replaced before they leave the process; a `Redactor`
    knows more of them."""

    flush: Literal["auto", "invocation", "background"] = "auto"
    """When telemetry is delivered. "auto": at the end of an invocation when these are rare, else by timer.
    "invocation": at the end of each. "background": by timer."""

    flush_budget: float = 0.1
    """Seconds for which the end of an invocation waits for delivery, at most."""

    enable_local_storage: bool = True
    """Whether items are kept on disk until they are delivered."""

    storage_path: str | None = None
    """In which folder; None is one of this user's under the temporary one."""

    storage_max_size: int | None = None
    """Bytes of all items that are kept there."""

    export_interval: float | None = None
    """Seconds for which items are collected before a request that is not full."""

    max_batch_size: int | None = None
    """Items in one request."""

    queue_capacity: int | None = None
    """Items that may wait in memory."""

    timeout: float | None = None
    """Seconds for one request."""

    grace_period: float | None = None
    """Seconds that delivery may take when the interpreter exits."""

    proxies: dict[str, str] | str | None = field(default=None, repr=False)
    """By the scheme of the endpoint, `{"https": "http://proxy:3128"}`, or that as JSON; None reads HTTPS_PROXY."""

    endpoint: str | None = None
    """Without a meaning, as in the original: the connection string says where telemetry goes."""

    storage_retention_period: float | None = None
    """Without a meaning: items are kept for 48 hours, since the service takes none that is older."""

    storage_maintenance_period: float | None = None
    """Without a meaning: what is on disk is looked after while delivering."""

    minimum_retry_interval: float | None = None
    """Without a meaning: the service says when to try again, else the pauses grow from 1 to 60 seconds."""

    enable_standard_metrics: bool | None = None
    """Without a meaning for traces, as in the original."""

    logging_sampling_rate: float | None = None
    """Without a meaning for traces, as in the original."""

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "queue_capacity", "storage_max_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"setting {name!r} is {value!r}. Allowed: a whole number from 1 on.")
        for name in ("export_interval", "grace_period", "flush_budget"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < inf:
                raise ValueError(f"setting {name!r} is {value!r}. Allowed: seconds, 0 or more.")
        if self.timeout is not None and not 0 < self.timeout < inf:
            raise ValueError(f"setting 'timeout' is {self.timeout!r}. Allowed: seconds, more than 0.")
        if self.storage_path == "":
            raise ValueError("setting 'storage_path' is ''. Allowed: the path of a folder.")
        proxies_of(self.proxies)
        _check_object("exporter", self.exporter)
        _check_object("sampler", self.sampler)
        if self.connection_string is not None:
            _checked(ConnectionString.parse, self.connection_string, "connection_string")
        if self.instrumentation_key is not None:
            _checked(ConnectionString, self.instrumentation_key, "instrumentation_key")
        if self.underneath == "opentelemetry":
            self._check_underneath()

    def _check_underneath(self) -> None:
        from importlib.util import find_spec

        if self.exporter is not None:
            raise ValueError(
                "setting 'exporter' is an exporter of OpenCensus, which cannot export what underneath='opentelemetry' "
                "records. Leave it out, or give an exporter of OpenTelemetry to OpenTelemetryExtension.configure()."
            )
        if self.sampler is not None and not hasattr(self.sampler, "rate"):
            raise ValueError(
                "setting 'sampler' has no rate, and with underneath='opentelemetry' only a ProbabilitySampler counts. "
                "Leave it out, or call OpenTelemetryExtension.configure(sampling_ratio=...)."
            )
        for name in ("ext_opentelemetry", "opentelemetry", "opentelemetry.shim.opencensus"):
            try:
                found = find_spec(name)
            except ImportError:
                found = None
            if found is None:
                raise ValueError(
                    "setting 'underneath' is 'opentelemetry', which is not installed. "
                    "Put azfunc-ext-opencensus[opentelemetry] into requirements.txt."
                )


def _check_object(name: str, value: Any) -> None:
    """Refuse a class, which has the methods as well."""
    if isinstance(value, type):
        allowed = f"Allowed: an object of it, {value.__name__}(...)."
        raise ValueError(f"setting {name!r} is the class {value.__name__}. {allowed}")  # noqa: TRY004 - for SettingsError


def _checked(read: Any, text: str, name: str) -> None:
    try:
        read(text)
    except ConnectionStringError as error:
        raise ValueError(f"setting {name!r}: {error}") from None


def proxies_of(setting: dict[str, str] | str | None) -> dict[str, str] | None:
    """Return the setting `proxies`, which AzureExporter takes as JSON, as what it means."""
    if not isinstance(setting, str):
        return setting
    try:
        found = json.loads(setting)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError('setting \'proxies\' is no JSON object of texts, such as {"https": "http://proxy:3128"}.')
    return found
