"""Each distribution by itself: what `pip install` of it alone brings is what it needs to do its work."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import distributions

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.contracts.repository import DISTRIBUTIONS
from tests.packaging.apps import ALONE, EXTRAS, HEAD
from tests.packaging.views import everything, normal
from tests.support.backend import backend
from tests.support.host import write_app
from tests.workers import drive

pytestmark = pytest.mark.timeout(300)

IMPORT_ALL = """
import importlib, json, pkgutil, sys
missing = {}
for one in pkgutil.walk_packages(importlib.import_module(sys.argv[1]).__path__, sys.argv[1] + "."):
    if not one.name.endswith("__main__"):
        try:
            importlib.import_module(one.name)
        except ModuleNotFoundError as error:
            missing[one.name] = error.name
print(json.dumps(missing))
"""

DELIVER = """
import sys, time
from ext_appinsights import Channel, ConnectionString, envelope

channel = Channel(ConnectionString.parse(sys.argv[1]))
channel.send([envelope.event(time_ns=time.time_ns(), name="deployed")])
assert channel.flush(timeout=20)
channel.close(timeout=20)
"""

SERVE = """
import sys, urllib.request
from ext_devkit.host import HostServer

with HostServer(sys.argv[1]) as server, urllib.request.urlopen(server.url + "/api/work") as answer:
    print(answer.read())
"""

FOR_AN_EXTRA = {"ext_devkit": {"ext_devkit.pytest_plugin": "pytest"}}
"""The modules that only what an extra brings makes importable. All others import such a thing when they are asked to."""


def run(installer, path, *arguments, **environment):
    """Run Python in a process whose path has one folder, in an empty folder; return what it printed."""
    folder = path.parent / "empty"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [installer.bare, *arguments],
        cwd=folder, env={"PYTHONPATH": str(path), "HOME": str(folder), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_every_module_can_be_imported_with_what_the_distribution_alone_brings(installer, pool, distribution):
    """Nothing imports what it does not declare; what belongs to an extra is imported where that is asked for."""
    missing = json.loads(
        run(installer, pool.view(distribution.project["name"]), "-c", IMPORT_ALL, distribution.package)
    )

    assert missing == FOR_AN_EXTRA.get(distribution.package, {})


@pytest.mark.parametrize(
    "distribution", [one for one in DISTRIBUTIONS if everything(one.project).endswith("]")], ids=str
)
def test_every_module_can_be_imported_with_all_extras(installer, pool, distribution):
    view = pool.view(everything(distribution.project))

    assert json.loads(run(installer, view, "-c", IMPORT_ALL, distribution.package)) == {}


def test_a_view_has_what_pip_installs(installer, pool):
    """The other tests here rest on it."""
    packages = installer.packages("azfunc-ext-opentelemetry\n")

    assert {normal(one.name) for one in distributions(path=[str(packages)])} == pool.names("azfunc-ext-opentelemetry")


def test_plain_pip_brings_what_opentelemetry_needs_to_trace_and_export(installer, kind, worker, tmp_path):
    """Nothing else is named in requirements.txt: not azure-functions, not an exporter."""
    check("azfunc-ext-opentelemetry", installer.packages("azfunc-ext-opentelemetry\n"), kind, worker, tmp_path)


@pytest.mark.parametrize("name", sorted(set(ALONE) - {"azfunc-ext-opentelemetry"}))
def test_a_distribution_alone_does_its_work(pool, kind, worker, name, tmp_path):
    check(name, pool.view(name), kind, worker, tmp_path)


def check(name, packages, kind, worker, folder):
    """Run an app with these packages on a worker, call its function, and see what it is to show."""
    code, shown = ALONE[name]
    app = write_app(folder / "app", {"function_app.py": HEAD + code})
    with InsightsServer() as server, backend() as service:
        settings = {
            "PYTHON_ENABLE_WORKER_EXTENSIONS": "1", "PYTHONPATH": str(packages), "BACKEND_URL": service.url,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string,
        }  # fmt: skip
        with drive.Worker(kind, app, python=worker, **settings) as running:
            answer = running.invoke("work")
            assert answer.get("status") == 200, (answer, running.log())
            if "table" in shown:
                (row,) = server.wait_for(shown["table"], 1, 30)
                assert row["name"] == shown["name"]
            for header in shown.get("headers", ()):
                assert header in answer["headers"]
            assert re.fullmatch(shown.get("body", ".*"), answer["body"])


def test_every_distribution_and_every_extra_is_tried():
    others = {"azfunc-ext-appinsights", "azfunc-ext-devkit"}
    extras = {
        f"{one.project['name']}[{extra}]"
        for one in DISTRIBUTIONS
        for extra in one.project.get("optional-dependencies", {})
    }

    assert {one.project["name"] for one in DISTRIBUTIONS} == set(ALONE) | others
    assert extras == set(EXTRAS)


@pytest.mark.parametrize("requirement", sorted(EXTRAS))
def test_an_extra_brings_what_it_is_for(installer, pool, requirement):
    arguments, printed = EXTRAS[requirement]

    assert printed in run(installer, pool.view(requirement), *arguments)


def test_the_devkit_alone_serves_an_app(installer, pool, tmp_path):
    """With no extension and no requirements: azure-functions comes with it."""
    app = write_app(tmp_path / "app", {"function_app.py": HEAD + ALONE["azfunc-ext-sdk"][0]})
    view = pool.view("azfunc-ext-devkit")

    assert "seen" in run(installer, view, "-c", SERVE, str(app), PYTHON_ENABLE_WORKER_EXTENSIONS="1")


def test_appinsights_alone_delivers(installer, pool):
    """Without the framework: it is a library for other exporters too."""
    with InsightsServer() as server:
        run(installer, pool.view("azfunc-ext-appinsights"), "-c", DELIVER, server.connection_string)
        (row,) = server.wait_for("customEvents", 1, 30)

    assert row["name"] == "deployed"
