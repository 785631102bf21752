"""On every worker: each span of an invocation has the right parent, and none is missing, whatever else runs."""

from __future__ import annotations

from collections import Counter

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.workers import apps, drive
from tests.workers.modules.nested import TASKS, THREADS

AT_ONCE = 200

SYNC = """
def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    import nested
    return func.HttpResponse(nested.in_threads(context.tracer, req.params["q"]))
"""
ASYNC = """
async def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    import nested
    return func.HttpResponse(await nested.in_tasks(context.tracer, req.params["q"]))
"""
PARTS = {"threads": THREADS, "tasks": TASKS}


@pytest.fixture
def insights():
    with InsightsServer() as server:
        yield server


@pytest.fixture
def app(new_app):
    return new_app([apps.Function("threads", SYNC), apps.Function("tasks", ASYNC)], extensions=["ext_opentelemetry"])


def start(kind, app, insights, meeting, **settings):
    return drive.Worker(
        kind, app, MEETING=str(meeting), APPLICATIONINSIGHTS_CONNECTION_STRING=insights.connection_string, **settings
    )


def traceparent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def function_of(number: int) -> str:
    return ("threads", "tasks")[number % 2]


def send_all(worker, numbers):
    """Send invocations at once, each of a trace of its own; check that all answer."""
    sent = {n: worker.send(function_of(n), q=str(n), traceparent=traceparent(n)) for n in numbers}
    assert {n: answer.result(drive.WAIT)["body"] for n, answer in sent.items()} == {n: str(n) for n in numbers}


def arrived(worker, insights, table, count):
    """Wait for items; if they do not come, the worker may have said why."""
    try:
        return insights.wait_for(table, count, drive.WAIT)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{worker.log()}") from error


def check(requests, dependencies, numbers):
    """Check the whole tree of each invocation, by the ids that the items carry."""
    assert Counter(one["operation_Id"] for one in requests) == Counter(f"{n:032x}" for n in numbers)
    by_operation = {one["operation_Id"]: [] for one in requests}
    for one in dependencies:
        by_operation[one["operation_Id"]].append(one)
    for request in requests:
        number = int(request["operation_Id"], 16)
        inside = by_operation[request["operation_Id"]]
        ids = {request["id"]: "request"} | {one["id"]: one["name"].partition(" ")[0] for one in inside}
        assert request["operation_ParentId"] == f"{number:016x}"
        assert {one["name"].partition(" ")[2] for one in inside} == {str(number)}
        parents = {one["name"].partition(" ")[0]: ids[one["operation_ParentId"]] for one in inside}
        assert parents == PARTS[function_of(number)]
        assert len(inside) == len(parents)


def test_two_hundred_invocations_at_once_are_whole_traces(kind, app, insights):
    """Sync and async mixed, each with spans in threads, executors, tasks and gather."""
    numbers = range(1, AT_ONCE + 1)
    inside = sum(len(PARTS[function_of(n)]) for n in numbers)
    with start(kind, app, insights, AT_ONCE, PYTHON_THREADPOOL_THREAD_COUNT=str(AT_ONCE // 2)) as worker:
        send_all(worker, numbers)
        dependencies = arrived(worker, insights, "dependencies", inside)
        requests = arrived(worker, insights, "requests", AT_ONCE)

    check(requests, dependencies, numbers)
    names = {(one["operation_Id"], one["operation_Name"]) for one in requests + dependencies}
    assert names == {(f"{n:032x}", f"GET /api/of/{function_of(n)}") for n in numbers}


@pytest.mark.parametrize(
    "settings",
    [{}, {"PYTHON_ENABLE_OPENTELEMETRY": "true"}, {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true"}],
    ids=["plain", "announced", "distro"],
)
def test_whether_the_worker_attaches_the_hosts_trace_itself_makes_no_difference(kind, app, insights, settings: dict):
    """Some do for sync functions, some for async ones, some for none, and none detaches: one thread serves them all.

    The last ones come without a trace of the host, so they begin one each. On the classic worker the first setting, on
    the others the second one, sets up Azure Monitor, whose own sampler would take traces apart.
    """
    numbers = range(1, 11)
    settings = {"PYTHON_THREADPOOL_THREAD_COUNT": "1", "OTEL_TRACES_SAMPLER": "always_on", **settings}
    with start(kind, app, insights, 1, **settings) as worker:
        for number in numbers:
            send_all(worker, [number])
        for number in (0, 1):
            assert worker.invoke(function_of(number), q="none", traceparent="")["body"] == "none"
        requests = arrived(worker, insights, "requests", len(numbers) + 2)
        inside = sum(len(PARTS[function_of(n)]) for n in [*numbers, 0, 1])
        dependencies = arrived(worker, insights, "dependencies", inside)

    known = {f"{n:032x}" for n in numbers}
    check(
        [one for one in requests if one["operation_Id"] in known],
        [one for one in dependencies if one["operation_Id"] in known],
        numbers,
    )
    begun = [one for one in requests if one["operation_Id"] not in known]
    assert len({one["operation_Id"] for one in begun}) == 2
    assert not {one["operation_ParentId"] for one in begun} & {one["id"] for one in requests + dependencies}
