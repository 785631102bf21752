"""On every worker: a Durable orchestrator whose binding is called `context` gets it, and its extensions run."""

from __future__ import annotations

import json

from tests.workers import apps, drive

BODY = """
import azure.durable_functions as df
import recorder
from notes import note

def orchestrate(context: df.DurableOrchestrationContext):
    note("function", who=type(context).__name__)
    return [context.instance_id, context.get_input()]
    yield
"""
FILES = {
    "v1": {
        "orchestrator/__init__.py": BODY + "\nmain = df.Orchestrator.create(orchestrate)\n",
        "orchestrator/function.json": json.dumps(
            {"bindings": [{"type": "orchestrationTrigger", "direction": "in", "name": "context"}]}
        ),
    },
    "v2": {
        "function_app.py": BODY.replace(
            "def orchestrate",
            'app = df.DFApp()\n\n@app.orchestration_trigger(context_name="context")\ndef orchestrator',
        ),
    },
}
AT = "2026-01-01T00:00:00.000000Z"
STARTED = {
    "history": [
        {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": AT},
        {
            "EventType": 0,
            "EventId": -1,
            "IsPlayed": False,
            "Timestamp": AT,
            "Name": "orchestrator",
            "Version": "",
            "Input": '"in"',
        },
    ],
    "input": '"in"',
    "instanceId": "instance-1",
    "isReplaying": False,
    "parentInstanceId": None,
    "upperSchemaVersion": 2,
}
"""What the Durable extension of the host sends to an orchestrator that starts."""


def test_an_orchestrator_gets_its_own_context_and_each_hook_runs_once(kind, model, folder):
    app = apps.write_files(apps.write(folder(), model, [], extensions=[]), FILES[model])
    with drive.Worker(kind, app) as worker:
        answer = worker.invoke("orchestrator", inputs={"context": {"string": json.dumps(STARTED)}})
        hooks, records = worker.hooks(), {one["what"]: one for one in worker.records()}

    assert answer["ok"], answer
    state = json.loads(answer["value"])
    assert (state["isDone"], state["output"]) == (True, ["instance-1", "in"])
    assert hooks == ["pre", "in", "function", "out", "post"]
    assert records["function"]["who"] == "DurableOrchestrationContext"
    assert list(records["pre"]["args"]) == ["context"]
    assert records["in"]["trigger"][:2] == ["context", "orchestrationTrigger"]
    assert records["in"]["invocation"] == answer["id"]
