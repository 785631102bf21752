"""On every worker: the requests that functions of each kind of trigger become, and what they are linked to."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.workers import apps, drive
from tests.workers.test_durable import STARTED

SENT = "2026-01-02T03:04:05.678Z"


def sender(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def linked(*numbers: int) -> list[dict[str, str]]:
    return [{"operation_Id": f"{number:032x}", "id": f"{number:016x}"} for number in numbers]


class Case(NamedTuple):
    """A function with a trigger `it`, what the host sends it, and what its request has to tell."""

    binding: dict[str, Any]
    hint: str
    value: dict[str, Any]
    dimensions: dict[str, str]
    metadata: dict[str, Any] = {}
    source: str | None = None
    links: list[dict[str, str]] | None = None


CASES = {
    "on_timer": Case(
        {"type": "timerTrigger", "schedule": "0 0 3 * * *"}, "func.TimerRequest",
        {"json": json.dumps({"IsPastDue": True})},
        {"faas.trigger": "timer", "faas.cron": "0 0 3 * * *", "azure.functions.past_due": "true"},
    ),
    "on_queue": Case(
        {"type": "queueTrigger", "queueName": "orders", "connection": "C"}, "func.QueueMessage",
        {"string": "order"}, {"faas.trigger": "pubsub"}, {"Id": {"string": "m-1"}}, "orders",
    ),
    "on_service_bus": Case(
        {"type": "serviceBusTrigger", "queueName": "orders", "connection": "C"}, "func.ServiceBusMessage",
        {"string": "order"}, {"faas.trigger": "pubsub"},
        {
            "MessageId": {"string": "m-1"},
            "EnqueuedTimeUtc": {"string": SENT},
            "UserProperties": {"json": json.dumps({"Diagnostic-Id": sender(7)})},
        },
        "orders", linked(7),
    ),
    "on_service_bus_batch": Case(
        {"type": "serviceBusTrigger", "topicName": "news", "subscriptionName": "all", "connection": "C",
         "cardinality": "many"}, "typing.List[func.ServiceBusMessage]",
        {"collection_string": ["a", "b", "c"]}, {"faas.trigger": "pubsub"},
        {
            "EnqueuedTimeUtcArray": {"json": json.dumps([SENT] * 3)},
            "UserPropertiesArray": {"json": json.dumps([{"traceparent": sender(1)}, {}, {"Diagnostic-Id": sender(3)}])},
        },
        "news", linked(1, 3),
    ),
    "on_event_hub_batch": Case(
        {"type": "eventHubTrigger", "eventHubName": "hub", "connection": "C", "cardinality": "many"},
        "typing.List[func.EventHubEvent]",
        {"collection_string": ["a", "b"]}, {"faas.trigger": "pubsub"},
        {
            "SystemPropertiesArray": {"json": json.dumps([{"EnqueuedTimeUtc": SENT}] * 2)},
            "PropertiesArray": {"json": json.dumps([{"Diagnostic-Id": sender(4)}, {"Diagnostic-Id": sender(5)}])},
            "PartitionContext": {"json": json.dumps({"PartitionId": "3"})},
        },
        "hub", linked(4, 5),
    ),
    "on_event_grid": Case(
        {"type": "eventGridTrigger"}, "func.EventGridEvent",
        {"json": json.dumps({"id": "e", "topic": "/x/topics/orders", "subject": "s", "eventType": "t",
                             "eventTime": SENT, "data": {}, "dataVersion": "1"})},
        {"faas.trigger": "pubsub"}, source="orders",
    ),
    "on_blob": Case(
        {"type": "blobTrigger", "path": "uploads/{name}", "connection": "C"}, "func.InputStream",
        {"string": "data"}, {"faas.document.collection": "uploads", "faas.document.name": "a.png"},
        {"BlobTrigger": {"string": "uploads/a.png"}},
    ),
    "on_cosmos": Case(
        {"type": "cosmosDBTrigger", "databaseName": "db", "containerName": "items", "connection": "C"},
        "func.DocumentList", {"json": json.dumps([{"id": "7"}])},
        {"faas.document.collection": "db", "faas.document.name": "items", "azure.functions.document_count": "1"},
    ),
    "on_activity": Case({"type": "activityTrigger"}, "dict", {"json": '{"a": 1}'}, {"faas.trigger": "other"}),
}  # fmt: skip

HEAD = "import typing\nimport azure.functions as func\nimport ext_opentelemetry\n"
BODY = "def {name}(it: {hint}, context: func.Context):\n    with context.tracer.span('inside'):\n        pass\n"


@pytest.fixture
def app(folder, model):
    app = apps.write(folder(), model, [], extensions=[])
    if model == "v1":
        files = {}
        for name, case in CASES.items():
            bindings = [{"name": "it", "direction": "in", **case.binding}]
            files[f"{name}/function.json"] = json.dumps({"bindings": bindings})
            files[f"{name}/__init__.py"] = HEAD + BODY.replace("{name}", "main").replace("{hint}", case.hint)
        return apps.write_files(app, files)
    functions = "".join(
        f"\n@app.generic_trigger(arg_name='it', **{case.binding!r})\n"
        + BODY.replace("{name}", name).replace("{hint}", case.hint)
        for name, case in CASES.items()
    )
    return apps.write_files(app, {"function_app.py": HEAD + "app = func.FunctionApp()\n" + functions})


@pytest.fixture
def insights():
    with InsightsServer() as server:
        yield server


def start(kind, app, insights):
    return drive.Worker(kind, app, APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string)


def test_each_trigger_is_a_request_that_tells_what_it_was_about(kind, app, insights):
    """In the host's trace, with what is inside; messages linked to their senders."""
    with start(kind, app, insights) as worker:
        for name, case in CASES.items():
            answer = worker.invoke(name, inputs={"it": case.value}, metadata=case.metadata)
            assert answer["ok"], answer
        requests = {one["name"]: one for one in insights.wait_for("requests", len(CASES), drive.WAIT)}
        inside = insights.wait_for("dependencies", len(CASES), drive.WAIT)

    assert requests.keys() == CASES.keys()
    host = drive.TRACEPARENT.split("-")
    for name, case in CASES.items():
        one = requests[name]
        assert (one["operation_Id"], one["operation_ParentId"]) == (host[1], host[2])
        assert one["customDimensions"].items() >= case.dimensions.items()
        assert one["source"] == (case.source or one["source"])
        assert json.loads(one["customDimensions"].get("_MS.links", "null")) == case.links
        assert ("timeSinceEnqueued" in one["customMeasurements"]) == (case.links is not None)
    assert {one["operation_ParentId"] for one in inside} == {one["id"] for one in requests.values()}


def test_without_a_trace_of_the_host_a_message_continues_its_senders_trace(kind, app, insights):
    """The local host, which makes one for each invocation, always has one."""
    case = CASES["on_service_bus"]
    with start(kind, app, insights) as worker:
        worker.invoke("on_service_bus", inputs={"it": case.value}, metadata=case.metadata, traceparent="")
        (request,) = insights.wait_for("requests", 1, drive.WAIT)

    if kind == "devkit":
        assert json.loads(request["customDimensions"]["_MS.links"]) == case.links
    else:
        assert (request["operation_Id"], request["operation_ParentId"]) == (f"{7:032x}", f"{7:016x}")


ORCHESTRATOR = """
import azure.durable_functions as df
import ext_opentelemetry

def orchestrate(context: df.DurableOrchestrationContext):
    yield context.call_activity("step", None)
    return "done"
"""


def test_an_orchestration_is_one_request(kind, model, folder, insights):
    """Its orchestrator is invoked twice: up to its activity, and again with what that returned."""
    files = {
        "v1": {
            "orchestrator/__init__.py": ORCHESTRATOR + "\nmain = df.Orchestrator.create(orchestrate)\n",
            "orchestrator/function.json": json.dumps(
                {"bindings": [{"type": "orchestrationTrigger", "direction": "in", "name": "context"}]}
            ),
        },
        "v2": {
            "function_app.py": ORCHESTRATOR.replace(
                "def orchestrate",
                'app = df.DFApp()\n\n@app.orchestration_trigger(context_name="context")\ndef orchestrator',
            ),
        },
    }
    at = {"IsPlayed": False, "Timestamp": "2026-01-01T00:00:01.000000Z"}
    continued = STARTED | {
        "history": [
            *[one | {"IsPlayed": True} for one in STARTED["history"]],
            {"EventType": 4, "EventId": 0, "Name": "step", "Input": "null", "Version": "", **at},
            {"EventType": 13, "EventId": -1, **at},
            {"EventType": 12, "EventId": -1, **at},
            {"EventType": 5, "EventId": -1, "TaskScheduledId": 0, "Result": "1", **at},
        ],
    }
    app = apps.write_files(apps.write(folder(), model, [], extensions=[]), files[model])
    with start(kind, app, insights) as worker:
        states = [
            json.loads(worker.invoke("orchestrator", inputs={"context": {"string": json.dumps(one)}})["value"])
            for one in (STARTED, continued)
        ]
        requests = insights.wait_for("requests", 1, drive.WAIT)

    assert [state["isDone"] for state in states] == [False, True]
    assert [one["name"] for one in requests] == ["orchestrator"]
