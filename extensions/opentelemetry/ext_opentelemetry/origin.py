"""What the exporters of metrics and logs have in common: their channel, and the tags of the resource they speak for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ext_appinsights.options import NAMES, check_names
from ext_opentelemetry.attributes import text
from ext_opentelemetry.exporter import channel_of
from ext_opentelemetry.resource import tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.resources import Resource

    from ext_appinsights import Channel, ConnectionString


class ResourceTags:
    """The context tags of the last resource: nearly everything comes from one."""

    def __init__(self) -> None:
        self._last: tuple[Resource | None, dict[str, str]] = (None, {})

    def of(self, resource: Resource) -> dict[str, str]:
        """Return the tags of everything that comes from `resource`; not to be changed."""
        known, tags = self._last
        if known is not resource:
            tags = tags_of(resource)
            self._last = (resource, tags)
        return tags


def is_synthetic(attributes: Mapping[str, Any]) -> bool:
    """Whether a bot, a test or Azure's "Always On" caused it (azure-monitor-opentelemetry-exporter, _utils.py)."""
    return attributes.get("user_agent.synthetic.type") in ("bot", "test") or "AlwaysOn" in text(
        attributes, "user_agent.original", "http.user_agent"
    )


_THEIRS = tuple(name for name in NAMES if name != "thread_setup")
"""The options of a channel that are not the exporters' own business."""


def own_or_given(
    name: str, connection_string: ConnectionString | str | None, channel: Channel | None, options: Mapping[str, Any]
) -> tuple[Channel, bool]:
    """Return the channel of the exporter called `name`, and whether it is its own to close.

    Raises:
        TypeError: when there is a channel, and something that would make another one; when an option is unknown.
        ValueError: when an option is out of range, or of another type.
        ConnectionStringError: when there is no connection string, or it is wrong.

    """
    check_names(name, options, ("connection_string", "channel", "redact", "credential", *_THEIRS))
    if channel is None:
        return channel_of(connection_string, **options), True
    if connection_string is not None or options:
        others = ", ".join([*(["connection_string"] if connection_string is not None else []), *options])
        raise TypeError(f"{name} got a channel, which has a destination and options of its own; leave out: {others}.")
    return channel, False
