"""Our own extensions conform, and the published OpenCensus one has exactly its own faults."""

from __future__ import annotations

import pytest

from ext_devkit.check import checks
from ext_devkit.check.running import run_all

pytestmark = pytest.mark.timeout(180)

OURS = [
    "ext_opentelemetry.OpenTelemetryExtension", "ext_opencensus.OpenCensusExtension",
    "ext_telemetry.TelemetryExtension", "ext_timing.TimingExtension", "ext_timing.FunctionTimer",
]  # fmt: skip
THE_PUBLISHED = "opencensus.extension.azure.functions.OpenCensusExtension"
NOWHERE = "InstrumentationKey=10ca1000-0000-4000-8000-000000000000;IngestionEndpoint=http://127.0.0.1:1"

FAULTS = {
    # It reads `context.trace_context.Traceparent` of whatever there is, and puts `tracer` on every context.
    "hostile": "pre_invocation_app_level",
    # OpenCensus's Tracer makes itself the current one, and nothing takes it away again.
    "context-variables": "tracer",
    # It makes a new exporter at each call until it is configured, and says so each time.
    "unconfigured": "Please call OpenCensusExtension.configure()",
}


@pytest.mark.parametrize("target", OURS)
def test_each_of_ours_conforms(target):
    assert {check.name: one.seen for check, one in run_all(checks(target)) if not one.ok} == {}


def test_the_published_one_has_exactly_its_own_faults():
    chosen = checks(THE_PUBLISHED, configure={"connection_string": NOWHERE})
    seen = {check.name: one.seen for check, one in run_all(chosen) if not one.ok}
    assert sorted(seen) == sorted(FAULTS), seen
    for name, about in FAULTS.items():
        assert about in seen[name]
