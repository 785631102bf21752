"""On every real worker: each hook runs exactly once, a failure is seen, the caller gets the function's own answer."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.workers import drive
from tests.workers.apps import CASES, Case

ids = [case.name for case in CASES]


@pytest.mark.parametrize("case", [case for case in CASES if not case.raises], ids=lambda case: case.name)
def test_a_function_that_returns_runs_each_hook_once(worker, case):
    worker.recorded()
    answer = worker.invoke(case.name, q="hello")

    who = answer["id"] if case.wants_context else "?"
    assert (answer["ok"], answer["status"], answer["body"]) == (True, 200, f"{who} hello")
    seen = [one for one in worker.recorded() if one["hook"] != "load"]
    assert [one["hook"] for one in seen] == ["pre", "in", "function", "out", "post"]
    assert seen[0]["args"] == (["context", "req"] if case.wants_context else ["req"])
    assert seen[3] == {"hook": "out", "ok": True, "error": "None"}
    assert seen[4]["result"] == f"{who} hello"


@pytest.mark.parametrize("case", [case for case in CASES if case.raises], ids=lambda case: case.name)
def test_a_function_that_raises_is_seen_and_its_error_goes_on_unchanged(worker, case):
    worker.recorded()
    answer = worker.invoke(case.name)

    assert (answer["ok"], answer["error"]) == (False, "ValueError: boom")
    script = "__init__.py" if worker.app.joinpath(case.name).exists() else "function_app.py"
    assert f'{script}", line ' in answer["stack"]
    assert 'raise ValueError("boom")' in answer["stack"]
    seen = [one for one in worker.recorded() if one["hook"] != "load"]
    assert [one["hook"] for one in seen] == ["pre", "in", "function", "out", "failed"]
    assert seen[3] == {"hook": "out", "ok": False, "error": "ValueError('boom')"}
    assert seen[4]["error"] == "ValueError('boom')"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_invocation_knows_its_function_its_trigger_and_its_trace(worker, case):
    worker.recorded()
    answer = worker.invoke(case.name)

    (seen,) = [one for one in worker.recorded() if one["hook"] == "in"]
    v1 = worker.app.joinpath(case.name).exists()
    assert seen == {
        "hook": "in",
        "id": answer["id"],
        "function": case.name,
        "directory": str(worker.app / case.name if v1 else worker.app),
        "trigger": ["req", "httpTrigger", f"of/{case.name}"],
        "traceparent": drive.TRACEPARENT,
        "is_async": case.is_async,
    }


def test_each_function_is_loaded_once(kind, new_app):
    with drive.Worker(kind, new_app()) as worker:
        for case in CASES * 2:
            worker.invoke(case.name)
        loaded = [one["function"] for one in worker.recorded() if one["hook"] == "load"]
    assert sorted(loaded) == sorted(ids)


def test_a_function_level_extension_runs_inside_the_app_level_and_for_its_function_alone(worker):
    worker.recorded()
    answer = worker.invoke("audited", q="x")
    failed = worker.invoke("audited", q="raise")
    worker.invoke("sync_returns")

    assert (answer["body"], failed["error"]) == (answer["id"], "ValueError: boom")
    seen = [one["hook"] for one in worker.recorded() if one["hook"] not in {"load", "audit load"}]
    assert seen == [
        *("pre", "in", "audit in", "audit out", "out", "post"),
        *("pre", "in", "audit in", "audit out", "out", "failed"),
        *("pre", "in", "function", "out", "post"),
    ]


def test_concurrent_invocations_do_not_mix(worker):
    worker.recorded()
    sent = [
        (str(n), worker.send(case.name, q=str(n))) for n in range(10) for case in CASES if case == Case(case.is_async)
    ]
    answers = [(q, answer.result(drive.WAIT)) for q, answer in sent]

    assert [answer["body"] for _, answer in answers] == [f"{answer['id']} {q}" for q, answer in answers]
    seen = worker.recorded()
    for hook in ("pre", "in"):
        assert sorted(one["id"] for one in seen if one["hook"] == hook) == sorted(answer["id"] for _, answer in answers)


def test_a_failing_extension_is_logged_once_for_each_hook(kind, new_app):
    with drive.Worker(kind, new_app()) as worker:
        for _ in range(3):
            worker.invoke("sync_returns")
        log = worker.log()
    assert log.count("Broken.pre_invocation_app_level failed in function 'sync_returns'") == 1
    assert log.count("Broken.around_invocation failed in function 'sync_returns'") == 1
    assert log.count("Broken.post_invocation_app_level failed in function 'sync_returns'") == 1


def test_the_app_setting_switches_everything_off(kind, new_app):
    with drive.Worker(kind, new_app(), PYTHON_ENABLE_WORKER_EXTENSIONS="0") as worker:
        assert worker.invoke("sync_returns")["ok"]
        assert worker.invoke("async_returns")["ok"]
        assert [one["hook"] for one in worker.recorded()] == ["function", "function"]


def test_an_unfamiliar_worker_is_left_alone_and_named_once(kind, new_app):
    with drive.Worker(kind, new_app(unfamiliar=True)) as worker:
        answers = [worker.invoke(case.name) for case in CASES]
        seen, log = worker.recorded(), worker.log()

    assert [answer["ok"] for answer in answers] == [not case.raises for case in CASES]
    assert [one["hook"] for one in seen] == ["function"] * len(CASES)
    assert log.count("Extensions do not run: ") == 1
    assert "has Registry.get_function(self, function_id, revision=None)" in log


@pytest.mark.parametrize("invocations", [0, 1, 8])
def test_extensions_are_stopped_once_when_sigterm_ends_the_worker(kind, new_app, invocations):
    """However many pool threads there are by then, to which the kernel may give the signal."""
    with drive.Worker(kind, new_app()) as worker:
        for answer in [worker.send("sync_returns") for _ in range(invocations)]:
            answer.result(drive.WAIT)
        status = worker.terminate()
        stopped = [one for one in worker.recorded() if one["hook"] == "shutdown"]

    assert stopped == [{"hook": "shutdown", "seconds": 4}]
    assert abs(status) in (signal.SIGTERM, 256 - signal.SIGTERM)


def test_the_function_directory_stays_the_apps_own(worker):
    """Nothing that indexing looks at is disturbed."""
    assert all(Path(one["directory"]).is_relative_to(worker.app) for one in _directories(worker))


def _directories(worker):
    worker.recorded()
    worker.invoke("sync_returns")
    return [one for one in worker.recorded() if one["hook"] == "in"]
