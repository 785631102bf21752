"""What each sample stores on the real workers: the same rows as under the local host, tests/samples/test_rows.py.

On the library runtimes tests/packaging/test_samples.py sees them, with what the samples' requirements bring.
"""

from __future__ import annotations

import shutil
import signal

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.support.snapshots import ROLE, ROWS, SAMPLES, Snapshot, traceparent
from tests.workers import drive


@pytest.mark.parametrize("sample", sorted(path.stem for path in ROWS.glob("*.json")))
def test_a_sample_stores_the_same_rows_as_under_the_local_host(kind, sample, tmp_path):
    if kind in ("devkit", "runtime"):
        pytest.skip(f"another test sees the samples' rows on {kind}")
    snapshot = Snapshot(sample)
    app = tmp_path / sample
    shutil.copytree(SAMPLES / sample, app)
    with InsightsServer() as server, backend() as service:
        settings = {
            "BACKEND_URL": service.url,
            "SHOP_URL": service.url,
            "WEBSITE_SITE_NAME": ROLE,
            "PYTHON_ENABLE_WORKER_EXTENSIONS": "1",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": server.connection_string,
        }
        with drive.Worker(kind, app, **settings, **snapshot.settings) as worker:
            for number, sent in enumerate(snapshot.requests):
                answer = worker.invoke(
                    sent.function, url=f"http://localhost:7071/{sent.path}", params=sent.params, method=sent.method,
                    body=sent.body, traceparent=traceparent(number),
                )  # fmt: skip
                assert answer.get("status", 200 if answer["ok"] else 500) == sent.status, answer
            snapshot.wait(server)
            worker.end(signal.SIGTERM)
        snapshot.check(server, app, service.url)
