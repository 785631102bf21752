"""On every worker: a function that no extension applies to is called as if there were none, and knows its invocation."""

from __future__ import annotations

import pytest

from tests.workers import apps, drive
from tests.workers.table import rows

SOURCE = """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("own")
"""


@pytest.fixture(scope="module")
def worker(kind, model, new_app):
    """A worker with the rows that have no extension of their own, and one function that has one."""
    alone = apps.Function("alone", SOURCE, level="file" if model == "v1" else "under", own="lonely.Alone")
    functions = [apps.function_of(row) for row in rows(model) if row.level == "app"]
    app = new_app([alone, *functions], extensions=["lonely\nfrom lonely import Stop"])
    with drive.Worker(kind, app) as worker:
        worker.model = model
        yield worker


def test_it_ends_as_its_row_says_and_nothing_else_happens(worker):
    for row in [row for row in rows(worker.model) if row.level == "app"]:
        sent = worker.send(row.name, q="hello")
        (seen,) = worker.wait_for("function", sent.invocation_id)
        assert seen["who"] == (sent.invocation_id if row.wants_context else None)
        if not row.ending.answered and worker.kind != "devkit":
            continue
        answer = sent.result(drive.WAIT)
        assert (answer["ok"], answer.get("error", "")) == (not row.ending.error, row.ending.error)
        assert answer.get("body", "") == ("" if row.ending.error else f"{row.name} hello")
    assert worker.hooks(worker.invoke("alone")["id"]) == ["alone"]
    assert [one["what"] for one in worker.records()].count("alone") == 1
