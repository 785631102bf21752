"""A worker with an app, for each kind of worker and each programming model."""

from __future__ import annotations

import pytest

from tests.workers import apps, drive
from tests.workers.table import KINDS, MODELS, rows


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(drive.HERE):
            item.add_marker(pytest.mark.workers)


@pytest.fixture(scope="module", params=[kind for kind in KINDS if not drive.why_not(kind)])
def kind(request):
    """Each kind of worker that can run here; test_table.py says of the others why not."""
    return request.param


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a new folder's path each time it is called; the folder does not exist yet."""
    return lambda: tmp_path_factory.mktemp("w") / "app"


@pytest.fixture(scope="module")
def new_app(folder, model):
    """Write an app of the model; without functions those of the table."""

    def write(functions=None, **how):
        return apps.write(folder(), model, functions or [apps.function_of(row) for row in rows(model)], **how)

    return write
