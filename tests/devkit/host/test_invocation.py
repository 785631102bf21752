"""The one way in which the host invokes a function, whatever its trigger; driven here without HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.functions.meta import Datum

from ext_devkit.host import FunctionHost
from ext_devkit.host.context import thread_local_storage
from ext_devkit.host.invocation import Outcome
from tests.support.host import PATIENCE, v1_app, write_app

APP = """
import asyncio
import threading

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def orchestrator(context: df.DurableOrchestrationContext):
    yield context.call_activity("activity", context.get_input())


@app.activity_trigger(input_name="city")
def activity(city: str) -> str:
    return f"Hello, {city}!"


@app.entity_trigger(context_name="context")
def entity(context):
    context.set_state(1)


@app.queue_trigger(arg_name="message", queue_name="in", connection="c")
@app.queue_output(arg_name="one", queue_name="out", connection="c")
@app.queue_output(arg_name="two", queue_name="out", connection="c")
def queue(message: func.QueueMessage, one: func.Out[str], two: func.Out[str], context: func.Context) -> None:
    one.set(f"{message.id} {message.get_body().decode()} {context.invocation_id} {context.trace_context.trace_parent}")


@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
async def timer(timer: func.TimerRequest) -> None:
    seen.append(timer.past_due)


@app.queue_trigger(arg_name="message", queue_name="in", connection="c")
async def run(message: func.QueueMessage, context: func.Context) -> None:
    await globals()[message.get_body().decode()](context)


@app.queue_trigger(arg_name="message", queue_name="in", connection="c")
def run_in_thread(message: func.QueueMessage, context: func.Context) -> None:
    globals()[message.get_body().decode()](context)


seen = []


async def cancels_itself(context):
    asyncio.current_task().cancel()
    await asyncio.sleep(30)


async def cancels_itself_too_late(context):
    asyncio.current_task().cancel()


async def stops_python(context):
    raise SystemExit(3)


async def waits(context):
    seen.append("entered")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise


async def meets_another(context):
    seen.append(context.thread_local_storage.invocation_id)
    meeting.append(None)
    while len(meeting) < 2:
        await asyncio.sleep(0)
    seen.append(context.thread_local_storage.invocation_id)
    seen.append(await asyncio.create_task(looks(context)))


async def looks(context):
    return context.thread_local_storage.invocation_id


def starts_a_thread(context):
    def work():
        seen.append(getattr(context.thread_local_storage, "mine", None))
        seen.append(context.thread_local_storage.invocation_id)
        context.thread_local_storage.invocation_id = context.invocation_id
        seen.append(context.thread_local_storage.invocation_id)

    context.thread_local_storage.mine = "of the function's thread"
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    seen.append(context.thread_local_storage.invocation_id)


meeting = []
"""


pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_:DeprecationWarning")
"""Advice of azure-functions to itself: its own converter for activities does not follow it."""


class Calls:
    """A loaded app, and the module of its code."""

    def __init__(self, host: FunctionHost) -> None:
        import function_app

        self.host = host
        self.seen: list[Any] = function_app.seen
        self._ids = {info.name: info.function_id for info in host.registry.all()}

    def id(self, name: str) -> str:
        return self._ids[name]

    def info(self, name: str) -> Any:
        return self.host.registry.get_function(self.id(name))

    def run(self, name: str, inputs: dict[str, Datum], **options: Any) -> Outcome:
        return asyncio.run(self.host.invoker.call(self.id(name), inputs, **options))

    def message(self, text: str, function: str = "run", **options: Any) -> Outcome:
        return self.run(function, {"message": Datum(text, "string")}, **options)


@pytest.fixture
def calls(tmp_path) -> Iterator[Calls]:
    host = FunctionHost.load(write_app(tmp_path, {"function_app.py": APP}))
    try:
        yield Calls(host)
    finally:
        host.unload()


@pytest.mark.parametrize(("name", "kind"), [("orchestrator", "orchestrationTrigger"), ("entity", "entityTrigger")])
def test_a_binding_that_is_called_context_is_no_request_for_the_workers_context(calls: Calls, name: str, kind: str):
    """As both workers register the functions of azure-functions-durable."""
    info = calls.info(name)

    assert (info.requires_context, info.is_async, info.is_http_func, info.has_return) == (False, False, False, True)
    assert [(key, value.binding_name) for key, value in info.input_types.items()] == [("context", kind)]
    assert (info.output_types, info.return_type.binding_name, info.trigger_metadata) == ({}, kind, None)


def test_a_v1_orchestrator_is_registered_in_the_same_shape(tmp_path):
    code = """
import azure.durable_functions as df

def orchestrate(context):
    yield context.call_activity("activity", 1)

main = df.Orchestrator.create(orchestrate)
"""
    trigger = {"type": "orchestrationTrigger", "direction": "in", "name": "context"}
    app = write_app(tmp_path, {"Orchestrate/function.json": {"bindings": [trigger]}, "Orchestrate/__init__.py": code})
    host = FunctionHost.load(app)
    (info,) = host.registry.all()
    host.unload()

    assert (info.requires_context, info.has_return) == (False, True)
    assert info.input_types["context"].binding_name == "orchestrationTrigger"


def test_an_orchestrator_decides_its_next_step(calls: Calls):
    at = "2026-01-31T12:00:00.000000Z"
    history = [
        {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": at},
        {"EventType": 0, "EventId": -1, "IsPlayed": False, "Timestamp": at, "Name": "orchestrator", "Version": ""},
    ]
    state = {"history": history, "instanceId": "1", "isReplaying": False, "parentInstanceId": None, "input": '"Ada"'}

    outcome = calls.run("orchestrator", {"context": Datum(json.dumps({**state, "upperSchemaVersion": 0}), "string")})

    assert outcome.error is None
    ((step,),) = json.loads(outcome.returned)["actions"]
    assert (step["functionName"], step["input"]) == ("activity", '"Ada"')
    assert (outcome.result.type, outcome.result.value) == ("json", outcome.returned)


def test_an_activity_returns_its_result_encoded(calls: Calls):
    outcome = calls.run("activity", {"city": Datum('"Ada"', "json")})

    assert outcome.returned == "Hello, Ada!"
    assert (outcome.result.type, outcome.result.value) == ("json", '"Hello, Ada!"')


def test_a_message_with_its_metadata_gives_the_outputs_that_were_set(calls: Calls):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    outcome = calls.message(
        "text",
        "queue",
        invocation_id="the-id",
        headers={"traceparent": parent},
        trigger_metadata={"Id": Datum("the-message", "string")},
    )

    assert (outcome.error, outcome.returned, outcome.result, outcome.response) == (None, None, None, None)
    assert {name: (datum.type, datum.value) for name, datum in outcome.outputs.items()} == {
        "one": ("string", f"the-message text the-id {parent}")
    }


def test_an_invocation_without_an_id_gets_a_new_one(calls: Calls):
    ids = {calls.message("text", "queue").outputs["one"].value.split()[2] for _ in range(2)}

    assert sorted(map(len, ids)) == [36, 36]


def test_a_timer_is_invoked(calls: Calls):
    outcome = calls.run("timer", {"timer": Datum('{"IsPastDue": true}', "json")})

    assert (outcome, calls.seen) == (Outcome(), [True])


def test_a_value_that_a_trigger_cannot_decode_fails_the_invocation(calls: Calls):
    outcome = calls.run("timer", {"timer": Datum(b"", "bytes")})

    expected = "unable to decode incoming TypedData: the binding type 'timerTrigger' takes no 'bytes'"
    assert (type(outcome.error), str(outcome.error)) == (TypeError, expected)


def test_a_function_that_is_not_there_is_named(calls: Calls):
    with pytest.raises(LookupError) as caught:
        asyncio.run(calls.host.invoker.call("unknown", {}))

    assert str(caught.value) == "no function has the id unknown"


def test_a_function_that_cancels_itself_fails_and_the_caller_is_not_cancelled(calls: Calls):
    assert type(calls.message("cancels_itself").error) is asyncio.CancelledError


def test_a_function_that_cancels_itself_without_waiting_has_succeeded(calls: Calls):
    """As on the workers, whose answer is on its way before the cancellation meets an await."""
    assert calls.message("cancels_itself_too_late").error is None


def test_a_system_exit_on_the_loop_is_an_outcome(calls: Calls):
    assert type(calls.message("stops_python").error) is SystemExit


def test_an_async_function_is_cancelled_when_the_host_gives_its_invocation_up(calls: Calls):
    """As at the end of the grace period when the host stops."""

    async def give_up() -> None:
        inputs = {"message": Datum("waits", "string")}
        invocation = asyncio.create_task(calls.host.invoker.call(calls.id("run"), inputs))
        while not calls.seen:
            await asyncio.sleep(0)
        invocation.cancel()
        await asyncio.wait([invocation])
        while len(calls.seen) < 2:
            await asyncio.sleep(0)
        assert invocation.cancelled()

    asyncio.run(asyncio.wait_for(give_up(), PATIENCE))

    assert calls.seen == ["entered", "cancelled"]


def test_async_functions_at_the_same_time_each_see_their_own_invocation_id(calls: Calls):
    """In the function, after an await in which the other one ran, and in its child task."""

    async def both() -> None:
        inputs = {"message": Datum("meets_another", "string")}
        invoke = calls.host.invoker.call
        await asyncio.gather(*(invoke(calls.id("run"), inputs, invocation_id=each) for each in "ab"))
        calls.seen.append(thread_local_storage.invocation_id)

    asyncio.run(both())

    assert sorted(calls.seen[:-1]) == ["a", "a", "a", "b", "b", "b"]
    assert calls.seen[:2] == ["a", "b"]
    assert calls.seen[-1] is None


def test_a_thread_of_a_function_is_known_once_it_says_for_whom_it_works(calls: Calls):
    outcome = calls.message("starts_a_thread", "run_in_thread", invocation_id="a")

    assert (outcome.error, calls.seen) == (None, [None, None, "a", "a"])


def test_a_pool_thread_forgets_its_invocation(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "1")
    host = FunctionHost.load(v1_app(tmp_path))
    (info,) = host.registry.all()
    http = {"method": Datum("GET", "string"), "url": Datum("/", "string"), "body": Datum(b"", "bytes")}
    request = Datum({**http, "headers": {}, "query": {}, "params": {}}, "http")
    try:
        outcome = asyncio.run(host.invoker.call(info.function_id, {"req": request}))
        left = host.invoker._pool.submit(lambda: thread_local_storage.invocation_id).result()
    finally:
        host.unload()

    assert outcome.returned == "hello"
    assert outcome.response is outcome.result
    assert left is None
