"""The header `Server-Timing` (https://www.w3.org/TR/server-timing/), which browsers show in their network panel."""

from __future__ import annotations

import re
from functools import lru_cache
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
    if timed.phases:
        own += "".join(f", {_token(name)};dur={spent / 1e6:.3f}" for name, spent in _longest(timed.phases))
    if timed.cold is not None:
        own += f", coldstart;dur={sum(timed.cold.values()):.3f}"
    # Most responses have no headers, and to look one up that is not there takes longer than all the rest here.
    before = headers.get(NAME, "") if headers else ""
    if before:  # perhaps ours: a function may return one object again, a constant of its module
        before = _OWN.sub("", before)
    headers[NAME] = f"{before}, {own}" if before else own


@lru_cache(256)
def _token(name: str) -> str:
    return _NO_TOKEN.sub("_", name)


def _longest(phases: Mapping[str, tuple[int, int]]) -> list[tuple[str, int]]:
    if len(phases) > MOST:
        phases = dict(sorted(phases.items(), key=lambda one: -one[1][1])[:MOST])
    return [(name, spent) for name, (_, spent) in sorted(phases.items())]
