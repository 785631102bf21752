"""Our own extensions conform, and the published OpenCensus one has exactly its own faults."""

from __future__ import annotations

import pytest

from ext_devkit.check import checks

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
}


@pytest.mark.parametrize("target", OURS)
def test_each_of_ours_conforms(target):
    found = {check.name: check.run() for check in checks(target)}
    assert {name: one.seen for name, one in found.items() if not one.ok} == {}


def test_the_published_one_has_exactly_its_own_faults():
    skipped = ["import-time"]  # it takes about as long as is allowed
    found = {
        check.name: check.run()
        for check in checks(THE_PUBLISHED, skip=skipped, configure={"connection_string": NOWHERE})
    }
    seen = {name: one.seen for name, one in found.items() if not one.ok}
    assert sorted(seen) == sorted(FAULTS), seen
    for name, about in FAULTS.items():
        assert about in seen[name]
