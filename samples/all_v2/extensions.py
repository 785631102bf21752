"""Every extension, each set up once for the whole app."""

from ext_opencensus import OpenCensusExtension
from ext_opentelemetry import OpenTelemetryExtension
from ext_telemetry import TelemetryExtension
from ext_timing import TimingExtension

OpenTelemetryExtension.configure()
# What was written for OpenCensus goes on as it is, and becomes spans of OpenTelemetry.
OpenCensusExtension.configure(underneath="opentelemetry")
TelemetryExtension.configure()
TimingExtension.configure(slow_ms=5000)
