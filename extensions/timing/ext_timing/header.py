"""The header `Server-Timing` (https://www.w3.org/TR/server-timing/), which browsers show in their network panel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ext_timing.timed import Timed

NAME = "Server-Timing"
MOST = 20
"""Phases that it lists, the longest ones: servers and proxies limit the size of headers."""

_OWN = re.compile(r"(?:^|, )function;dur=\d+\.\d{3}(?:, [^;,]+;dur=\d+\.\d{3})*$")
"""What `add` put there."""

_NO_TOKEN = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a metric's name cannot have: it is a token (RFC 9110, section 5.6.2)."""


def add(response: Any, timed: Timed) -> None:
    """Put the times into its headers, behind what the function itself may have put there.

    An `azure.functions.HttpResponse` has headers, and so has a response of FastAPI; anything else is left as it is.
    """
    headers: Any = getattr(response, "headers", None)
    if not hasattr(headers, "get") or not hasattr(headers, "__setitem__"):
        return
    own = f"function;dur={timed.milliseconds:.3f}"
    for name, spent in _longest(timed.phases):
        own += f", {_NO_TOKEN.sub('_', name)};dur={spent / 1e6:.3f}"
    if timed.cold is not None:
        own += f", coldstart;dur={sum(timed.cold.values()):.3f}"
    # A function may return the same object again, a constant of its module: the time before must not stay there.
    before = _OWN.sub("", headers.get(NAME, ""))
    headers[NAME] = f"{before}, {own}" if before else own


def _longest(phases: Mapping[str, tuple[int, int]]) -> list[tuple[str, int]]:
    if len(phases) > MOST:
        phases = dict(sorted(phases.items(), key=lambda one: -one[1][1])[:MOST])
    return [(name, spent) for name, (_, spent) in sorted(phases.items())]
