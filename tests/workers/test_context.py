"""On every worker: what belongs to one invocation stays with it, with all threads of the pool busy at once."""

from __future__ import annotations

from tests.workers import apps, drive

THREADS = 32
"""As many as modules/contexts.py waits for."""

MEET = """
def {def_name}(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    import contexts
    return func.HttpResponse(contexts.meet(context))
"""


def test_thirty_two_sync_invocations_at_once_do_not_mix(kind, new_app):
    """Nor does one see what an earlier one on its thread has set."""
    app = new_app([apps.Function("meet", MEET)], extensions=["contexts"])
    with drive.Worker(kind, app, PYTHON_THREADPOOL_THREAD_COUNT=str(THREADS)) as worker:
        answers = []
        for _ in range(2):
            sent = [worker.send("meet") for _ in range(THREADS)]
            answers += [answer.result(drive.WAIT) for answer in sent]
        records = worker.records()

    assert [answer["body"] for answer in answers] == [f"{answer['id']} {answer['id']}" for answer in answers]
    threads = {one["thread"] for one in records}
    assert len(threads) == THREADS
    assert {one["found"] for one in records if one["what"] == "in"} == {"nobody's"}
    assert all(one["found"] == one["id"] for one in records if one["what"] == "out")
    if kind in drive.GRPC:
        met = {log["message"]: log["id"] for log in worker.logs if "met by" in log["message"]}
        assert met == {f"met by {answer['id']}": answer["id"] for answer in answers}
