"""On every worker, from its start to its end: loading, many calls at once, the switch, a restart, a placeholder, signals."""

from __future__ import annotations

import signal

import pytest

from tests.workers import apps, drive
from tests.workers.table import KINDS, MODELS, plain, rows

ONCE = ["pre", "in", "function", "out", "post"]
SIMPLE = "returns_sync_app_context"
SEAMS = {
    (kind, model): {
        "classic": "azure_functions_worker",
        "devkit": "ext_devkit.host",
    }.get(kind, "azure_functions_runtime" + ("_v1" if model == "v1" else ""))
    for kind in KINDS
    for model in MODELS
}


@pytest.fixture
def simple(model, new_app):
    """Return an app with two functions, sync and async."""
    return lambda: new_app([apps.function_of(row) for row in plain(model, "returns")])


def test_each_function_is_loaded_once_for_each_of_its_extensions(kind, model, new_app):
    table = [row for row in rows(model) if row.ends == "returns"]
    with drive.Worker(kind, new_app([apps.function_of(row) for row in table])) as worker:
        for row in table * 2:
            worker.invoke(row.name)
        records = worker.records()

    loaded = [one["function"] for one in records if one["what"] == "load"]
    audited = [one["function"] for one in records if one["what"] == "audit load"]
    assert sorted(loaded) == sorted(row.name for row in table)
    assert sorted(audited) == sorted(row.name for row in table if row.level != "app")


def test_invocations_at_the_same_time_do_not_mix(kind, model, simple):
    with drive.Worker(kind, simple()) as worker:
        sent = [(str(n), worker.send(row.name, q=str(n))) for n in range(20) for row in plain(model, "returns")]
        answers = [(q, answer.result(drive.WAIT)) for q, answer in sent]

        assert all(answer["body"].endswith(f" {q}") for q, answer in answers)
        for _, answer in answers:
            assert worker.hooks(answer["id"]) == ONCE
            assert {one["who"] for one in worker.records(answer["id"]) if "who" in one} == {answer["id"]}


def test_the_seam_drives_the_extensions(kind, model, new_app):
    """And not a second line, whose warning would be there."""
    source = """
def {def_name}(req: func.HttpRequest) -> func.HttpResponse:
    import ext_sdk
    return func.HttpResponse(" ".join({one.driver for one in ext_sdk.extensions()}))
"""
    with drive.Worker(kind, new_app([apps.Function("drivers", source)])) as worker:
        drivers = worker.invoke("drivers")["body"].split(", ")
        assert f"{SEAMS[kind, model]}.functions.Registry.get_function" in drivers
        assert all(one.endswith(".Registry.get_function") for one in drivers)
        assert "ext_sdk knows" not in worker.log()


def test_the_app_setting_switches_everything_off(kind, model, simple):
    with drive.Worker(kind, simple(), PYTHON_ENABLE_WORKER_EXTENSIONS="0") as worker:
        for row in plain(model, "returns"):
            assert worker.invoke(row.name)["ok"]
        assert [one["what"] for one in worker.records()] == ["function", "function"]


def test_the_classic_workers_own_switch_does_not_make_hooks_run_twice(kind, model, simple):
    with drive.Worker(kind, simple(), PYTHON_ENABLE_WORKER_EXTENSIONS="1") as worker:
        for row in plain(model, "returns"):
            assert worker.hooks(worker.invoke(row.name)["id"]) == ONCE


def test_a_second_worker_of_the_same_app_runs_each_hook_once(kind, model, simple):
    """The host does not ask a second worker which functions there are."""
    app = simple()
    with drive.Worker(kind, app) as first:
        first.invoke(SIMPLE)
    with drive.Worker(kind, app, loaded=first.functions) as second:
        for row in plain(model, "returns"):
            assert second.hooks(second.invoke(row.name)["id"]) == ONCE


@pytest.fixture
def no_devkit(kind):
    if kind == "devkit":
        pytest.skip("the local host starts with its app: it has no placeholder mode")


@pytest.mark.usefixtures("no_devkit")
def test_a_placeholder_that_becomes_the_app_has_the_apps_settings(kind, model, simple):
    with drive.Worker(kind, simple(), placeholder=True, EXT_RECORDER_STAGE="new") as worker:
        worker.specialize()
        for row in plain(model, "returns"):
            answer = worker.invoke(row.name)
            assert worker.hooks(answer["id"]) == ONCE
            assert [one["stage"] for one in worker.records(answer["id"]) if "stage" in one] == ["new"]


@pytest.mark.usefixtures("no_devkit")
def test_an_environment_that_is_replaced_while_the_app_serves_holds_from_then_on(kind, model, simple):
    if model == "v2":
        pytest.skip("the workers cannot collect the functions of one FunctionApp twice")
    with drive.Worker(kind, simple(), EXT_RECORDER_STAGE="old") as worker:
        stages = []
        for stage in ("old", "new"):
            answer = worker.invoke(SIMPLE)
            assert worker.hooks(answer["id"]) == ONCE
            stages += [one["stage"] for one in worker.records(answer["id"]) if "stage" in one]
            worker.settings["EXT_RECORDER_STAGE"] = "new"
            if stage == "old":
                worker.specialize()
    assert stages == ["old", "new"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("invocations", [0, 1, 8])
def test_extensions_are_stopped_when_a_signal_ends_the_worker(kind, simple, number, invocations):
    """However many pool threads there are by then, to which the kernel may give the signal."""
    with drive.Worker(kind, simple()) as worker:
        for answer in [worker.send(SIMPLE) for _ in range(invocations)]:
            answer.result(drive.WAIT)
        status = worker.end(number)
        stopped = [one["seconds"] for one in worker.records() if one["what"] == "shutdown"]

    assert set(stopped) <= {3, 4}
    if number == signal.SIGTERM:
        assert len(stopped) == 1
        assert abs(status) in (signal.SIGTERM, 256 - signal.SIGTERM)
    else:  # Python goes on after SIGINT, to an orderly exit, and functions may end on the way
        assert len(stopped) in (1, 2)
        assert status != 0
