"""HTTP streaming beyond the table, on every worker that has it: failures, many at once, and the end of the worker."""

from __future__ import annotations

import signal

import pytest

from tests.workers import apps, drive

SOURCE = """
{head} {def_name}(req: Request) -> StreamingResponse:
    note("function", found=[req.query_params["q"], type(req).__name__])
    if req.query_params["q"] == "raise":
        raise ValueError("boom")
    return StreamingResponse(chunks(current_id()))
"""
FUNCTIONS = [
    apps.Function("sync", SOURCE.replace("{head}", "def")),
    apps.Function("coroutine", SOURCE.replace("{head}", "async def")),
]
NAMES = ("sync", "coroutine")


@pytest.fixture
def worker(kind, folder):
    app = apps.write(folder(), "v2", FUNCTIONS)
    with drive.Worker(kind, app, PYTHON_ENABLE_INIT_INDEXING="1") as worker:
        yield worker


def test_a_function_that_raises_is_a_failure_to_its_extensions_and_500_to_the_client(worker):
    for name in NAMES:
        answer = worker.invoke(name, q="raise")
        assert (answer["ok"], answer["error"], answer["status"]) == (False, "ValueError: boom", 500)
        assert worker.hooks(answer["id"]) == ["pre", "in", "function", "out", "failed"]


def test_streams_at_the_same_time_do_not_mix(worker):
    sent = [worker.send(name, q=f"{name}{n}") for n in range(10) for name in NAMES]
    for answer in [one.result(drive.WAIT) for one in sent]:
        assert (answer["status"], answer["body"]) == (200, "one two three ")
        worker.wait_for("body", answer["id"])
        assert worker.hooks(answer["id"]) == ["pre", "in", "function", "out", "post", "body"]


def test_extensions_are_stopped_when_sigterm_ends_the_worker_and_its_web_server(worker):
    """The web server has signal handlers of its own."""
    worker.invoke("sync")
    worker.end(signal.SIGTERM)
    assert [one["what"] for one in worker.records() if one["what"] == "shutdown"] == ["shutdown"]
