"""What an answer of the ingestion service means for each item of the request.

The rules are those of the "Endpoint Protocol" text in Microsoft's ApplicationInsights-Home repository: items are
judged one by one whenever the answer lists them, whatever its own status is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

ACCEPTED = frozenset({200, 204, 206})
"""As an item's own status 206 means that ingestion sampled it out on purpose: it arrived."""

KEPT = frozenset({401, 403, 408, 429, 500, 502, 503, 504})
QUOTA = frozenset({402, 439})
TOO_LARGE = 413

_LONGEST_PAUSE = 48 * 60 * 60.0
"""Seconds; the service takes nothing that is older (Envelope.bond, time)."""

_ADVICE = {
    400: "it refused items as invalid",
    401: "it does not accept this client: is the resource set to Entra ID authentication only?",
    402: "the daily quota of the resource is used up",
    403: "it does not accept this client: is the resource set to Entra ID authentication only?",
    404: "there is no ingestion under that address: check IngestionEndpoint in the connection string",
    413: "one item alone is too large for it",
    429: "it asks to send less",
    439: "the daily quota of the resource is used up",
}


@dataclass(slots=True)
class Verdict:
    """What to do with the items of one request, by their index in it."""

    accepted: int = 0
    again: list[int] = field(default_factory=list)
    """Items to keep and send again."""
    refused: int = 0
    split: bool = False
    """The request as a whole was too large: send it in two halves."""
    pause: float | None = None
    """Seconds that the service wants to be left alone."""
    trouble: tuple[str, str] | None = None
    """Kind of the trouble, and what to say of it."""


def judge(status: int, headers: Mapping[str, str], body: bytes, count: int, now: float) -> Verdict:
    """Return what an answer to `count` items means. `now` is the wall clock in seconds; it never raises."""
    content = _json(body)
    errors = content.get("errors") if isinstance(content, dict) else None
    if status == TOO_LARGE and count > 1:
        return Verdict(split=True)
    if status in ACCEPTED and body.strip() and not isinstance(content, dict):
        return Verdict(again=list(range(count)), trouble=("rubbish", _RUBBISH))
    own = _status_of_the_unlisted(status, content, errors, count)
    verdict = Verdict(pause=pause_of(headers, now) if status in KEPT | QUOTA or errors else None)
    statuses = [own] * count
    reasons = _apply(errors, statuses)
    _sort(statuses, verdict)
    verdict.trouble = _trouble(status, statuses, reasons)
    return verdict


_RUBBISH = (
    "what answers there is not Application Insights; the items are kept. "
    "Check IngestionEndpoint in the connection string, and proxies on the way."
)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _status_of_the_unlisted(status: int, content: Any, errors: Any, count: int) -> int:
    """Only rejected items are listed, so what is not listed was accepted, if the answer's numbers say the same."""
    if status in ACCEPTED or not isinstance(errors, list) or not errors:
        return status
    accepted = count - len(errors)
    agrees = content.get("itemsReceived") == count and content.get("itemsAccepted") == accepted
    return 200 if agrees else status


def _apply(errors: Any, statuses: list[int]) -> dict[int, str]:
    """Write the status of each listed item into `statuses`; return the first message for each status."""
    reasons: dict[int, str] = {}
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict):
            continue
        index, status = error.get("index"), error.get("statusCode")
        message = str(error.get("message") or "")
        if _is_whole(index) and _is_whole(status) and 0 <= index < len(statuses):
            statuses[index] = 206 if "sampled out" in message.lower() else status
            reasons.setdefault(status, message)
    return reasons


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _sort(statuses: list[int], verdict: Verdict) -> None:
    for index, status in enumerate(statuses):
        if status in ACCEPTED:
            verdict.accepted += 1
        elif status in KEPT:
            verdict.again.append(index)
        else:
            verdict.refused += 1


def _trouble(status: int, statuses: list[int], reasons: dict[int, str]) -> tuple[str, str] | None:
    worst = next((code for code in statuses if code not in ACCEPTED), None)
    if worst is None:
        return None
    fate = "kept" if worst in KEPT else "dropped"
    advice = _ADVICE.get(worst, "it cannot take items now" if worst in KEPT else "it refused the items")
    said = f' It says: "{reasons[worst][:300]}".' if reasons.get(worst) else ""
    where = f"answered {status}" if worst == status else f"answered {status}, and {worst} for items"
    return (f"status {worst}", f"the service {where}: {advice}; such items are {fate}.{said}")


def pause_of(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds of a Retry-After header: a number or an HTTP date; None when absent or not understood."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text, now)
    if seconds is None:
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004


def _seconds_until(text: str, now: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
