"""Where nothing is timed, phases do nothing; and after a fork, a child's phases do not wait for its parent's threads."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from ext_sdk.workers import driving, switched_off
from ext_timing import FunctionTimer, TimingExtension, phases
from ext_timing.statistics import Statistics
from tests.support.lifecycle import Context, invoke
from tests.support.worker_module import FunctionInfo, new_worker


def uses_phases(context):
    with context.app_ext_attributes["timing"].phase("db"), phases.phase("render"):
        return dict(context.app_ext_attributes["timing"].phases)


def test_switched_off_phases_are_there_and_time_nothing(monkeypatch, caplog):
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
    monkeypatch.setattr(switched_off, "_told", False)
    caplog.set_level("INFO", "ext_sdk")
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    driving.install()

    module.registry.functions["1"] = FunctionInfo(lambda req, context: uses_phases(context), requires_context=True)

    assert module.registry.get_function("1").func(req=1, context=Context()) == {}
    assert caplog.messages == [
        "Extensions are switched off: PYTHON_ENABLE_WORKER_EXTENSIONS is set to a false value. "
        "context.app_ext_attributes.timing does nothing."
    ]


def test_switched_off_the_phases_of_a_function_with_a_timer_are_there_too(alone, monkeypatch):
    FunctionTimer(function="HttpTrigger")
    monkeypatch.setenv("PYTHON_ENABLE_WORKER_EXTENSIONS", "0")
    module = new_worker()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    driving.install()
    module.registry.functions["1"] = FunctionInfo(lambda req, context: uses_phases(context), requires_context=True)

    assert module.registry.get_function("1").func(req=1, context=Context()) == {}


def test_a_suspended_extension_beside_a_timer_does_not_keep_it_from_timing(monkeypatch, line):
    monkeypatch.setattr(TimingExtension, "_statistics", None)
    FunctionTimer(function="HttpTrigger")
    invoke(uses_phases)
    assert line() == ("INFO", "HttpTrigger took N ms, CPU N ms: db N ms, db.render N ms")


def test_an_extension_that_is_suspended_leaves_phases_that_time_nothing(monkeypatch):
    monkeypatch.setattr(TimingExtension, "_statistics", None)
    for _ in range(7):
        assert invoke(uses_phases) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_takes_no_lock_that_a_thread_of_its_parent_holds():
    statistics = Statistics()
    held, done = threading.Event(), threading.Event()

    def hold():
        with phases._lock, statistics._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        timing = phases.Timing()
        timing.add("db", 1)
        os._exit(0 if statistics.facts() == {"functions": {}} and timing.phases == {"db": (1, 1)} else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
