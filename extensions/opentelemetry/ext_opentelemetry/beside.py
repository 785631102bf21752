"""Recognises that a tracer provider which the app or the worker set exports already: by Microsoft's exporter, or OTLP.

Their packages are not imported for it, and what they are made of differs from version to version: the processors of
the provider are searched for the exporter, by name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "azure.monitor.opentelemetry"
_EXPORTER = "AzureMonitorTraceExporter"
_FURTHEST = 5
_MOST = 200


def instrumentation_key(provider: Any) -> str | None:
    """Return the key of the resource that Microsoft's exporter, at `provider`, sends to; None if it is not there.

    Empty if there is such an exporter and its key cannot be told.
    """
    for part in _parts(provider):
        if _is(part, _EXPORTER, _PACKAGE):
            return str(getattr(part, "_instrumentation_key", "") or "").lower()
    return None


def exports_by_otlp(provider: Any) -> bool:
    """Whether `provider` has an official OTLP exporter."""
    return any(_is(part, "OTLPSpanExporter", "opentelemetry.exporter.otlp") for part in _parts(provider))


def may_be_hidden() -> bool:
    """Whether Microsoft's exporter is loaded, and so may be behind something that was not recognised."""
    return f"{_PACKAGE}.exporter" in sys.modules


def _is(part: Any, name: str, package: str) -> bool:
    return any(one.__name__ == name and one.__module__.startswith(package) for one in type(part).__mro__)


def _parts(provider: Any) -> Iterator[Any]:
    """Yield the processors and exporters that can be reached from a provider, at most `_MOST`."""
    seen: set[int] = set()
    level = [provider]
    for _ in range(_FURTHEST):
        level = [inner for outer in level for inner in _inside(outer)]
        level = [part for part in {id(part): part for part in level}.values() if id(part) not in seen][:_MOST]
        seen |= {id(part) for part in level}
        yield from level


def _inside(part: Any) -> Iterator[Any]:
    for name, value in tuple(getattr(part, "__dict__", {}).items()):
        if "processor" in name or "exporter" in name:
            yield from value if isinstance(value, (tuple, list)) else (value,)
