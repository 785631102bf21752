"""How long a message waited before the function had it, where its trigger tells when it was sent."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

_SENT = ("enqueued_time_utc", "enqueued_time", "insertion_time", "event_time")
"""Service Bus, Event Hubs, Queue storage, Event Grid (azure/functions/_abc.py); all of them are UTC."""

_MESSAGES = frozenset({"servicebustrigger", "eventhubtrigger", "queuetrigger", "eventgridtrigger"})


def tells(trigger_type: str) -> bool:
    """Whether a trigger's value tells when it was sent."""
    return trigger_type.lower() in _MESSAGES


def milliseconds(value: Any) -> float | None:
    """Return how long ago the message was sent, the first one of a batch; None if it does not tell.

    Where the sender's clock is ahead of ours it is 0. A message that is taken again waits from its beginning on.
    """
    if isinstance(value, (list, tuple)):
        return max((told for one in value if (told := milliseconds(one)) is not None), default=None)
    for name in _SENT:
        sent = getattr(value, name, None)
        if isinstance(sent, datetime) and sent.year > 1:  # the host's default, where it does not know
            sent = sent if sent.tzinfo is not None else sent.replace(tzinfo=timezone.utc)
            return max(0.0, (datetime.now(timezone.utc) - sent).total_seconds() * 1000)
    return None
