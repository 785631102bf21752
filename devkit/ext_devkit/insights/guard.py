"""Keeps other web sites out: what their pages may send here, and what they may read.

A page that a browser shows can send requests to loopback. It must not read what is stored, neither by itself nor by
giving its own host name the address 127.0.0.1 (DNS rebinding), so the host that a request names and the origin that
sends it have to be right. Telemetry is what pages of a local development server may send.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
INGESTION = ("/v2/", "/v2.1/", "/v1/", "/QuickPulseService.svc/", "/api/profiles/")
"""What paths begin with that take telemetry."""

DEFAULT_PORT = 80
ANY = "*"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HARDENED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_LOOPBACK_ORIGIN = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.ASCII)
_HEADER_NAMES = re.compile(r"[A-Za-z0-9, _-]{0,500}", re.ASCII)


class Guard:
    """ASGI middleware: refuses what comes from elsewhere, and answers browsers that ask whether they may send.

    `allow_origins` are origins besides those of loopback whose pages may send telemetry; `*` is any.
    """

    def __init__(self, app: ASGIApp, port: int, allow_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in LOOPBACK} | (set(LOOPBACK) if port == DEFAULT_PORT else set())
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allow_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = "/" + scope["path"].lstrip("/")
        takes_telemetry = path.startswith(INGESTION)
        why = self._why_not(headers, takes_telemetry, navigation=not path.startswith("/api/"))
        if why is not None:
            await _refusal(why)(scope, receive, send)
            return
        origin = headers.get("origin")
        added = HARDENED
        if takes_telemetry:
            added = {} if origin is None else _cors(origin)
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=added | _preflight(headers))(scope, receive, send)
                return
        await self._app(scope, receive, _adding(added, send))

    def _why_not(self, headers: Headers, takes_telemetry: bool, *, navigation: bool) -> str | None:
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if host not in self._hosts:
            known = ", ".join(sorted(self._hosts))
            return f"The header Host is '{host[:100]}'. This server answers as {known} only, to no other name."
        if takes_telemetry:
            return None if origin is None or self._may_send(origin) else _foreign(origin)
        if origin is not None and origin.lower() not in {f"http://{own}" for own in self._hosts}:
            return f"Pages of '{origin[:100]}' may not read what is stored here."
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode")
        if site in ("cross-site", "same-site") and not (navigation and mode == "navigate"):
            return "Pages of other sites may not read what is stored here."
        return None

    def _may_send(self, origin: str) -> bool:
        if ANY in self._allowed or origin.lower() in self._allowed:
            return True
        return _LOOPBACK_ORIGIN.fullmatch(origin.lower()) is not None


def _foreign(origin: str) -> str:
    return (
        f"Pages of '{origin[:100]}' may not send telemetry here. To let them, start with: "
        f"azfunc-ext insights --allow-origin {origin[:100]}"
    )


def _refusal(why: str) -> Response:
    content = json.dumps({"ok": False, "error": why, "status": 403})
    return Response(content, 403, HARDENED | {"Connection": "close"}, "application/json")


def _cors(origin: str) -> dict[str, str]:
    """Return what lets the page of an origin read the answer (WHATWG Fetch, 3.2)."""
    # The browser SDK sends with credentials when a page is left (sendBeacon); there are none for this server.
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def _preflight(headers: Headers) -> dict[str, str]:
    """Return what lets a page send, with the headers that it wants to."""
    wanted = headers.get("access-control-request-headers", "")
    allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "3600"}
    if wanted and _HEADER_NAMES.fullmatch(wanted):
        allowed["Access-Control-Allow-Headers"] = wanted
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return allowed


def _adding(added: dict[str, str], send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in added.items():
                headers.setdefault(name, value)
        await send(message)

    return adding
