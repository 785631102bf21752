"""Reading messages, of azure.functions and of the SDK bindings alike, without trusting what a sender put into them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

_MS = 1000


def is_batch(value: Any) -> bool:
    """Whether a trigger's value is several messages."""
    return isinstance(value, (list, tuple))


def first(value: Any) -> Any:
    """Return the message, or the first one of a batch; None if there is none."""
    if not is_batch(value):
        return value
    return value[0] if value else None


def metadata_of(value: Any) -> Mapping[str, Any]:
    """Return what the host tells beside the messages; that of a batch comes with each of them, as one for all."""
    try:
        metadata = first(value).metadata
    except Exception:  # the JSON in it is read only now
        return {}
    return metadata if isinstance(metadata, Mapping) else {}


def size_of(message: Any) -> int | None:
    """Return the bytes of a message's body, None if it does not tell."""
    get_body = getattr(message, "get_body", None)
    body = get_body() if get_body is not None else message
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    return len(body) if isinstance(body, (bytes, bytearray)) else None


def epoch_ms(moment: Any) -> int | None:
    """Return a time as milliseconds since 1970; one without a zone is in UTC. None if it is none."""
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return int(moment.timestamp() * _MS)
    except (AttributeError, TypeError, ValueError, OverflowError, OSError):
        return None


def epoch_seconds(moment: Any) -> int | None:
    """Return a time as seconds since 1970, as `epoch_ms` does."""
    found = epoch_ms(moment)
    return None if found is None else found // _MS
