"""ext_timing on every worker: one line and one header an invocation, with phases of tasks and threads."""

from __future__ import annotations

import json
import re

import pytest

from tests.workers import apps, drive

KEPT = """
import logging

lines = []
logging.getLogger("Function").setLevel("INFO")
keeps = logging.Handler()
keeps.emit = lambda record: lines.append([record.levelname, record.getMessage()])
logging.getLogger("Function").addHandler(keeps)
"""
SYNC = """
def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    from concurrent.futures import ThreadPoolExecutor
    from ext_sdk import propagate
    from ext_timing import phase

    @phase("job")
    def job(number):
        return number

    timing = context.app_ext_attributes["timing"]
    with timing.phase("outer"), ThreadPoolExecutor(2) as pool:
        list(propagate(pool).map(job, range(3)))
        with phase("inner"):
            pass
    return func.HttpResponse("done")
"""
ASYNC = """
async def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    from ext_timing import phase

    @phase("step")
    async def step():
        await asyncio.sleep(0.001)

    with phase("outer"):
        await asyncio.gather(step(), step())
    return func.HttpResponse("done")
"""
LINES = """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import json
    from ext_sdk import extensions
    return func.HttpResponse(json.dumps([kept.lines, [one.facts for one in extensions()]]))
"""
PHASES = {"sync": ["outer", "outer.inner", "outer.job"], "asynchronous": ["outer", "outer.step"]}
TOLD = {
    "sync": "sync took N ms, CPU N ms: outer N ms, outer.inner N ms, outer.job N ms in 3 times",
    "asynchronous": "asynchronous took N ms: outer N ms, outer.step N ms in 2 times",
}
FUNCTIONS = {"sync": SYNC, "asynchronous": ASYNC}
TIMER = {"v1": "file", "v2": "under"}


@pytest.fixture
def timed_app(new_app):
    """Write an app whose functions are timed as `level` says, and that keeps its lines."""

    def write(*extensions, level="app"):
        functions = [
            apps.Function(name, one, level=level, own="ext_timing.FunctionTimer") for name, one in FUNCTIONS.items()
        ]
        app = new_app([*functions, apps.Function("lines", LINES)], extensions=["kept", *extensions])
        apps.write_files(app, {"kept.py": KEPT})
        return app

    return write


def times_out(text):
    return re.sub(r" \(cold start: .*?\)", "", re.sub(r"[\d.]+ ms", "N ms", text))


def lines(worker):
    """Return the lines of the functions that were called so far, and the facts of the extensions."""
    answer = worker.invoke("lines")
    kept, facts = json.loads(answer["body"])
    return [(level, times_out(text)) for level, text in kept if not text.startswith("lines ")], facts


def phases(answer):
    return re.findall(r"([\w.]+);dur=", re.sub(", coldstart;.*", "", answer["headers"]["server-timing"]))


@pytest.mark.parametrize("function", ["sync", "asynchronous"])
def test_a_call_has_one_line_and_one_header_with_its_phases(kind, timed_app, function):
    app = timed_app("ext_timing.extension")
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        answers = [worker.invoke(function) for _ in range(2)]
        found, facts = lines(worker)

    assert [answer.get("body") for answer in answers] == ["done", "done"], worker.log()
    assert [phases(answer) for answer in answers] == [["function", *PHASES[function]]] * 2
    assert "coldstart;dur=" in answers[0]["headers"]["server-timing"]
    assert found == [("INFO", TOLD[function])] * 2
    (timing,) = facts
    assert timing["functions"][function]["count"] == 2
    assert list(timing["functions"][function]["phases"]) == PHASES[function]
    assert timing["cold_start"]["import_ms"] > 0


def test_the_timer_of_one_function_tells_of_it_alone_beside_the_extension_too(kind, timed_app, model):
    app = timed_app("ext_timing", "ext_timing.extension", level=TIMER[model])
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        for function in ("sync", "asynchronous"):
            assert phases(worker.invoke(function)) == ["function", *PHASES[function]]
        found, facts = lines(worker)

    assert found == [("INFO", TOLD["sync"]), ("INFO", TOLD["asynchronous"])]
    told = sorted(sorted(one["functions"]) for one in facts)
    assert told == [["asynchronous"], ["asynchronous", "lines", "sync"], ["sync"]]


def test_switched_off_phases_are_there_and_nothing_is_timed(kind, timed_app):
    app = timed_app("ext_timing.extension")
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="0") as worker:
        answers = [worker.invoke(function) for function in ("sync", "asynchronous")]
        found, _ = lines(worker)

    assert [answer.get("body") for answer in answers] == ["done", "done"], worker.log()
    assert not any("server-timing" in answer["headers"] for answer in answers)
    assert found == []
