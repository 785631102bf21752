"""Who sent it: resources and scopes of OTLP as the mapping of ext_opentelemetry reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ext_devkit.insights.otlp.values import Values

SDK_VERSION = "ai.internal.sdkVersion"


class Origin(NamedTuple):
    """A resource; `sdk_version` is the tag that tells which SDK sent it."""

    attributes: dict[str, Any]
    sdk_version: str


class Origins:
    """The resources of one request, each read once."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._last: tuple[Any, Origin | None] = (None, None)

    def of(self, resource: Any) -> Origin:
        """Return the origin that a resource message is; the same object for the same message."""
        known, origin = self._last
        if origin is None or known is not resource:
            attributes = self._values.attributes(resource.attributes)
            origin = Origin(attributes, sdk_version(attributes))
            self._last = (resource, origin)
        return origin


def sdk_version(attributes: dict[str, Any]) -> str:
    """Return which SDK sent it, as `otel<language>:<version>` (SDK-VERSIONS.md: a name has letters only).

    Empty if it does not say so.
    """
    version = attributes.get("telemetry.sdk.version")
    language = re.sub(r"[^a-z]", "", str(attributes.get("telemetry.sdk.language") or "").lower())
    return f"otel{language}:{version}" if version else ""
