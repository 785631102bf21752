"""HTTP requests and responses, to and from the form in which the host and a Python worker exchange them.

The form is that of the real host (Azure/azure-functions-host, GrpcMessageConversionExtensions.ToRpcHttp): header names
in lower case, repeated headers and query parameters joined with commas, empty query parameters left out, the body as
bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

MAX_BODY = 104_857_600
"""Largest request body in bytes, the real host's default (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT)."""

_WITHOUT_BODY = {204, 205, 304}
_OF_THE_CONNECTION = {"content-length", "transfer-encoding", "connection", "keep-alive"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00\r\n]*")


class BodyTooLargeError(Exception):
    """A request body is larger than MAX_BODY."""


async def read_body(request: Request) -> bytes:
    """Return the whole body; raise BodyTooLargeError instead of keeping more than MAX_BODY bytes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > MAX_BODY:
        raise BodyTooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BodyTooLargeError
    return bytes(body)


def request_datum(request: Request, route_params: Mapping[str, str], body: bytes) -> Datum:
    """Return what the host sends to the worker for a request."""
    return Datum(
        type="http",
        value={
            "method": _text(request.method),
            "url": _text(_url(request)),
            "headers": _texts(_joined((_decode(name).lower(), _decode(value)) for name, value in request.headers.raw)),
            "query": _texts(_joined((key, value) for key, value in request.query_params.multi_items() if value)),
            "params": _texts(route_params),
            "body": Datum(type="bytes", value=body),
        },
    )


def response_from(datum: Datum) -> Response:
    """Return the response for what the worker sends back; raise ValueError if it cannot be written as HTTP."""
    if datum.type == "string":
        return Response(datum.value, media_type="text/plain")
    value = datum.value
    status = int(value["status_code"].value)
    if not 200 <= status <= 999:  # noqa: PLR2004
        raise ValueError(f"the status code {status} is no final HTTP status")
    body = b"" if status in _WITHOUT_BODY else value["body"].value
    response = Response(body, status_code=status)
    for name, header in _response_headers(value):
        _check_header(name, header)
        response.raw_headers.append((name.lower().encode("ascii"), header.encode("utf-8")))
    return response


def _response_headers(value: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, header in value["headers"].items():
        if name.lower() not in _OF_THE_CONNECTION:
            yield name, str(header.value)
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            yield "set-cookie", morsel.OutputString()


def _check_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"the response header {name!r} cannot be written as HTTP: {value!r}")


def _url(request: Request) -> str:
    path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    query = request.scope["query_string"].decode("latin-1")
    host = request.headers.get("host") or request.url.netloc
    return f"{request.scope['scheme']}://{host}{path}{'?' + query if query else ''}"


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join values of equal names with commas, without regard to case; the first spelling of the name stays."""
    spelling: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return {name: ",".join(found) for name, found in values.items()}


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _text(value: str) -> Datum:
    return Datum(type="string", value=value)


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: _text(value) for name, value in values.items()}
