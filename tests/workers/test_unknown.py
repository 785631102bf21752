"""A worker of the future, whose registry has another shape: modules/shapes.py makes it so before ext_sdk sees it.

The local host is not among them: it is of one release with ext_sdk, and names its registry itself (`register_worker`).
"""

from __future__ import annotations

import pytest

from tests.workers import apps, drive
from tests.workers.table import KINDS, ROWS, Row, rows

SHAPES = {
    "renamed": "has no Registry.get_function",
    "signature": "has Registry.get_function(self, function_id, revision=None)",
    "fields": "has a FunctionInfo without input_types",
    "hidden": "no worker that ext_sdk knows is loaded in this process",
}
"""What the one warning says of each."""

REAL = [kind for kind in KINDS if kind != "devkit" and not drive.why_not(kind)]
NO_CLASSIC = pytest.mark.skip(reason=drive.why_not("classic"))
WARNING = "This worker is not one that ext_sdk knows"
V2 = [row for row in rows("v2") if row.ends in ("returns", "raises") and not row.has_out]
V1 = [row for row in rows("v1") if row.ends in ("returns", "raises") and not row.has_out]


NONE = pytest.param("", marks=pytest.mark.skip(reason="only the local host runs here; test_table.py says why"))


@pytest.fixture(scope="module", params=REAL or [NONE])
def kind(request):
    return request.param


def start(kind, folder, chosen: list[Row], shape: str, **settings: str) -> drive.Worker:
    functions = [apps.function_of(row) for row in chosen]
    app = apps.write(folder(), chosen[0].model, functions, first="shapes")
    return drive.Worker(kind, app, SHAPE=shape, **settings)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_v2_app_is_driven_where_its_functions_are_collected(kind, folder, shape):
    """Each hook once, in order, with the worker's Context, and the functions' own directory."""
    with start(kind, folder, V2, shape) as worker:
        for row in V2:
            answer = worker.invoke(row.name)
            check(worker, row, answer)
        log = worker.log()
    assert log.count(WARNING) == 1
    assert SHAPES[shape] in log
    assert "Extensions are driven by FunctionApp.get_functions instead." in log


def check(worker: drive.Worker, row: Row, answer: dict) -> None:
    assert answer["ok"] == (row.ends == "returns")
    assert answer.get("error", "") == row.ending.error
    assert worker.hooks(answer["id"]) == row.hooks
    seen = {one["what"]: one for one in worker.records(answer["id"])}
    assert seen["function"]["who"] == (answer["id"] if row.wants_context else None)
    facts = ("invocation", "function", "directory", "traceparent", "is_async")
    expected = [answer["id"], row.name, str(worker.app), drive.TRACEPARENT, row.is_async]
    assert [seen["in"][name] for name in facts] == expected
    assert seen["in"]["trigger"] == ["req", "httpTrigger", f"of/{row.name}"]
    assert (seen["out"]["ok"], seen["out"]["error"]) == (not row.ending.error, row.ending.raised)
    assert sorted(seen["pre"]["args"]) == sorted(row.arguments)
    assert seen["pre"]["where"] == str(worker.app)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_traceback_of_a_function_is_its_own_there_too(kind, folder, shape):
    row = Row("v2", "under", False, "raises", True, False)
    with start(kind, folder, [row], shape) as worker:
        stack = worker.invoke(row.name)["stack"]
    assert 'raise ValueError("boom")' in stack.rstrip().splitlines()[-1 if "ValueError: boom" not in stack else -2]
    assert "During handling of the above exception" not in stack


@pytest.mark.parametrize("shape", SHAPES)
def test_a_v1_app_is_served_and_its_extensions_do_not_run(kind, folder, shape):
    """Nothing but the registry leads to its functions; the classic worker has hooks of its own, but they are off."""
    with start(kind, folder, V1, shape) as worker:
        for row in V1:
            assert worker.invoke(row.name)["ok"] == (row.ends == "returns")
        assert {one["what"] for one in worker.records()} == {"function"}
        log = worker.log()
    assert log.count(WARNING) == 1
    assert SHAPES[shape] in log
    assert "Extensions do not run" in log


@pytest.mark.parametrize("shape", SHAPES if "classic" in REAL else [pytest.param("", marks=NO_CLASSIC)])
def test_a_v1_app_is_driven_by_the_classic_workers_own_hooks_if_they_are_on(folder, shape):
    """Each official hook once; a failed function is noticed when its Context is let go of."""
    with start("classic", folder, V1, shape, PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        for row in V1:
            answer = worker.invoke(row.name)
            last = row.hooks[-1]
            worker.wait_for(last, answer["id"])
            seen = worker.hooks(answer["id"])
            assert answer["ok"] == (row.ends == "returns")
            assert sorted(seen) == sorted(row.hooks), worker.log()
            assert seen[0] == "pre"
            assert seen[-1] == last
        loaded = [one["function"] for one in worker.records() if one["what"] == "load"]
        log = worker.log()
    assert sorted(loaded) == sorted(row.name for row in V1)
    assert log.count(WARNING) == 1
    assert "driven by the worker's own hooks instead" in log


def test_a_registry_of_a_class_below_the_familiar_one_is_familiar(kind, folder, model):
    chosen = [row for row in ROWS if row.model == model and row.ends == "returns" and not row.has_out]
    chosen = [row for row in chosen if row.level == "app"]
    with start(kind, folder, chosen, "subclass") as worker:
        for row in chosen:
            assert worker.hooks(worker.invoke(row.name)["id"]) == row.hooks
        assert WARNING not in worker.log()


GUARDED = """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    note("function")
    return func.HttpResponse("own")
"""


def guarded(kind, folder, model: str, extension: str, **settings: str) -> drive.Worker:
    """Return a worker, not started yet, whose app has a function with one extension."""
    app = apps.write(folder(), model, [apps.Function("guarded", GUARDED)], extensions=[extension], first="shapes")
    return drive.Worker(kind, app, SHAPE="renamed", **settings)


def test_a_critical_extension_still_stops_a_call_of_a_v2_app(kind, folder):
    with guarded(kind, folder, "v2", "gates") as worker:
        refused, let_in = worker.invoke("guarded", q="before"), worker.invoke("guarded", q="nothing")
        assert refused["error"].endswith("PermissionError: before")
        assert worker.hooks(refused["id"]) == ["seen"]
        assert let_in["body"] == "own"


@pytest.mark.parametrize("switch", ["", "1"])
def test_a_v1_app_does_not_start_with_a_critical_extension_that_could_not_stop_a_call(kind, folder, switch):
    with pytest.raises(RuntimeError) as failed:
        guarded(kind, folder, "v1", "gates", PYTHON_ENABLE_WORKER_EXTENSIONS=switch).__enter__()
    assert "Gate is critical, and on this worker, which ext_sdk does not know, it could not stop a call." in str(
        failed.value
    )


def test_official_classes_run_once_in_a_v2_app(kind, folder):
    with guarded(kind, folder, "v2", "official\nimport recorder", PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        for _ in range(2):
            seen = worker.hooks(worker.invoke("guarded")["id"])
            assert [one for one in seen if one.startswith("app")] == ["app pre", "app post"]
            assert [one for one in seen if not one.startswith("app")] == ["pre", "in", "function", "out", "post"]
