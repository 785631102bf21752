"""Live metrics are answered as the service answers while nobody looks."""

from __future__ import annotations

import contextlib
import http.client
from contextvars import copy_context

import pytest
from azure.monitor.opentelemetry.exporter._quickpulse._exporter import _QuickpulseExporter
from azure.monitor.opentelemetry.exporter._quickpulse._generated.livemetrics.models import MonitoringDataPoint


@pytest.mark.parametrize("path", ["/QuickPulseService.svc/ping", "//QuickPulseService.svc/post"])
def test_a_client_is_told_that_nobody_looks(shared, path):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", shared.port, timeout=30)) as connection:
        connection.request("POST", f"{path}?ikey=x&api-version=2024-04-01-preview", b"[not read]")
        response = connection.getresponse()

        assert (response.status, response.read()) == (200, b"")
        assert response.headers["x-ms-qps-subscribed"] == "false"
        assert response.headers["x-ms-qps-service-polling-interval-hint"] == "60000"


def test_microsofts_client_understands_it(shared):
    """A redirect, or a body, would be taken as an order."""
    exporter = _QuickpulseExporter(connection_string=shared.connection_string)
    point = MonitoringDataPoint(
        version="py", invariant_version=5, instance="i", role_name="r", machine_name="m", stream_id="s"
    )

    # It switches instrumentation off where it runs, its own thread, and not on again.
    answer = copy_context().run(exporter._ping, point)

    assert answer._response_headers["x-ms-qps-subscribed"] == "false"
    assert answer._deserialized is None
