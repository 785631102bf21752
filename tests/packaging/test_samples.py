"""Each sample as it is deployed: its own files, what its requirements.txt brings, and a worker that has neither."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.packaging.pythons import EVERY, PACKAGES
from tests.support.backend import backend
from tests.support.snapshots import ROLE, SAMPLES, Snapshot, samples, traceparent
from tests.workers import drive

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("sample", samples())
def test_a_sample_answers_and_stores_its_rows_with_only_its_requirements(
    installer, pool, kind, worker, sample, tmp_path
):
    app = tmp_path / sample
    shutil.copytree(SAMPLES / sample, app)
    shutil.copytree(required(app, installer, pool), app / PACKAGES, copy_function=os.link)

    snapshot = Snapshot(sample)
    with InsightsServer() as server, backend() as service:
        settings = {
            "BACKEND_URL": service.url, "SHOP_URL": service.url, "WEBSITE_SITE_NAME": ROLE,
            "PYTHON_ENABLE_WORKER_EXTENSIONS": "1", "PYTHONPATH": str(app / PACKAGES),
            "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string,
        }  # fmt: skip
        with drive.Worker(kind, app, python=worker, **settings, **snapshot.settings) as running:
            for number, sent in enumerate(snapshot.requests):
                answer = running.invoke(
                    sent.function, url=f"http://localhost:7071/{sent.path}", params=sent.params, method=sent.method,
                    body=sent.body, traceparent=traceparent(number),
                )  # fmt: skip
                assert answer.get("status", 200 if answer["ok"] else 500) == sent.status, answer
            snapshot.wait(server)
            running.end(signal.SIGTERM)
        snapshot.check(server, app, service.url)


def required(app, installer, pool):
    """Return a folder with what its requirements.txt brings: by pip, or a view where pip would take most of the time."""
    text = (app / "requirements.txt").read_text("utf-8")
    if EVERY or app.name.startswith("all_"):
        return installer.packages(text)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return pool.view(*lines)
