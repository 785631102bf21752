"""Live metrics (QuickPulse): answered as the service does while nobody looks at the portal's page, and not kept.

An SDK with live metrics on would else ask again and again what the connection string's LiveEndpoint has for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ext_devkit.insights.ingest.receiving import drain

if TYPE_CHECKING:
    from starlette.requests import Request

PING_PATH = "/QuickPulseService.svc/ping"
POST_PATH = "/QuickPulseService.svc/post"

POLLING_MS = 60_000
"""How long a client should wait before it asks again whether somebody looks."""


async def unsubscribed(request: Request) -> Response:
    """Answer that nobody looks, so that the client sends nothing and asks again in a minute."""
    await drain(request)
    headers = {"x-ms-qps-subscribed": "false", "x-ms-qps-service-polling-interval-hint": str(POLLING_MS)}
    # No body: it would be a configuration, which the client takes over.
    return Response(status_code=200, headers=headers)


routes = [Route(slash + path, unsubscribed, methods=["POST"]) for path in (PING_PATH, POST_PATH) for slash in ("", "/")]
