"""What each sample stores under the local host, row by row; the same on real workers: tests/workers/test_sample_rows.py.

`UPDATE_ROWS=1` writes what is found, to be read by eye.
"""

from __future__ import annotations

import os
import signal

import pytest

from ext_devkit.insights.server import InsightsServer
from tests.support.backend import backend
from tests.support.host import RunningHost, request
from tests.support.snapshots import ROLE, ROWS, SAMPLES, Snapshot, samples, traceparent

pytestmark = pytest.mark.timeout(120)


def test_each_sample_has_its_rows_and_there_are_no_others():
    assert samples() == sorted(path.stem for path in ROWS.glob("*.json"))


@pytest.mark.parametrize("sample", sorted(path.stem for path in ROWS.glob("*.json")))
def test_a_sample_stores_exactly_these_rows(sample):
    snapshot = Snapshot(sample)
    with InsightsServer() as server, backend() as service:
        settings = {"BACKEND_URL": service.url, "SHOP_URL": service.url, "WEBSITE_SITE_NAME": ROLE}
        with RunningHost(SAMPLES / sample, "--insights", server.url, **settings, **snapshot.settings) as host:
            for number, sent in enumerate(snapshot.requests):
                answer = request(
                    f"{host.url}/{sent.path}", sent.method, sent.body.encode() or None,
                    {"traceparent": traceparent(number)},
                )  # fmt: skip
                assert answer.status == sent.status, answer.body
            snapshot.wait(server)
            host.stop(signal.SIGTERM)
        snapshot.check(server, SAMPLES / sample, service.url)


def test_rows_are_compared_and_not_written():
    """A forgotten variable would let every test here pass."""
    assert not os.environ.get("UPDATE_ROWS"), "the rows were written: read them, then test without UPDATE_ROWS"
