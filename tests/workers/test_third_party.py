"""An extension that is not ours, from the wheel of `samples/third_party_extension`, on the real workers."""

from __future__ import annotations

import json

import pytest

from tests.support.third_party import deployed, packages
from tests.workers import drive


@pytest.fixture(scope="module")
def app(tmp_path_factory, built):
    return deployed(tmp_path_factory.mktemp("third"), built)


def test_the_installed_wheel_takes_part_in_each_call(kind, app):
    settings = {"PYTHONPATH": str(packages(app)), "EXT_SLOWCALLS_SLOW_MS": "100"}
    with drive.Worker(kind, app, PYTHON_ENABLE_WORKER_EXTENSIONS="1", **settings) as worker:
        assert text(worker.invoke("fast")) == "at once"
        assert text(worker.invoke("slow")) == "at last"
        assert json.loads(text(worker.invoke("counted"))) == {"slow": 1}


def text(answer):
    """Return what a function answered that returns text: the host makes an HTTP response of it, or has it from us."""
    return answer["value"] if "value" in answer else answer["body"]
