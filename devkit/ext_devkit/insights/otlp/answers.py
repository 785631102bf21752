"""Answers of the OTLP paths (OTLP specification, "OTLP/HTTP Response"): in the content type of the request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from ext_devkit.insights.ingest.rejection import BUSY, UNAVAILABLE
from ext_devkit.insights.ingest.routes import RETRY_SECONDS
from ext_devkit.insights.otlp.signals import signals

if TYPE_CHECKING:
    from ext_devkit.insights.otlp.exporting import Outcome

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_INTERNAL = 13
_CODES = {400: 3, 408: 4, 413: 8, 415: 3, BUSY: 8, UNAVAILABLE: 14}
"""HTTP status -> code of google.rpc.Status (google/rpc/code.proto)."""


def media_type(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def success(signal: str, outcome: Outcome, content_type: str) -> Response:
    """Return the response of a request that was taken, with a count of the items that were not."""
    kind = signals()[signal]
    rejected, received, reason = outcome
    message = kind.response_type()
    if rejected:
        told = message.partial_success
        setattr(told, kind.rejected, rejected)
        told.error_message = f"{rejected} of {received} {kind.name} were refused. The first one: {reason}"
    if content_type == PROTOBUF:
        return Response(message.SerializeToString(), 200, media_type=PROTOBUF)
    from google.protobuf.json_format import MessageToDict

    return Response(json.dumps(MessageToDict(message)), 200, media_type=JSON)


def failure(status: int, reason: str, content_type: str) -> Response:
    """Return google.rpc.Status; 429 and 503 say when to send the same again."""
    code = _CODES.get(status, _INTERNAL)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status in (BUSY, UNAVAILABLE) else None
    if content_type == PROTOBUF:
        return Response(_status(code, reason), status, headers, PROTOBUF)
    return Response(json.dumps({"code": code, "message": reason}), status, headers, JSON)


def _status(code: int, reason: str) -> bytes:
    """Return google.rpc.Status in protobuf: code is field 1, a number below 128; message is field 2, a text."""
    text = reason.encode()
    size = bytearray()
    rest = len(text)
    while rest > 0x7F:  # noqa: PLR2004  seven bits a byte
        size.append(rest & 0x7F | 0x80)
        rest >>= 7
    size.append(rest)
    return bytes((0x08, code, 0x12)) + size + text
