"""The paths of Application Insights' own protocol: two to send items to, one that only checks them."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ext_devkit.insights.ingest.receiving import intake_of, spoil_of
from ext_devkit.insights.ingest.rejection import BUSY, UNAVAILABLE, RejectedError
from ext_devkit.insights.ingest.track import Answer, refuse, track

if TYPE_CHECKING:
    from starlette.requests import Request

TRACK_PATHS = ("/v2/track", "/v2.1/track")
"""Where items are sent: the first by .NET SDKs and the Functions host, the second by OpenTelemetry and OpenCensus."""

VALIDATE_PATH = "/v2/validate"
"""Where items are checked as if they were sent, and none is stored (SDK-AUTHORING.md)."""

RETRY_SECONDS = 5


async def track_items(request: Request) -> Response:
    """Take telemetry items; answer when they are on file."""
    return await _answer(request, stored=True)


async def validate_items(request: Request) -> Response:
    """Answer what would become of telemetry items; store none."""
    return await _answer(request, stored=False)


async def _answer(request: Request, *, stored: bool) -> Response:
    intake = intake_of(request)
    use = partial(track, store=intake.store if stored else None, strict=intake.strict, spoil=spoil_of(request))
    try:
        answer = await intake.take(request, use)
    except RejectedError as error:
        answer = refuse(error)
    return response(answer)


def response(answer: Answer) -> Response:
    """Return the response that says what became of each item; ASCII, so that nothing a client sent can break it."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if answer.status in (BUSY, UNAVAILABLE) else None
    return Response(json.dumps(answer.body), answer.status, headers, "application/json")


# Azure's connection strings end their endpoint with a slash, and Microsoft's exporter joins the path to it with another
# one, so each path is served with two as well.
routes = [
    Route(slash + path, endpoint, methods=["POST"])
    for path, endpoint in [*((path, track_items) for path in TRACK_PATHS), (VALIDATE_PATH, validate_items)]
    for slash in ("", "/")
]
