"""Every row of the table on every worker: the caller's answer, and each hook once, in order, with the right facts."""

from __future__ import annotations

import pytest

from tests.workers import apps, drive
from tests.workers.table import COMBINATIONS, KINDS, ROWS, Row, rows, why_absent

STREAMING = {"PYTHON_ENABLE_INIT_INDEXING": "1"}
"""Without it the classic worker does not start the web server that streams."""


@pytest.fixture(scope="module")
def worker_of(kind, tmp_path_factory):
    """Workers that serve the apps of the table, started when a row first needs one."""
    started = {}

    def start(row):
        key = row.model, row.ends == "streams"
        if key not in started:
            functions = [apps.function_of(one) for one in rows(row.model, streams=row.ends == "streams")]
            app = apps.write(tmp_path_factory.mktemp("w") / "app", row.model, functions)
            settings = STREAMING if row.ends == "streams" else {}
            started[key] = drive.Worker(kind, app, **settings).__enter__()
        return started[key]

    yield start
    for worker in started.values():
        worker.__exit__()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model}-{row.name}")
def test_a_row_holds(worker_of, row):
    worker = worker_of(row)
    sent = worker.send(row.name, q="hello")
    seen = {one["what"]: one for one in worker.wait_for(row.hooks[-1], sent.invocation_id)}
    check_answer(worker, row, sent)
    check_hooks(worker, row, sent, seen)


def check_answer(worker: drive.Worker, row: Row, sent) -> None:
    """The caller gets what the function itself gave, or its own error."""
    if not row.ending.answered and worker.kind != "devkit":
        follower = next(one for one in rows(row.model) if one.ends == "returns" and one.is_async == row.is_async)
        assert worker.invoke(follower.name)["ok"]
        assert not sent.done()
        return
    answer = sent.result(drive.WAIT)
    if row.ending.error:
        assert (answer["ok"], answer["error"]) == (False, row.ending.error)
    else:
        body = row.ending.body.replace("{name}", row.name).replace("{q}", "hello")
        assert (answer["ok"], answer["status"], answer["body"]) == (True, 200, body)
        assert answer["outputs"] == ({"message": f"from {row.name}"} if row.has_out else {})


def check_hooks(worker: drive.Worker, row: Row, sent, seen: dict) -> None:
    """The extensions see what the row says, and nothing twice."""
    assert worker.hooks(sent.invocation_id) == row.hooks
    assert sorted(seen["pre"]["args"]) == sorted(row.arguments)
    web = "starlette" if row.ends == "streams" else "azure"
    assert seen["pre"]["args"]["req"].startswith(web)
    assert seen["function"]["who"] == (sent.invocation_id if row.wants_context else None)
    outcome = {"ok": not row.ending.error, "error": row.ending.raised}
    for out in [one for one in ("out", "audit out") if one in row.hooks]:
        assert {name: seen[out][name] for name in outcome} == outcome
    if row.ending.error:
        assert seen["failed"]["error"] == row.ending.raised
    else:
        assert seen["post"]["result"] == row.ending.result
    directory = str(worker.app / row.name if row.model == "v1" else worker.app)
    assert seen["pre"]["where"] == directory
    facts = {
        "invocation": sent.invocation_id,
        "function": row.name,
        "directory": directory,
        "trigger": ["req", "httpTrigger", f"of/{row.name}"],
        "traceparent": drive.TRACEPARENT,
        "is_async": row.is_async,
    }
    assert {name: seen["in"][name] for name in facts} == facts


def test_a_combination_has_a_row_or_a_reason():
    """And every reason is one: it takes away some combinations, but not all."""
    reasons = {why_absent(row) for row in COMBINATIONS} - {""}
    assert len(COMBINATIONS) == len(set(COMBINATIONS)) == len(ROWS) + sum(bool(why_absent(row)) for row in COMBINATIONS)
    assert len(reasons) == 3
    assert len({(row.model, row.name) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("kind_of_worker", KINDS)
def test_a_kind_of_worker_is_driven_or_there_is_a_reason(kind_of_worker):
    """All other tests of this folder leave such a kind out; here it shows."""
    if reason := drive.why_not(kind_of_worker):
        pytest.skip(reason)
    assert drive.HERE.joinpath(f"inside_{'grpc' if kind_of_worker in drive.GRPC else kind_of_worker}.py").exists()
