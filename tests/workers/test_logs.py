"""On every worker: each log line is stored once, by whom docs/explanation/who-stores-logs.md says, in its operation.

What the host would do with what it gets is not run here: `worker.logs` is what it gets.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.support.ingestion import IngestionServer
from tests.workers import apps, drive

AT_ONCE, LINES = 100, 50
HOST = {"WEBSITE_INSTANCE_ID": "one"}
OTHER = "InstrumentationKey=99999999-2222-3333-4444-555555555555;IngestionEndpoint=http://127.0.0.1:9/"
TRACE_ID = drive.TRACEPARENT[3:35]

BODY = """
    shop = logging.getLogger("shop")
    shop.warning("told %s", "ada", extra={"order": 7, "custom_dimensions": {"tenant": "a"}})
    try:
        {}["tea"]
    except KeyError:
        shop.exception("no tea")
"""
WORK = "def {def_name}(req: func.HttpRequest) -> func.HttpResponse:" + BODY + '    return func.HttpResponse("done")\n'
FUNCTIONS = {
    "work": WORK,
    "awaits": "async " + WORK,
    "threads": """
def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    import threading
    from ext_sdk import propagate
    shop = logging.getLogger("shop")

    def as_the_guide_has_it(storage, invocation_id):
        storage.invocation_id = invocation_id
        shop.info("guide")

    targets = [(propagate(shop.info), ("carried",)), (shop.info, ("stray",))]
    targets += [(as_the_guide_has_it, (context.thread_local_storage, context.invocation_id))]
    for target, args in targets:
        thread = threading.Thread(target=target, args=args)
        thread.start()
        thread.join()
    return func.HttpResponse("done")
""",
    "fails": """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    shop = logging.getLogger("shop.till")
    shop.setLevel(logging.DEBUG)
    shop.debug("detail of %s", req.params["q"])
    if req.params["q"] == "failure":
        raise ValueError("closed")
    return func.HttpResponse("done")
""",
    "many": """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import lined
    lined.arrive()
    assert lined.all_there.wait(40.0)
    for line in range(50):
        lined.tell(req.params["q"], line)
    return func.HttpResponse("done")
""",
    "many_async": """
async def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import lined
    lined.arrive()
    for line in range(50):
        lined.tell(req.params["q"], line)
        await asyncio.sleep(0.001)
    return func.HttpResponse("done")
""",
    "clears": """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    logging.basicConfig(force=True, level=logging.INFO)
    return func.HttpResponse("done")
""",
    "deliver": """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import ext_sdk
    return func.HttpResponse(str(ext_sdk.flush(20.0)))
""",
}


@pytest.fixture
def app(new_app):
    functions = [apps.Function(name, source) for name, source in FUNCTIONS.items()]
    return new_app(functions, extensions=["ext_opentelemetry", "lined"])


@pytest.fixture
def server():
    with IngestionServer() as running:
        yield running


def start(kind, app, server, **settings) -> drive.Worker:
    given = {"APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string, "PYTHON_ENABLE_WORKER_EXTENSIONS": "1"}
    return drive.Worker(kind, app, **{**given, **settings})


def stored(worker, server, kind="MessageData") -> list[dict]:
    """Deliver, and return the items of the app's loggers."""
    assert worker.invoke("deliver", traceparent="")["body"] == "True", worker.log()
    items = [one for one in server.items if one["data"]["baseType"] == kind]
    return [one for one in items if one["data"]["baseData"]["properties"].get("logger_name", "").startswith("shop")]


def texts(items) -> list[str]:
    return [one["data"]["baseData"]["message"] for one in items]


def forwarded(worker, *wanted) -> list[str]:
    """Return which of these lines the host got; those that were logged before the answers of later calls are there."""
    return [log["message"].splitlines()[0] for log in worker.logs if log["message"].splitlines()[0] in wanted]


@pytest.mark.parametrize("function", ["work", "awaits"])
def test_a_line_is_stored_once_with_all_that_belongs_to_it(kind, app, server, function):
    """Without a host everybody may have it; the worker's handler goes on."""
    with start(kind, app, server) as worker:
        assert worker.invoke(function)["body"] == "done", worker.log()
        (item,) = stored(worker, server)
        (error,) = stored(worker, server, "ExceptionData")

    data = item["data"]["baseData"]
    assert (data["message"], data["severityLevel"]) == ("told ada", 2)
    assert {key: data["properties"][key] for key in ("order", "tenant", "logger_name")} == {
        "order": "7", "tenant": "a", "logger_name": "shop",
    }  # fmt: skip
    assert item["tags"]["ai.operation.id"] == error["tags"]["ai.operation.id"] == TRACE_ID
    assert item["tags"]["ai.operation.name"] == f"GET /api/of/{function}"
    assert error["data"]["baseData"]["exceptions"][0]["message"] == "no tea"
    if kind in drive.GRPC:
        assert forwarded(worker, "told ada", "no tea") == ["told ada", "no tea"]


@pytest.mark.parametrize("function", ["work", "awaits"])
def test_under_a_host_that_would_store_it_a_line_is_taken_over(kind, app, server, function):
    """A worker without the handler that is known leaves it to the host, and says so."""
    with start(kind, app, server, **HOST) as worker:
        for _ in range(2):
            assert worker.invoke(function)["body"] == "done", worker.log()
        lines = texts(stored(worker, server))

    if kind not in drive.GRPC:
        assert lines == []
        return
    assert lines == ["told ada"] * 2
    assert forwarded(worker, "told ada", "no tea") == []
    assert any("Executing" in log["message"] or "invocation" in log["message"].lower() for log in worker.logs)


@pytest.mark.parametrize(
    ("settings", "exported", "left"),
    [
        ({"EXT_TELEMETRY_LOGS": "off"}, 0, 1),
        ({"EXT_TELEMETRY_LOGS": "export"}, 1, 1),
        ({"EXT_OPENTELEMETRY_CONNECTION_STRING": "SERVER", "APPLICATIONINSIGHTS_CONNECTION_STRING": OTHER}, 1, 1),
        ({"AzureFunctionsJobHost__telemetryMode": "OpenTelemetry"}, 1, 0),
    ],
    ids=["off", "export", "another resource", "OpenTelemetry mode"],
)
def test_what_the_settings_mean_under_a_host(kind, app, server, settings, exported, left):
    settings = {name: server.connection_string if value == "SERVER" else value for name, value in settings.items()}
    with start(kind, app, server, **HOST, **settings) as worker:
        assert worker.invoke("work")["body"] == "done", worker.log()
        lines = texts(stored(worker, server))

    if kind in drive.GRPC:
        assert (len(lines), len(forwarded(worker, "told ada"))) == (exported, left)
    elif left:
        assert len(lines) == exported


def test_an_app_that_takes_the_workers_handler_away_loses_no_line(kind, app, server):
    """The host has none of them any more, whatever it would do with them."""
    if kind not in drive.GRPC:
        pytest.skip("there is no such handler")
    with start(kind, app, server, **HOST) as worker:
        assert worker.invoke("clears")["body"] == "done", worker.log()
        assert worker.invoke("work")["body"] == "done", worker.log()
        lines = texts(stored(worker, server))

    assert (lines, forwarded(worker, "told ada")) == (["told ada"], [])


@pytest.mark.parametrize("settings", [{}, HOST], ids=["no host", "host"])
def test_beside_microsofts_distribution_a_line_is_stored_once(kind, app, server, settings):
    """The worker sets it up; its handler on the root logger exports, so ours does not, nor does the host.

    From the start: a line that is logged while modules are imported is stored once as well.
    """
    if kind not in drive.GRPC:
        pytest.skip("the worker that sets it up is not here, or nothing is forwarded")
    name = "PYTHON_ENABLE_OPENTELEMETRY" if kind == "classic" else "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
    quiet = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true", "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true"}
    quiet |= {"APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true", "OTEL_TRACES_SAMPLER": "always_on"}
    string = f"{server.connection_string};LiveEndpoint={server.url}/"
    given = {"APPLICATIONINSIGHTS_CONNECTION_STRING": string, "OTEL_BLRP_SCHEDULE_DELAY": "100", name: "true"}
    with start(kind, app, server, **{**given, **quiet, **settings}) as worker:
        assert worker.invoke("work")["body"] == "done", worker.log()
        end = time.monotonic() + drive.WAIT
        while "told ada" not in all_texts(server) and time.monotonic() < end:
            time.sleep(0.05)
        assert worker.invoke("deliver", traceparent="")["body"] == "True", worker.log()

    assert Counter(text for text in all_texts(server) if text.startswith("told")) == {"told early": 1, "told ada": 1}
    assert len(forwarded(worker, "told ada")) == (not settings)


def all_texts(server) -> list[str]:
    """Return the messages that arrived; Microsoft's exporter sends arrays, ours lines."""
    lines = [line for request in server.requests if request.path.endswith("track") for line in request.items]
    items = [item for line in lines for item in (line if isinstance(line, list) else [line])]
    return [one["data"]["baseData"]["message"] for one in items if one["data"]["baseType"] == "MessageData"]


def test_lines_of_threads_are_in_the_operation_where_it_is_known(kind, app, server):
    """By `propagate`, and by the thread-local storage of Microsoft's guide, on every worker; never by a guess."""
    with start(kind, app, server) as worker:
        assert worker.invoke("threads")["body"] == "done", worker.log()
        found = {
            one["data"]["baseData"]["message"]: one["tags"].get("ai.operation.id") for one in stored(worker, server)
        }

    assert found == {"carried": TRACE_ID, "guide": TRACE_ID, "stray": None}


def test_debug_lines_are_stored_only_of_failures(kind, app, server):
    with start(kind, app, server, EXT_TELEMETRY_DEBUG_BUFFER="65536") as worker:
        assert worker.invoke("fails", q="success")["body"] == "done", worker.log()
        assert not worker.invoke("fails", q="failure")["ok"]
        items = stored(worker, server)

    assert [(one["data"]["baseData"]["message"], one["data"]["baseData"]["severityLevel"]) for one in items] == [
        ("detail of failure", 0)
    ]


@pytest.mark.parametrize("settings", [{}, HOST], ids=["no host", "host"])
def test_a_hundred_invocations_at_once_with_fifty_lines_events_and_measurements_each(kind, app, server, settings):
    """Sync and async mixed: each in its own operation, none lost, none twice."""
    if settings and kind not in drive.GRPC:
        pytest.skip("without the worker's own handler there is nothing to take over")
    numbers = range(1, AT_ONCE + 1)
    threads = {"PYTHON_THREADPOOL_THREAD_COUNT": str(AT_ONCE // 2), "MEETING": str(AT_ONCE)}
    with start(kind, app, server, **threads, **settings) as worker:
        sent = [
            worker.send(("many", "many_async")[n % 2], q=str(n), traceparent=f"00-{n:032x}-{n:016x}-01")
            for n in numbers
        ]
        assert {one.result(drive.WAIT)["body"] for one in sent} == {"done"}
        end = time.monotonic() + drive.WAIT
        while len(stored(worker, server)) < AT_ONCE * LINES and time.monotonic() < end:
            time.sleep(0.05)
        lines = operations(stored(worker, server), lambda data: data["message"])

    expected = Counter((f"{n:032x}", f"{n}/{line}") for n in numbers for line in range(LINES))
    lost = {text for _, text in expected - lines}
    assert (lines, forwarded(worker, *lost)) == (expected, [])
    events = [one for one in server.items if one["data"]["baseType"] == "EventData"]
    assert operations(events, lambda data: data["properties"]["part"]) == expected
    counted: Counter[str] = Counter()
    for one in server.items:
        if one["data"]["baseType"] == "MetricData" and one["data"]["baseData"]["metrics"][0]["name"] == "parts":
            counted[one["data"]["baseData"]["properties"]["number"]] += one["data"]["baseData"]["metrics"][0]["value"]
    assert counted == {str(n): LINES for n in numbers}


def operations(items, text) -> Counter[tuple[str, str]]:
    return Counter((one["tags"]["ai.operation.id"], text(one["data"]["baseData"])) for one in items)
