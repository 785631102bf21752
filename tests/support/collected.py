"""Functions of a v2 app as a worker collects them, and a module in a worker's shape that is loaded."""

from __future__ import annotations

import sys

import azure.functions as func

from ext_sdk import lifecycle, registry, workers
from ext_sdk.workers import driving, function_app
from tests.support.worker_module import new_worker


def collect(app):
    """Collect a v2 app's functions as a worker does, and return our records of them, by name."""
    functions = app.get_functions()
    described = [function_app.describe(one) for one in functions]
    registry.check_functions(described)
    return {one.name: one for one in described}


def call(function, **args):
    """Call a collected function through the extensions that apply to it."""
    _, plan = registry.plan_for(function)
    return lifecycle.run(function, plan, args)


def request():
    return func.HttpRequest("GET", "http://localhost/", body=b"")


def load_a_worker(monkeypatch):
    module = new_worker("worker_of_names.functions")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(driving, "_workers", [module.__name__])
    workers.install()
    return module
