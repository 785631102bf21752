"""The API's document is true: what it allows is answered as it says, and nothing makes the server fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, settings

from ext_devkit.insights.api import openapi, resource, serving
from ext_devkit.insights.server import InsightsServer
from tests.support.docs import DOCS
from tests.support.insights import TABLE_OF, ask, envelope, post

schemathesis = pytest.importorskip("schemathesis", reason="it needs Python 3.11")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

DOCUMENT = openapi.document(serving.RESOURCES)
ENDLESS = "/api/live"
UNSAID = [checks.positive_data_acceptance]
"""A schema cannot say what SQL is, nor that a time range has either two ends or a length."""

schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=ENDLESS)


@pytest.fixture(scope="module")
def server():
    with InsightsServer() as server:
        post(server, [envelope(kind, tags={"ai.cloud.role": "shop"}) for kind in TABLE_OF])
        yield server


@schema.parametrize()
@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_each_question_is_answered_as_the_document_says(case, server):
    # It knows 400 as a refusal of a body, not 413, which one that is too long gets; test_resources.py has these.
    unsaid = [*UNSAID, checks.negative_data_rejection] if case.path == "/api/query" else UNSAID
    case.call_and_validate(base_url=server.url, excluded_checks=unsaid)


def test_the_document_is_served(server):
    status, answer = ask(server, "GET", "/api/openapi.json")

    assert status == 200
    assert answer == json.loads(json.dumps(DOCUMENT))


def test_every_route_of_the_api_is_in_the_document():
    routes = {route.path for route in serving.routes()} - {serving.DOCUMENT}

    assert routes == set(DOCUMENT["paths"])


def parameters():
    """Return the table of parameters as the reference has it."""
    lines = ["| path | parameter | what it is |", "|---|---|---|"]
    ranges = {parameter.name for parameter in resource.WINDOW}
    for path, methods in DOCUMENT["paths"].items():
        given = methods.get("get", {}).get("parameters", ())
        for one in given:
            if one["name"] not in ranges and one["in"] == "query":
                lines.append(f"| `{path}` | `{one['name']}` | {one['description'].rstrip('.')}{_values(one)} |")
        if ranges <= {one["name"] for one in given}:
            lines.append(f"| `{path}` | `from`, `to`, `last` | the time range |")
    return "\n".join(lines)


def _values(one):
    shape = one["schema"].get("items", one["schema"])
    said = ", ".join(f"`{value}`" for value in shape.get("enum", ()))
    if "minimum" in shape:
        said = f"{shape['minimum']} to {shape['maximum']}"
    default = f"; default `{one['schema']['default']}`" if "default" in one["schema"] else ""
    return f" ({said}{default})" if said or default else ""


def test_the_reference_has_every_path_and_parameter():
    page = (DOCS / "reference" / "local-insights-api.md").read_text("utf-8")

    missing = [path for path in DOCUMENT["paths"] if f"{path}` |" not in page]
    assert not missing, f"Describe these paths in docs/reference/local-insights-api.md: {missing}"
    assert parameters() in page, f"Put this table into docs/reference/local-insights-api.md:\n{parameters()}"
