"""Functions that use what extensions give them, on every worker, while extensions are switched off."""

from __future__ import annotations

import pytest

from tests.workers import apps, drive

SOURCE = """
DEF {def_name}(req: func.HttpRequest, context) -> func.HttpResponse:
    import ext_telemetry

    with context.tracer.span("part") as span:
        span.add_attribute("rows", 7)
    context.telemetry.track_event("seen")
    ext_telemetry.track_event("seen")
    return func.HttpResponse("served")
"""


@pytest.mark.parametrize("define", ["def", "async def"])
def test_a_function_that_uses_its_tracer_and_its_telemetry_works(kind, model, new_app, define):
    source = SOURCE.replace("DEF", define)
    app = new_app([apps.Function("uses", source)], extensions=["ext_opentelemetry", "ext_telemetry"])
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="0") as worker:
        for _ in range(2):
            answer = worker.invoke("uses")
            assert answer["body"] == "served", worker.log()
