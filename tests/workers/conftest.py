"""A worker with an app, for each kind of worker and each programming model."""

from __future__ import annotations

import pytest

from tests.workers import apps, drive

KINDS = ["classic", "runtime", "devkit"]
MODELS = {"v1": apps.write_v1, "v2": apps.write_v2}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(drive.HERE):
            item.add_marker(pytest.mark.workers)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    if reason := drive.why_not(request.param):
        pytest.skip(reason)
    return request.param


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def new_app(tmp_path_factory, model):
    def write(**how):
        folder = tmp_path_factory.mktemp(model) / "app"
        folder.mkdir()
        return MODELS[model](folder, **how)

    return write


@pytest.fixture(scope="module")
def worker(kind, new_app):
    """A worker that serves the app of all cases, with a recording and a failing extension."""
    with drive.Worker(kind, new_app()) as worker:
        yield worker
