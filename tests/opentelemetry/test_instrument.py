"""Libraries are traced by the names of their instrumentations, once the app imports them, and never twice."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from ext_opentelemetry import instrument
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.backend import backend
from tests.support.lifecycle import invoke

TRIGGER = Trigger("timer", "timerTrigger", {})


def serve(main=lambda: None):
    return invoke(main, name="Job", trigger=TRIGGER)


SCRIPT = """
import json, sys
import azure.functions  # some of its versions import a library of these
LIBRARIES = ("requests", "urllib3", "httpx", "urllib.request")
LIBRARIES = [name for name in LIBRARIES if name not in sys.modules]
from ext_opentelemetry import OpenTelemetryExtension
from ext_sdk import flush
from ext_sdk.function import Trigger
from tests.support.lifecycle import invoke
names, connection_string, url, track = json.loads(sys.argv[1])
OpenTelemetryExtension.configure(connection_string=connection_string, instrument=names, flush="background")
loaded = lambda: [n for n in sys.modules if n in LIBRARIES or n.startswith("opentelemetry.instrumentation.")]
trigger = Trigger("timer", "timerTrigger", {})
invoke(lambda: None, name="First", trigger=trigger)
before = loaded()

def main():
    for address in (url, track):
        if "urllib3" in names:
            import urllib3
            urllib3.PoolManager().request("GET", address)
        if "httpx" in names:
            import httpx
            httpx.get(address)
        if "urllib" in names:
            import urllib.request
            urllib.request.urlopen(address).read()
        if "requests" in names:
            import requests
            requests.get(address)

invoke(main, name="Second", trigger=trigger)
print(json.dumps([before, flush(20.0)]))
"""


@pytest.mark.parametrize("names", [["urllib3"], ["httpx"], ["urllib"], ["requests", "urllib3"]], ids="-".join)
def test_a_library_is_traced_from_its_import_on_apart_from_telemetry(server, names: list[str]):
    """Once for each call, also when one library of them calls another; never calls to an ingestion endpoint."""
    with backend() as service:
        given = json.dumps([names, server.connection_string, f"{service.url}/stock", f"{service.url}/v2.1/track"])
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, given], capture_output=True, text=True, timeout=60, check=False,
            cwd=Path(__file__).parents[2], env=dict(os.environ),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr

    before, arrived = json.loads(done.stdout)
    assert arrived
    assert [name for name in before if name != "urllib3" or "urllib3" in names] == []
    calls = [item["data"]["baseData"] for item in server.items if item["data"]["baseType"] == "RemoteDependencyData"]
    assert [(call["name"], call["resultCode"]) for call in calls] == [("GET /stock", "200")] * len(names)


def test_unsupported_names_are_told_with_what_is_near(fresh, caplog):
    """Once, and the rest is traced."""
    fresh.configure(exporter="none", instrument=("request", "xyzzy-q", "requests"))
    for _ in range(2):
        serve()

    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [
        "Setting 'instrument' has 'request', but no such instrumentation is installed. Did you mean 'requests'?",
        "Setting 'instrument' has 'xyzzy_q', but no such instrumentation is installed. "
        "To have it: pip install opentelemetry-instrumentation-xyzzy-q",
    ]


def test_what_is_known_and_not_installed_is_one_line_of_information(fresh, monkeypatch, caplog):
    """With the command; if its library is not installed either, nothing can be missed."""
    caplog.set_level(logging.INFO, "ext_opentelemetry")
    monkeypatch.setattr(instrument, "_is_there", lambda name: name in ("sqlite3", "requests"))
    fresh.configure(exporter="none", instrument=("sqlite3", "redis"))
    serve()

    assert [record.getMessage() for record in caplog.records] == [
        "Calls of the sqlite3 library are not traced: its instrumentation is not installed. "
        "To have it: pip install opentelemetry-instrumentation-sqlite3"
    ]


class Zebra(BaseInstrumentor):
    """An instrumentation of a library called zebra."""

    seen: list[str]

    def instrumentation_dependencies(self):
        return []

    def _instrument(self, **options):
        self.seen.append("on")

    def _uninstrument(self, **options):
        self.seen.append("off")


@pytest.fixture
def zebra(monkeypatch):
    """The library, the instrumentation, and what was done with it."""
    Zebra._instance = None
    Zebra.seen = []
    Zebra.__module__ = "opentelemetry.instrumentation.zebra_client"
    module = types.ModuleType(Zebra.__module__)
    module.BaseInstrumentor, module.Zebra = BaseInstrumentor, Zebra
    library = types.ModuleType("zebra_client")
    library.__spec__ = ModuleSpec("zebra_client", None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "zebra_client", library)
    return Zebra.seen


def test_any_instrumentation_that_is_installed_can_be_named(fresh, zebra):
    """With dashes or underscores; it is undone when it is named no more."""
    for names in [("zebra-client",), ("zebra_client",), ("Zebra-Client", "requests"), (), ("zebra-client",)]:
        fresh.configure(exporter="none", instrument=names)
        serve()

    assert zebra == ["on", "off", "on"]


def test_what_others_instrumented_stays_theirs(fresh, zebra):
    """It is not instrumented twice, and not undone."""
    Zebra().instrument()
    for names in [("zebra-client",), ()]:
        fresh.configure(exporter="none", instrument=names)
        serve()

    assert zebra == ["on"]


def test_a_new_endpoint_is_left_out_too(fresh, server, zebra):
    """The instrumentation is put in force again, with it."""
    fresh.configure(exporter="none", instrument=("zebra-client",))
    serve()
    fresh.configure(connection_string=server.connection_string, instrument=("zebra-client",))
    serve()

    assert zebra == ["on", "off", "on"]
    assert flush(20.0)


def test_one_that_fails_costs_nothing_but_a_line(fresh, zebra, monkeypatch, caplog):
    """The function runs."""
    monkeypatch.setattr(Zebra, "_instrument", lambda *_, **__: 1 / 0)
    fresh.configure(exporter="none", instrument=("zebra-client",))

    assert serve(lambda: "fine") == "fine"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "Calls of the zebra_client library are not traced: ZeroDivisionError: division by zero"
    ]


def test_a_module_without_an_instrumentor_is_told(fresh, zebra, caplog):
    """As opentelemetry.instrumentation.dbapi is."""
    del sys.modules["opentelemetry.instrumentation.zebra_client"].Zebra
    fresh.configure(exporter="none", instrument=("zebra-client",))
    serve()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "Calls of the zebra_client library are not traced: "
        "LookupError: opentelemetry.instrumentation.zebra_client has no instrumentor"
    ]
