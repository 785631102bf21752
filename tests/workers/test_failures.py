"""On every worker: an extension that fails in every hook changes nothing for the function, nor in what the host reports."""

from __future__ import annotations

import re

import pytest

from tests.workers import apps, drive
from tests.workers.table import plain


@pytest.fixture(scope="module")
def worker(kind, model, new_app):
    functions = [apps.function_of(row) for row in plain(model, "returns", "raises")]
    with drive.Worker(kind, new_app(functions, extensions=["broken", "recorder"])) as worker:
        yield worker


@pytest.mark.parametrize("function", ["raises_sync_app_context", "raises_async_app_context"])
def test_the_host_reports_the_functions_own_traceback(worker, function):
    """Its last frame is the user's line, and nothing of ours was being handled or was the cause."""
    stack = worker.invoke(function)["stack"]

    path, line = re.findall(r'File "([^"]+)", line \d+, in \S+\n\s+(.+)', stack)[-1]
    v2 = worker.app / "function_app.py"
    assert path == str(v2 if v2.exists() else worker.app / function / "__init__.py")
    assert line == 'raise ValueError("boom")'
    assert "During handling of the above exception" not in stack
    assert "was the direct cause" not in stack
    assert "RuntimeError" not in stack


def test_a_failure_is_logged_once_for_each_hook_and_not_in_the_functions_place(worker):
    for _ in range(3):
        assert worker.invoke("returns_sync_app_context")["ok"]
        assert worker.invoke("raises_sync_app_context")["error"] == "ValueError: boom"

    log = worker.log()
    for hook in (
        "pre_invocation_app_level",
        "around_invocation",
        "post_invocation_app_level",
        "invocation_failed_app_level",
    ):
        assert log.count(f"Broken.{hook} failed in function") == 1


def test_the_other_extensions_run_as_if_it_were_not_there(worker):
    answer = worker.invoke("returns_async_app_context")
    assert worker.hooks(answer["id"]) == ["pre", "in", "function", "out", "post"]
