"""Settings -> the channel that they mean, and what is said of those that mean nothing any more."""

from __future__ import annotations

import logging
import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ext_appinsights import ConnectionString
from ext_opencensus.settings import proxies_of

if TYPE_CHECKING:
    from ext_opencensus.settings import Settings

_log = logging.getLogger("ext_opencensus")

NOWHERE = (
    "Spans are not exported: there is no connection string. Set APPLICATIONINSIGHTS_CONNECTION_STRING, or call "
    "OpenCensusExtension.configure(connection_string=...)."
)

MEANINGLESS = {
    "endpoint": "the connection string says where telemetry goes",
    "storage_retention_period": "items are kept for 48 hours, and the service takes none that is older",
    "storage_maintenance_period": "what is on disk is looked after while delivering",
    "minimum_retry_interval": "the service says when to try again, else the pauses grow from 1 to 60 seconds",
    "enable_standard_metrics": "it is about metrics, and only spans are exported here",
    "logging_sampling_rate": "it is about logs, and only spans are exported here",
}

OF_THE_CHANNEL = {
    "storage_max_size": "journal_max_bytes",
    "export_interval": "interval",
    "max_batch_size": "max_batch",
    "queue_capacity": "max_queue",
    "timeout": "request_timeout",
    "grace_period": "exit_timeout",
}

_OF_THE_DESTINATION = (
    "connection_string",
    "instrumentation_key",
    "credential",
    "enable_local_storage",
    "storage_path",
    "proxies",
    *OF_THE_CHANNEL,
)

_said: set[str] = set()


def say_once(level: int, text: str, detail: str = "") -> None:
    """Log a line, the first time only that there is this text, whatever the detail at its end."""
    if text not in _said:
        _said.add(text)
        _log.log(level, "%s%s", text, detail)


def given(settings: Settings) -> set[str]:
    """Return the names of the settings that are not as they are by default."""
    return {one.name for one in fields(settings) if getattr(settings, one.name) != one.default}


def warn(settings: Settings) -> None:
    """Say once of each setting that it has no effect, and why."""
    set_up = given(settings)
    for name, reason in MEANINGLESS.items():
        if name in set_up:
            say_once(logging.WARNING, f"OpenCensusExtension: the option {name!r} has no effect: {reason}.")
    if settings.exporter is not None:
        without = "the exporter that was passed has its own"
        ignored = [*_OF_THE_DESTINATION, "redact"]
    elif settings.underneath == "opentelemetry":
        without = "with underneath='opentelemetry' it is OpenTelemetryExtension that exports"
        ignored = [*OF_THE_CHANNEL, "proxies", "invocation_span"]
    else:
        return
    for name in ignored:
        if name in set_up:
            say_once(logging.WARNING, f"OpenCensusExtension: the option {name!r} has no effect: {without}.")


def target_of(settings: Settings) -> ConnectionString | None:
    """Return the resource; None if none is named.

    As in OpenCensus (opencensus/ext/azure/common/__init__.py, `process_options`) the key is that of the connection
    string that was passed, else the one that was passed, else that of the environment; the endpoint is that of the
    connection string that was passed, else of the environment.
    """
    if settings.connection_string is not None:
        return ConnectionString.parse(settings.connection_string)
    environment = ConnectionString.from_environment()
    if settings.instrumentation_key is None:
        return environment
    if environment is None:
        return ConnectionString(settings.instrumentation_key)
    return replace(environment, instrumentation_key=settings.instrumentation_key)


def journal_of(settings: Settings) -> bool | str:
    """Return whether items are kept on disk, and in which folder if one is named."""
    if not settings.enable_local_storage:
        return False
    return True if settings.storage_path is None else os.path.expanduser(settings.storage_path)


def channel_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments of the `Channel` that the settings mean."""
    named = {theirs: getattr(settings, ours) for ours, theirs in OF_THE_CHANNEL.items()}
    options = {name: value for name, value in named.items() if value is not None}
    if proxies := proxies_of(settings.proxies):  # for AzureExporter "{}" is none as well
        options["proxies"] = proxies
    return {"exit_timeout": 0.0, "journal": journal_of(settings), "credential": settings.credential} | options
