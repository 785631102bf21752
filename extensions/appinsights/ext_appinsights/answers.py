"""What an answer of the ingestion service means for each item of the request.

The rules are those of the "Endpoint Protocol" text in Microsoft's ApplicationInsights-Home repository: items are
judged one by one whenever the answer lists them, whatever its own status is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

KEPT = frozenset({401, 403, 407, 408, 429})
"""Besides every 5xx: it is the other side's trouble, and may pass."""

QUOTA = frozenset({402, 439})
SAMPLED_OUT = 206
TOO_LARGE = 413
NO_STATUS = 0
"""Stands for the status of an item that is listed as refused without one that HTTP knows."""

_LONGEST_PAUSE = 48 * 60 * 60.0
"""Seconds; the service takes nothing that is older (Envelope.bond, time)."""

_CLIENT = (
    "it does not accept this client: if the resource takes Entra ID only, pass a credential or set "
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING, and give that identity the role Monitoring Metrics Publisher on it"
)
_QUOTA = "the daily quota of the resource is used up"
_ADVICE = {
    400: "it refused items as invalid",
    401: _CLIENT,
    402: _QUOTA,
    403: _CLIENT,
    404: "there is no ingestion under that address: check IngestionEndpoint in the connection string",
    407: "a proxy on the way wants credentials: put them into the variable that names it, "
    "http://user:password@host:port",
    413: "one item alone is too large for it",
    429: "it asks to send less",
    439: _QUOTA,
    511: "a network on the way wants a login",
}
_RUBBISH = (
    "what answers there is not Application Insights; the items are kept. "
    "Check IngestionEndpoint in the connection string, and proxies on the way."
)


@dataclass(slots=True)
class Verdict:
    """What to do with the items of one request; `again` has their indices in it, in order."""

    accepted: int = 0
    again: list[int] = field(default_factory=list)
    """Items to keep and send again."""
    rejected: dict[int, int] = field(default_factory=dict)
    """Items that are lost, by the status that the service gave them."""
    split: bool = False
    """The request as a whole was too large: send it in two halves."""
    pause: float | None = None
    """Seconds that the service wants to be left alone."""
    trouble: tuple[str, str] | None = None
    """Kind of the trouble, and what to say of it."""

    @property
    def refused(self) -> int:
        """How many items are lost."""
        return sum(self.rejected.values())


def judge(status: int, headers: Mapping[str, str], body: bytes, count: int, now: float) -> Verdict:
    """Return what an answer to `count` items means. `now` is the wall clock in seconds; it never raises.

    An answer of success that lists nothing is one for all items, also with an empty body: whoever takes the items and
    says nothing has them, and to send them again would store them twice.
    """
    content = _json(body)
    if _is_rubbish(status, content, body):
        return Verdict(again=list(range(count)), trouble=("rubbish", _RUBBISH))
    listed, reasons = _listed(content, count)
    own = _of_the_unlisted(status, content, len(listed), count)
    if own == TOO_LARGE and count > max(1, len(listed)):
        return Verdict(split=True)
    verdict = Verdict(pause=pause_of(headers, now) if status in QUOTA or listed or _is_kept(status) else None)
    statuses = [listed.get(index, own) for index in range(count)]
    _sort(statuses, verdict)
    shortfall = _shortfall(status, content, len(listed), count, verdict)
    verdict.trouble = _trouble(status, statuses, reasons) or shortfall
    return verdict


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_rubbish(status: int, content: Any, body: bytes) -> bool:
    """Whether something else than the service answered, such as the login page of a network."""
    if _is_accepted(status):
        return bool(body.strip()) and not isinstance(content, dict)
    return status < 400  # noqa: PLR2004


def _listed(content: Any, count: int) -> tuple[dict[int, int], dict[int, str]]:
    """Return the status of each item that the answer lists, and the first message for each status."""
    statuses: dict[int, int] = {}
    reasons: dict[int, str] = {}
    errors = content.get("errors") if isinstance(content, dict) else None
    for error in errors if isinstance(errors, list) else ():
        index = error.get("index") if isinstance(error, dict) else None
        if not _is_whole(index) or not 0 <= index < count:
            continue
        status, message = error.get("statusCode"), error.get("message")
        message = message if isinstance(message, str) else ""
        known = _is_whole(status) and 100 <= status <= 599  # noqa: PLR2004
        statuses[index] = SAMPLED_OUT if "sampled out" in message.lower() else status if known else NO_STATUS
        reasons.setdefault(statuses[index], message)
    return statuses, reasons


def _of_the_unlisted(status: int, content: Any, listed: int, count: int) -> int:
    """Only rejected items are listed, so what is not listed was accepted, if the answer's numbers say the same."""
    if _is_accepted(status) or not listed:
        return status
    agrees = content.get("itemsReceived") == count and content.get("itemsAccepted") == count - listed
    return 200 if agrees else status


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_accepted(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004


def _is_kept(status: int) -> bool:
    return status in KEPT or status >= 500  # noqa: PLR2004


def _sort(statuses: list[int], verdict: Verdict) -> None:
    for index, status in enumerate(statuses):
        if _is_accepted(status):
            verdict.accepted += 1
        elif _is_kept(status):
            verdict.again.append(index)
        else:
            verdict.rejected[status] = verdict.rejected.get(status, 0) + 1


def _trouble(status: int, statuses: list[int], reasons: dict[int, str]) -> tuple[str, str] | None:
    """Return what to say of the first item that is lost, else of the first that is kept."""
    bad = [code for code in statuses if not _is_accepted(code)]
    if not bad:
        return None
    worst = next((code for code in bad if not _is_kept(code)), bad[0])
    kept = _is_kept(worst)
    advice = _ADVICE.get(worst, "it cannot take items now" if kept else "it refused the items")
    reason = " ".join(reasons.get(worst, "").split())[:300]
    said = f' It says: "{reason}".' if reason else ""
    where = f"answered {status}" if worst == status else f"answered {status}, and {worst or 'no status'} for items"
    fate = "kept" if kept else "dropped"
    return (f"status {worst}", f"the service {where}: {advice}; such items are {fate}.{said}")


def _shortfall(status: int, content: Any, listed: int, count: int, verdict: Verdict) -> tuple[str, str] | None:
    """Count as lost what a success counts as not accepted without naming it; nobody can send just that again."""
    if not _is_accepted(status) or not isinstance(content, dict) or content.get("itemsReceived") != count:
        return None
    accepted = content.get("itemsAccepted")
    if not _is_whole(accepted) or not 0 <= accepted < count - listed:
        return None
    missing = count - listed - accepted
    verdict.accepted -= missing
    verdict.rejected[status] = verdict.rejected.get(status, 0) + missing
    counted = f"counts {accepted} of {count} items as accepted and does not name the others"
    return ("numbers", f"the service answered {status}, {counted}; they count as lost.")


def pause_of(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds of a Retry-After header, at most 48 hours; None when absent, not understood, or below one.

    It is a number of seconds, an HTTP date, measured against the answer's own Date so that a wrong clock here does no
    harm, or a time span like `00:05:00`, which Microsoft's text on the .NET channel shows.
    """
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None:
        seconds = _span(text)
    if seconds is None and text:
        seconds = _seconds_until(text, headers.get("date", ""), now)
    # To try again at once, over and over, is what no service wants: the pauses that grow are right then.
    return None if seconds is None or seconds < 1.0 else min(seconds, _LONGEST_PAUSE)


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004


_SPAN = re.compile(r"(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)


def _span(text: str) -> float | None:
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = found.groups(default="0")
    return ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)


def _seconds_until(text: str, date: str, now: float) -> float | None:
    until = _seconds_of(text)
    if until is None:
        return None
    sent = _seconds_of(date)
    return until - (now if sent is None else sent)


def _seconds_of(date: str) -> float | None:
    from datetime import timezone
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
