"""How processes with the extension end by a signal: what is in the journal afterwards, and how long it took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from ext_sdk.shutdown import GRACE, LEAST
from tests.support.faulty import FaultyServer, Plan
from tests.support.host import RunningHost, request, write_app

pytestmark = pytest.mark.timeout(120)

SCHEDULING = 1.5
"""Seconds that a busy machine may add."""

APP = """
import azure.functions as func
from ext_opentelemetry import OpenTelemetryExtension

OpenTelemetryExtension.configure(flush="background")
app = func.FunctionApp(http_auth_level="ANONYMOUS")


@app.route("work")
def work(req: func.HttpRequest) -> str:
    return "done"
"""

WORKER = """
import signal, sys
from ext_opentelemetry import OpenTelemetryExtension
from tests.support.invocations import ITEMS, request
from tests.support.lifecycle import invoke

OpenTelemetryExtension.configure(flush="background")
invoke(lambda req: "x", trigger=ITEMS, req=request())
print("served", flush=True)
signal.pause()
"""


def files(journal: Path) -> dict[str, int]:
    """Return the segments in a journal, and their sizes."""
    return {path.name: path.stat().st_size for path in journal.rglob("*") if path.is_file()}


def settings(server: FaultyServer, journal: Path) -> dict[str, str]:
    return {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string,
        "EXT_OPENTELEMETRY_JOURNAL": str(journal),
    }


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_local_host_leaves_no_file_once_all_is_delivered(tmp_path, how):
    app, journal = write_app(tmp_path / "app", {"function_app.py": APP}), tmp_path / "journal"
    with FaultyServer() as server, RunningHost(app, "--insights", "off", **settings(server, journal)) as host:
        assert request(f"{host.url}/api/work").body == b"done"
        assert files(journal) != {}
        host.stop(how)

        assert sum(server.stored.values()) == 1
        assert files(journal) == {}


def seconds_to_end(server: FaultyServer, journal: Path, status: int) -> float:
    """Run a worker that has no handler of its own for SIGTERM, as a real one; return what its end took."""
    environment = os.environ | settings(server, journal)
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "served\n"
        started = monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == status
        return monotonic() - started


@pytest.fixture
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.mark.usefixtures("importable")
def test_a_process_that_a_signal_ends_leaves_no_file_either(tmp_path):
    """No exit handler runs in it."""
    with FaultyServer() as server:
        seconds_to_end(server, tmp_path / "journal", -signal.SIGTERM)

        assert sum(server.stored.values()) == 1
        assert files(tmp_path / "journal") == {}


@pytest.mark.usefixtures("importable")
def test_a_service_that_hangs_holds_up_the_end_for_as_long_as_the_host_allows(tmp_path):
    """What is not delivered by then is in the journal."""
    with FaultyServer(default=Plan(fails="before answer", how="hang")) as server:
        took = seconds_to_end(server, tmp_path / "journal", -signal.SIGTERM)

    assert GRACE - 0.5 < took < GRACE + LEAST + SCHEDULING
    assert len(files(tmp_path / "journal")) == 1


@pytest.mark.usefixtures("importable")
def test_the_local_host_ends_in_the_same_time(tmp_path):
    """Its exit handlers run after the signal's, and have half a second more."""
    app, journal = write_app(tmp_path / "app", {"function_app.py": APP}), tmp_path / "journal"
    with (
        FaultyServer(default=Plan(fails="before answer", how="hang")) as server,
        RunningHost(app, "--insights", "off", **settings(server, journal)) as host,
    ):
        assert request(f"{host.url}/api/work").body == b"done"
        started = monotonic()
        host.stop(signal.SIGTERM)
        took = monotonic() - started

    assert GRACE - 0.5 < took < GRACE + LEAST + SCHEDULING
    assert len(files(journal)) == 1
