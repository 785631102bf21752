"""The server may run in the process of a test of a function app: it must not switch an extension on in there."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, threading
from ext_devkit.insights.server import InsightsServer
from ext_sdk import registry
from tests.support.otlp_http import export, logs, metric, traces

with InsightsServer() as server:
    export(server, "traces", traces({}))
    export(server, "logs", logs({"body": "a"}))
    export(server, "metrics", metric("gauge", {"as_int": 1}))
    assert sum(server.store.counts().values()) == 3
assert "ext_opentelemetry.extension" not in sys.modules
assert not registry.active()

from ext_opentelemetry import AppInsightsSpanExporter, OpenTelemetryExtension
import ext_opentelemetry.mapping
assert [one.type for one in registry.active()] == [OpenTelemetryExtension]
"""


def test_what_otlp_needs_of_the_tracing_extension_does_not_activate_it():
    """An app that imports it activates it, then as ever."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_gets_no_otlp_loads_nothing_for_it():
    script = (
        "import sys; from ext_devkit.insights.server import InsightsServer; InsightsServer().close(); "
        "assert not {'google', 'opentelemetry', 'ext_opentelemetry'} & set(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
