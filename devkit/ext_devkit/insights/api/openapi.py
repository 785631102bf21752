"""The API's own document (OpenAPI 3.1), made of what its resources say of themselves."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ext_devkit.insights.api import query
from ext_devkit.insights.api.resource import INTEGER, TABLE, TEXT, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ext_devkit.insights.api.resource import Parameter, Resource

ERROR = listing(ok={"const": False}, error=TEXT, status=INTEGER)


def document(resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the document of some resources, the query and the live stream."""
    paths: dict[str, Any] = {one.path: {"get": _operation(one)} for one in resources}
    paths["/api/query"] = {
        "post": {
            "summary": "What a statement in SQL selects. It can only read, and ends in time.",
            "requestBody": {"required": True, "content": _json(query.ASKED)},
            "responses": _responses(query.ANSWERED, 400, 408, 413, 415),
        }
    }
    paths["/api/live"] = {
        "get": {
            "summary": "Items as they are stored (event `items`) and each second's numbers (event `rate`), as "
            "server-sent events, until either side ends it.",
            "parameters": [_parameter(TABLE)],
            "responses": {"200": {"description": "The stream.", "content": {"text/event-stream": {}}}}
            | _responses({}, 400, 503, ok=False),
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The local Application Insights",
            "version": version("azfunc-ext-devkit"),
            "description": "Read what was stored. Where telemetry is sent to is not part of it.",
        },
        "paths": paths,
    }


def _operation(one: Resource) -> dict[str, Any]:
    failing = (400, 404) if any(parameter.in_path for parameter in one.parameters) else (400,)
    return {
        "summary": one.summary,
        "parameters": [_parameter(parameter) for parameter in one.parameters],
        "responses": _responses(one.returns, *failing),
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = parameter.schema
    if parameter.repeated:
        schema = {"type": "array", "items": schema}
    elif parameter.default not in (None, ""):
        schema = schema | {"default": parameter.default}
    return {
        "name": parameter.name,
        "in": "path" if parameter.in_path else "query",
        "required": parameter.in_path or parameter.required,
        "description": parameter.about,
        "schema": schema,
    }


def _responses(answered: dict[str, Any], *failing: int, ok: bool = True) -> dict[str, Any]:
    said = {
        400: "What was asked for cannot be answered, and why.",
        404: "There is no such thing.",
        408: "The question did not arrive in time.",
        413: "The question is too long.",
        415: "The question is not JSON.",
        503: "There are too many streams.",
    }
    found: dict[str, Any] = {"200": {"description": "The answer.", "content": _json(answered)}} if ok else {}
    return found | {str(status): {"description": said[status], "content": _json(ERROR)} for status in failing}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
