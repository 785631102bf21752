"""The paths of OTLP over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from ext_devkit.insights.ingest.receiving import drain, intake_of, spoil_of
from ext_devkit.insights.ingest.rejection import RejectedError
from ext_devkit.insights.otlp.answers import JSON, PROTOBUF, failure, media_type, success
from ext_devkit.insights.otlp.exporting import export

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

OTLP_PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")


async def export_items(request: Request) -> Response:
    """Take an export request; answer when what it brought is on file."""
    content_type = media_type(request.headers.get("content-type", ""))
    if content_type not in (PROTOBUF, JSON):
        await drain(request)
        return failure(415, f"Content-Type {content_type[:64]!r} is not supported. Send {PROTOBUF} or {JSON}.", JSON)
    signal = request.url.path.rpartition("/")[2]
    intake = intake_of(request)
    as_json = content_type == JSON
    use = partial(export, signal=signal, as_json=as_json, intake=intake, spoil=spoil_of(request))
    try:
        return success(signal, await intake.take(request, use), content_type)
    except RejectedError as error:
        return failure(error.status, str(error), content_type)


routes = [Route(slash + path, export_items, methods=["POST"]) for path in OTLP_PATHS for slash in ("", "/")]
